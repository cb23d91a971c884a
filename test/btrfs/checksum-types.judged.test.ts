/** Images with checksums of every type, before judges that know their own. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { HASH_NAMES } from '../../src/lib/block-hash.ts'
import { build, describeImage, inFolder, noise, text } from '../images/build.ts'
import { buildAndJudge, judge } from '../images/judge.ts'
import type { BtrfsOptions, Built } from '../images/build.ts'
import type { JudgeOptions } from '../images/judge.ts'
import { expectedImage } from '../images/expected-image.ts'
import { btrfsCheck, canBtrfsCheck } from '../judges/btrfs-check.ts'
import { flipByte } from '../images/flip-byte.ts'
import { extractPartition } from '../judges/partition.ts'
import { mustRun } from '../judges/run-tool.ts'
import type { TarInput } from '../tar/build-tar.ts'

const KIB = 1024
const MIB = 1024 * KIB

const file = (path: string, content: Uint8Array): TarInput => ({ path, type: 'file', content })
const hardlink = (path: string, target: string): TarInput => ({ path, type: 'hardlink', target })

/** More data than an item of the checksum tree covers, more names than a leaf holds, and all kinds of extents. */
const entries: TarInput[] = [
  ...Array.from({ length: 300 }, (_, i) => file(`small/${'n'.repeat(60)}${i}`, text(i * 17, i))),
  ...[2049, 4096, 4097, 128 * KIB, 128 * KIB + 1, 300 * KIB].flatMap((size) => [
    file(`text-${size}`, text(size, size)),
    file(`noise-${size}`, noise(size, size)),
  ]),
  file('large', noise(7 * MIB + 5)),
  file('large-text', text(3 * MIB + 5)),
  file('sparse', new Uint8Array(Buffer.concat([noise(8192), new Uint8Array(MIB), text(9000)]))),
  file('twins/noise', noise(300 * KIB, 300 * KIB)),
  file(
    'twins/late',
    new Uint8Array(Buffer.concat([noise(300 * KIB, 300 * KIB).subarray(0, 262_144), text(9)])),
  ),
  file('boot/kernel', noise(MIB, 7)),
  file('boot/text', text(200 * KIB)),
  hardlink('boot/large-text', 'large-text'),
]
const subvolumes = [
  { name: '@', path: '/' },
  { name: '@boot', path: '/boot', nodatacow: true },
]

/** What the superblocks say of their checksums. */
async function readChecksumTypes({ folder, image, btrfs }: Built): Promise<string[]> {
  const partition = join(folder, 'partition')
  await extractPartition(image, btrfs, partition)
  const { stdout } = await mustRun('btrfs', ['inspect-internal', 'dump-super', '--all', partition])
  return [...stdout.matchAll(/^csum(?:_type|_size)?\s+(.*)$/gm)].map(([, value]) =>
    value.replace(/^0x[0-9a-f]+ /, ''),
  )
}

const SAYS: Record<string, string[]> = {
  crc32c: ['0 (crc32c)', '4', '[match]'],
  xxhash64: ['1 (xxhash64)', '8', '[match]'],
  sha256: ['2 (sha256)', '32', '[match]'],
  blake2b: ['3 (blake2)', '32', '[match]'],
}

/** Images with crc32c, the default, are judged everywhere else. */
describe.each(HASH_NAMES.filter((name) => name !== 'crc32c'))('%s stands all judges', (checksum) => {
  test.each<[BtrfsOptions, JudgeOptions]>([
    [{ nodeSize: 4096, compression: 'zstd' }, { exercise: true }],
    [{ nodeSize: 16384, compression: 'none' }, { check: { versions: 'newest' } }],
    [
      { nodeSize: 65536, compression: 'zstd', dedupe: false, profiles: { metadata: 'single' } },
      { check: { versions: 'newest', lowmem: false } },
    ],
  ])('%o', async (options, judging) => {
    await buildAndJudge(entries, { checksum, subvolumes, ...options }, judging)
  })
})

describe.each(HASH_NAMES)('%s', (checksum) => {
  test('shows which files are equal', async () => {
    await inFolder(async (folder) => {
      const contents = [noise(300 * KIB, 1), noise(300 * KIB, 2), noise(300 * KIB, 1), text(300 * KIB, 1)]
      const sources = [
        { entries: [...contents, text(300 * KIB, 1)].map((content, i) => file(`${i}`, content)) },
      ]
      const spec = describeImage(folder, sources, { checksum, compression: 'zstd' })
      // Each piece of the text is compressed into a sector.
      expect((await build(folder, spec)).btrfs.bytesStored).toBe(2 * 300 * KIB + 3 * 4096)
    })
  })

  test.runIf(canBtrfsCheck())('is what the superblocks say', async () => {
    await inFolder(async (folder) => {
      // Large enough for the second superblock.
      const spec = describeImage(folder, [{ entries: [file('f', text(5000))] }], { checksum, slack: '64MiB' })
      const says = await readChecksumTypes(await build(folder, spec))
      expect(says).toEqual([...SAYS[checksum], ...SAYS[checksum]])
    })
  })

  test.runIf(canBtrfsCheck())('finds a byte that changed, in plain and in compressed extents', async () => {
    await inFolder(async (folder) => {
      const plain = noise(200 * KIB)
      const sources = [{ entries: [file('packed', text(200 * KIB)), file('plain', plain)] }]
      const options = { checksum, compression: 'zstd' } as const
      const built = await build(folder, describeImage(folder, sources, options))
      const { image, btrfs } = built
      await judge(built, expectedImage(sources), { check: { versions: 'newest', lowmem: false } })
      const firstExtent = btrfs.start + MIB
      const plainExtent = readFileSync(image).indexOf(plain)
      expect(plainExtent).toBeGreaterThan(firstExtent)
      for (const offset of [firstExtent, firstExtent + 4095, plainExtent, plainExtent + plain.length - 1]) {
        flipByte(image, offset)
        await expect(btrfsCheck(image, btrfs, { versions: 'newest', lowmem: false })).rejects.toThrow(
          /errors found in csum tree/,
        )
        flipByte(image, offset)
      }
      await btrfsCheck(image, btrfs, { versions: 'newest', lowmem: false })
    })
  })

  test('does not depend on how many threads calculate it', async () => {
    await inFolder(async (folder) => {
      const { buildImage } = await import('diskwright')
      const spec = describeImage(folder, [{ entries }], { checksum, subvolumes })
      const images: Buffer[] = []
      for (const workers of [0, 2]) {
        const output = join(folder, `${workers}.img`)
        await buildImage(spec, { output, baseDirectory: folder, workers })
        images.push(readFileSync(output))
      }
      expect(images[0].equals(images[1])).toBe(true)
    })
  })
})
