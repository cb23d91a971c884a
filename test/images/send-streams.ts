/** Streams of snapshots that the kernel makes of a tree that changes at random. */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newestBtrfs, newestMkfs } from '../judges/btrfs-programs.ts'
import { kernelReceive, kernelSend, type KernelSendOptions } from '../judges/btrfs-send.ts'
import type { FoundEntry } from '../judges/expected.ts'
import { withLoop, withMount } from '../judges/mounted.ts'
import { mustRun } from '../judges/run-tool.ts'
import { findPython, walk } from '../judges/walk.ts'

const MUTATE = fileURLToPath(new URL('mutate-tree.py', import.meta.url))
const SIZE = 512 * 2 ** 20

/** Runs `work` on a new file system that is mounted. */
export async function withNewFileSystem(
  folder: string,
  options: string,
  work: (top: string) => Promise<void>,
): Promise<string> {
  const image = join(folder, `kernel-${options.replace(/\W+/g, '-')}.img`)
  writeFileSync(image, '')
  truncateSync(image, SIZE)
  await mustRun(newestMkfs()!, ['-q', image])
  await withLoop(image, { start: 0, size: SIZE }, false, async (device) => {
    await withMount(device, options, folder, work)
  })
  return image
}

export async function mutateTree(directory: string, seed: number, steps: number): Promise<void> {
  await mustRun(findPython()!, [MUTATE, directory, String(seed), String(steps)])
}

export const btrfs = (...args: readonly string[]) => mustRun(newestBtrfs()!, args)

/** Snapshots of a tree, and streams of each: the first one full, the others incremental. */
export interface SentSnapshots {
  /** Trees of the snapshots, as they were sent. */
  sent: FoundEntry[][]
  /** What the kernel made of the last stream. */
  received: FoundEntry[]
  streams: string[]
}

/** Lets the kernel send snapshots of a tree between which it changes, and receive them elsewhere. */
export async function sendSnapshots(
  folder: string,
  {
    seed,
    snapshots,
    steps,
    form,
  }: { seed: number; snapshots: number; steps: number; form: KernelSendOptions },
): Promise<SentSnapshots> {
  const sent: FoundEntry[][] = []
  const streams: string[] = []
  let received: FoundEntry[] = []
  await withNewFileSystem(folder, form.compressed ? 'compress=zstd:3,noatime' : 'noatime', async (top) => {
    const at = (name: string | number) => join(top, String(name))
    await btrfs('subvolume', 'create', at('tree'))
    mkdirSync(at('received'))
    for (let i = 0; i < snapshots; i++) {
      await mutateTree(at('tree'), seed * 1000 + i, steps)
      await btrfs('subvolume', 'snapshot', '-r', at('tree'), at(i))
      const stream = join(folder, `stream-${i}`)
      await kernelSend(at(i), stream, { ...form, ...(i > 0 && { parent: at(i - 1) }) })
      await kernelReceive(stream, at('received'))
      streams.push(stream)
      sent.push(await walk(at(i)))
      received = await walk(join(at('received'), String(i)))
    }
  })
  return { sent, received, streams }
}

/** Entries by their paths, without what depends on when and where they were made. */
export function comparable(
  entries: readonly FoundEntry[],
  ignored: readonly (keyof FoundEntry)[] = ['ino', 'ctime'],
): Map<string, Partial<FoundEntry>> {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))
  return new Map(
    sorted.map((entry) => [
      String(entry.path),
      Object.fromEntries(Object.entries(entry).filter(([key]) => !(ignored as string[]).includes(key))),
    ]),
  )
}
