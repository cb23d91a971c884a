/** File extents of every way of compressing, as the kernel and btrfs-progs see them. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { noise, text, type BtrfsOptions, type Built } from '../images/build.ts'
import { buildAndJudge } from '../images/judge.ts'
import { extractPartition } from '../judges/partition.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { contentOf } from '../output/operations.ts'
import type { TarInput } from '../tar/build-tar.ts'

const KIB = 1024
const SIZES = [
  ...[1, 20, 2047, 2048, 2049, 4095, 4096, 4097, 8191, 8192, 8193],
  ...[128 * KIB - 1, 128 * KIB, 128 * KIB + 1, 132 * KIB, 256 * KIB, 256 * KIB + 1, 1024 * KIB],
]
const file = (path: string, content: Uint8Array): TarInput => ({ path, type: 'file', content })

/** Content that compresses well, badly, in parts, not at all, of all sizes at which something changes. */
function contents(folder: string): TarInput[] {
  return SIZES.flatMap((size) => [
    file(`${folder}/lines-${size}`, text(size, size + 1)),
    file(`${folder}/letters-${size}`, contentOf('text', size, size + 1)),
    file(`${folder}/noise-${size}`, noise(size, size + 1)),
    file(`${folder}/zeros-${size}`, new Uint8Array(size)),
    file(`${folder}/half-${size}`, Buffer.concat([noise(size >> 1, size), text(size - (size >> 1), size)])),
    // Half of each sector.
    file(`${folder}/holed-${size}`, contentOf('padded', size, 2048 + 4096 * size)),
  ])
}

/** What `btrfs inspect-internal` says of the partition. */
async function inspect({ folder, image, btrfs }: Built, ...args: string[]): Promise<string> {
  const partition = join(folder, 'partition')
  await extractPartition(image, btrfs, partition)
  return (await mustRun('btrfs', ['inspect-internal', ...args, partition])).stdout
}

/** How often extents are compressed in each way. */
async function countCompressed(built: Built): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const [, kind] of (await inspect(built, 'dump-tree')).matchAll(/ compression \d \((\w+)\)/g)) {
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}

/** Compressed content in the trees, in bytes. */
function inlineSizes(dump: string): { stored: number; size: number }[] {
  const lines = dump.matchAll(/inline extent data size (\d+) ram_bytes (\d+) compression [1-3]/g)
  return [...lines].map(([, stored, size]) => ({ stored: Number(stored), size: Number(size) }))
}

const canInspect = requireJudge('btrfs')

describe('compressed extents', () => {
  test.each<[string, BtrfsOptions]>([
    ['lzo', {}],
    ['lzo', { inlineCompression: true }],
    ['zlib:6', { inlineCompression: true, nodeSize: 4096 }],
    ['zstd', { inlineCompression: true, nodeSize: 65536 }],
    ['zstd:15', { inlineCompression: true, nodeSize: 4096, dedupe: false }],
    ['lzo', { nodeSize: 4096, dedupe: false }],
    ['lzo', { nodeSize: 65536 }],
    ['zlib:1', {}],
    ['zlib:9', { nodeSize: 4096 }],
    ['zlib', { nodeSize: 65536 }],
    ['zstd:15', { nodeSize: 65536 }],
    ['zstd', { nodeSize: 4096 }],
    ['zstd:19', {}],
    ['zstd:-5', { inlineCompression: true }],
  ])('%s %o', async (compression, options) => {
    await buildAndJudge(contents('d'), { compression, ...options }, { exercise: true }, async (built) => {
      expect(built.btrfs.bytesStored).toBeLessThan(built.btrfs.bytesIn * 0.6)
      if (!canInspect) return
      const algorithm = compression.split(':')[0]
      const counts = await countCompressed(built)
      expect(Object.keys(counts).sort()).toEqual([algorithm, 'none'].sort())
      expect(counts[algorithm]).toBeGreaterThan(SIZES.length)
      // Text of 20 bytes to a sector, in the tree; what is longer has extents of its own.
      const inline = inlineSizes(await inspect(built, 'dump-tree'))
      expect(inline.every(({ stored, size }) => stored < size && stored <= 2048 && size <= 4096)).toBe(true)
      expect(inline.some(({ size }) => size === 4096)).toBe(options.inlineCompression === true)
      expect(inline.length > 0).toBe(options.inlineCompression === true)
      const superblock = await inspect(built, 'dump-super')
      expect(superblock.includes('COMPRESS_LZO')).toBe(algorithm === 'lzo')
      expect(superblock.includes('COMPRESS_ZSTD')).toBe(algorithm === 'zstd')
    })
  })

  // Matches that all have one distance: GRUB is strict about their code.
  test.each(['lzo', 'zlib:1', 'zlib:9', 'zstd:1', 'zstd:15', 'zstd:19', 'zstd:-5'])(
    'the same over and over, as boot loaders read it: %s',
    async (compression) => {
      const entries = [1, 2, 3, 26, 700, 5000].flatMap((period) =>
        [20 * KIB, 300 * KIB + 1].map((size) =>
          file(`every-${period}-${size}`, Buffer.alloc(size, noise(period))),
        ),
      )
      await buildAndJudge(entries, { compression }, { readers: true })
    },
  )

  test.each([true, false])(
    'all in one, and read back for copies; in the trees, too: %s',
    async (inlineCompression) => {
      const kinds = ['none', 'lzo', 'zlib:6', 'zstd:1']
      const entries = kinds.flatMap((_, i): TarInput[] => [
        ...contents(`${i}`),
        ...contents(`${i}`).map(({ path }): TarInput => ({
          path: `nocow/${path}`,
          type: 'hardlink',
          target: path,
        })),
      ])
      const options = {
        inlineCompression,
        subvolumes: [
          ...kinds.map((compression, i) => ({ name: `@${i}`, path: `/${i}`, compression })),
          { name: '@nocow', path: '/nocow', nodatacow: true },
        ],
      }
      await buildAndJudge([{ entries: [...entries, file('top', text(300 * KIB))] }], options)
    },
  )
})
