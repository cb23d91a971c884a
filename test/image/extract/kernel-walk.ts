/** What the kernel shows of an image's partition, subvolumes entered. */
import { tmpdir } from 'node:os'
import { canJudgeWithKernel } from '../../judges/kernel-mount.ts'
import type { FoundEntry } from '../../judges/expected.ts'
import { withLoop, withMount } from '../../judges/mounted.ts'
import { mustRun } from '../../judges/run-tool.ts'
import { walk } from '../../judges/walk.ts'

export const canMount = canJudgeWithKernel

/** Every entry below the top level; the roots of subvolumes are directories like others. */
export async function kernelWalk(image: string, number: number): Promise<FoundEntry[]> {
  const { stdout } = await mustRun('sfdisk', ['--json', image])
  const { partitiontable } = JSON.parse(stdout) as {
    partitiontable: { partitions: { start: number; size: number }[] }
  }
  const { start, size } = partitiontable.partitions[number - 1]
  let entries: FoundEntry[] = []
  const enter = async (mountPoint: string, below: string) => {
    const found = await walk(below === '' ? mountPoint : `${mountPoint}/${below}`)
    for (const entry of found) {
      const path = below === '' || entry.path === '' ? `${below}${entry.path}` : `${below}/${entry.path}`
      if (entry.type === 'subvolume') await enter(mountPoint, path)
      else entries.push({ ...entry, path })
    }
  }
  await withLoop(image, { start: start * 512, size: size * 512 }, true, async (device) => {
    entries = []
    await withMount(device, 'ro,subvolid=5', tmpdir(), (mountPoint) => enter(mountPoint, ''))
  })
  return entries
}
