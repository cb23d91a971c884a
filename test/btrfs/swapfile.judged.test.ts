import { readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { encodeSwapHeader } from '../../src/swap/header.ts'
import { build, describeImage, inFolder, type Built } from '../images/build.ts'
import { buildAndJudge } from '../images/judge.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { withLoop, withMount } from '../judges/mounted.ts'
import { extractPartition } from '../judges/partition.ts'
import { missingJudge, mustRun, requireJudge, runTool } from '../judges/run-tool.ts'
import type { TarInput } from '../tar/build-tar.ts'

const MIB = 1024 ** 2
const UUID = '01234567-89ab-5def-8123-456789abcdef'
const canSwap = canJudgeWithKernel() && ['swapon', 'swapoff', 'blkid'].every(requireJudge)

/** Has the kernel swap to a file of a copy of the image; gives what it says of the space. */
async function swapTo(
  { folder, image, btrfs }: Built,
  path: string,
): Promise<{ first: number; bytes: number }> {
  const copy = join(folder, 'partition')
  await extractPartition(image, btrfs, copy)
  let first = 0
  let bytes = 0
  await withLoop(copy, { start: 0, size: btrfs.size }, false, async (device) => {
    await withMount(device, 'rw,subvolid=5', folder, async (top) => {
      const file = join(top, path)
      const { stdout } = await mustRun('btrfs', ['inspect-internal', 'map-swapfile', '-r', file])
      first = Number(stdout)
      expect((await mustRun('blkid', ['-p', '-o', 'value', '-s', 'TYPE', file])).stdout.trim()).toBe('swap')
      const { code, stderr } = await runTool('swapon', ['--priority', '0', file])
      if (code !== 0 && /Operation not permitted/.test(stderr)) return void missingJudge('swapon', stderr)
      expect(stderr).toBe('')
      expect(code).toBe(0)
      try {
        const args = ['--show=NAME,SIZE', '--bytes', '--raw', '--noheadings']
        const shown = (await mustRun('swapon', args)).stdout.split('\n').find((line) => line.startsWith(file))
        bytes = Number(shown?.split(' ')[1])
      } finally {
        await mustRun('swapoff', [file])
      }
    })
  })
  rmSync(copy)
  return { first, bytes }
}

describe('a swap file', () => {
  test.skipIf(!canSwap)('around a superblock mirror, in a subvolume', async () => {
    const size = 200 * MIB
    const entries: TarInput[] = [{ path: 'a', type: 'file', content: 'x'.repeat(5000) }]
    await buildAndJudge(
      entries,
      {
        subvolumes: [
          { name: '@', path: '/' },
          { name: '@swap', path: '/swap' },
        ],
        compression: 'zstd',
        swapfile: { path: '/swap/dir/swapfile', size },
      },
      { exercise: true },
      async (built) => {
        expect(statSync(built.image).blocks * 512).toBeLessThan(20 * MIB)
        const { first, bytes } = await swapTo(built, '@swap/dir/swapfile')
        // Behind the one sector of content, in pages.
        expect(first).toBe((MIB + 4096) / 4096)
        expect(bytes).toBe(size - 4096)
      },
    )
  })

  test.skipIf(!canSwap)('over several chunks, without any other content', async () => {
    const options = {
      swapfile: { path: '/swapfile', size: '2200MiB' },
      nodeSize: 65536,
      mixed: false,
    } as const
    await buildAndJudge([], options, {}, async (built) => {
      expect((await swapTo(built, 'swapfile')).bytes).toBe(2200 * MIB - 4096)
    })
  })

  test.skipIf(!canSwap)('of the least size', async () => {
    await buildAndJudge([], { swapfile: { path: '/s', size: '40KiB' } }, {}, async (built) => {
      expect((await swapTo(built, 's')).bytes).toBe(36864)
    })
  })

  test.each<[string, TarInput]>([
    ['file', { path: 'swap', type: 'file' }],
    ['directory', { path: 'swap', type: 'directory' }],
  ])('is not put over a %s', async (type, entry) => {
    await inFolder(async (folder) => {
      const options = { swapfile: { path: '/swap', size: '1MiB' } }
      const spec = describeImage(folder, [{ entries: [entry] }], options)
      await expect(build(folder, spec)).rejects.toThrow(
        `the swap file of the description: entry "swap": the sources have a ${type} there`,
      )
    })
  })

  test('does not go through a file', async () => {
    await inFolder(async (folder) => {
      const options = { swapfile: { path: '/a/swap', size: '1MiB' } }
      const spec = describeImage(folder, [{ entries: [{ path: 'a', type: 'fifo' }] }], options)
      await expect(build(folder, spec)).rejects.toThrow('"a" is a fifo, not a directory')
    })
  })

  test.skipIf(!requireJudge('mkswap'))('has the header that mkswap makes', async () => {
    await inFolder(async (folder) => {
      const file = join(folder, 'swap')
      await mustRun('truncate', ['--size', '1M', file])
      await mustRun('chmod', ['0600', file])
      await mustRun('mkswap', ['--pagesize', '4096', '--uuid', UUID, file])
      expect(readFileSync(file).subarray(0, 4096)).toEqual(
        Buffer.from(encodeSwapHeader({ size: MIB, uuid: UUID })),
      )
    })
  })
})
