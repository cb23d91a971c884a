/** What reads images with worker threads finds the same with any number of them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { diffImages, verifyImage } from 'diskwright'
import { expect, test } from 'vitest'
import { MutableImage } from '../btrfs/check/mutations.ts'
import { build, describeImage, inFolder, noise, text } from '../images/build.ts'

/** Text and noise: extents that are compressed, and others; enough for threads. */
const inputs = [
  { path: 'text', type: 'file' as const, content: text(9_000_000) },
  { path: 'noise', type: 'file' as const, content: noise(9_000_000) },
  { path: 'more', type: 'file' as const, content: text(5_000_000, 2) },
]

test('verify', async () => {
  await inFolder(async (folder) => {
    const { image } = await build(
      folder,
      describeImage(folder, [{ entries: inputs }], { compression: 'zstd' }),
    )
    const bytes = new Uint8Array(readFileSync(image))
    const sound = await verifyImage(bytes, { workers: 0 })
    expect(sound.findings).toEqual([])
    // Content that is not compressed is in the image as it is; what is before and behind it is compressed.
    const at = Buffer.from(bytes.buffer).indexOf(noise(64))
    for (const offset of [at - 100_000, at + 200_000, at + 1_600_000]) bytes[offset] ^= 0xff
    const damaged = await verifyImage(bytes, { workers: 0 })
    expect(damaged.counts.error).toBeGreaterThan(0)
    for (const workers of [1, 2, 5]) expect(await verifyImage(bytes, { workers })).toEqual(damaged)
  })
})

test('verify, when threads decompress extents while the trees that lead to them are walked', async () => {
  await inFolder(async (folder) => {
    const many = Array.from({ length: 60 }, (_, i) => ({
      path: `many/${i}`,
      type: 'file' as const,
      content: text(200_000, i),
    }))
    const spec = describeImage(folder, [{ entries: [...many, ...inputs] }], {
      compression: 'zstd',
      nodeSize: 4096,
    })
    const { image, btrfs } = await build(folder, spec)
    const partition = join(folder, 'partition')
    writeFileSync(partition, readFileSync(image).subarray(btrfs.start, btrfs.start + btrfs.size))
    const mutable = await MutableImage.open(partition)
    try {
      const verified = (workers: number) => verifyImage(partition, { workers })
      for (const workers of [0, 1, 2, 5]) expect((await verified(workers)).findings).toEqual([])
      // What zstd has compressed is said to be LZO.
      const compressions = mutable.fields.filter(({ name }) => name === 'FileExtentHead.compression')
      const leaves = [...new Set(compressions.map(({ bytenr }) => bytenr))]
      const [first, second] = [leaves[0], leaves.at(-2)!].map((leaf) => ({
        field: compressions.find(({ bytenr }) => bytenr === leaf)!,
        operation: 'minus' as const,
        salt: 0,
      }))
      const wrong = async () => {
        const expected = await verified(0)
        expect(expected.findings.filter(({ where }) => where.startsWith('compressed extent'))).toHaveLength(2)
        for (const workers of [1, 2, 5]) expect(await verified(workers)).toEqual(expected)
      }
      await mutable.with(first, async () => void (await mutable.with(second, wrong)))
    } finally {
      mutable.close()
    }
  })
})

test('diff: content counts, not how it is stored', async () => {
  await inFolder(async (folder) => {
    const images: string[] = []
    for (const compression of ['zstd', 'lzo', 'none'] as const) {
      const own = join(folder, compression)
      images.push((await buildIn(own, compression)).image)
    }
    for (const other of images.slice(1)) {
      const whats: string[] = []
      for await (const { what } of diffImages(images[0], other)) whats.push(what)
      expect(whats).not.toContain('content')
    }
  })
})

async function buildIn(folder: string, compression: 'zstd' | 'lzo' | 'none') {
  mkdirSync(folder)
  return build(folder, describeImage(folder, [{ entries: inputs }], { compression }))
}
