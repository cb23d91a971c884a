/** Large files of a plain archive are read where they are compressed; the image is that of any other archive. */
import { createReadStream, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { buildImage } from 'diskwright'
import { expect, test } from 'vitest'
import { readTarEntries } from '../../src/tar/read/entries.ts'
import { openSource } from '../../src/sources/open.ts'
import type { FileHandle } from 'node:fs/promises'
import { inFolder, noise, text } from '../images/build.ts'
import { buildTar, type TarInput } from '../tar/build-tar.ts'

const MIB = 2 ** 20

/** Sizes around what is read at once, with small files in between. */
const SIZES = [
  3 * MIB,
  5,
  300_000,
  257 * 1024,
  MIB + 1,
  0,
  2 * MIB - 512,
  4096,
  700_001,
  1_310_720,
  100,
  5 * MIB + 3,
]
const contents = SIZES.map((size, i) => (i % 3 === 0 ? noise(size, i + 1) : text(size, i + 1)))
const inputs: TarInput[] = contents.map((content, i) => ({ path: `file-${i}`, type: 'file', content }))

const describeWith = (tar: string) => ({
  seed: 'located',
  time: 0,
  table: { type: 'mbr' as const },
  partitions: [{ type: 'btrfs' as const, size: 'fit' as const, sources: [{ tar }] }],
})

test.each([0, 2])('the bytes are those of a compressed archive, with %i workers', async (workers) => {
  await inFolder(async (folder) => {
    const tar = buildTar(inputs)
    writeFileSync(join(folder, 'plain.tar'), tar)
    writeFileSync(join(folder, 'packed.tar.gz'), gzipSync(tar, { level: 1 }))
    const images: Buffer[] = []
    for (const name of ['plain.tar', 'packed.tar.gz']) {
      const output = join(folder, `${name}.img`)
      await buildImage(describeWith(join(folder, name)), { output, workers })
      images.push(readFileSync(output))
    }
    expect(images[0].equals(images[1])).toBe(true)
  })
})

test('content that is read as it streams by is the same, located or not', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'plain.tar')
    writeFileSync(path, buildTar(inputs))
    const retained: FileHandle[] = []
    const located: number[] = []
    const read: number[] = []
    const entries = await openSource(
      { kind: 'tar', path, to: '', merge: 'follow' },
      { retain: (file) => void retained.push(file), onRead: (bytes) => void read.push(bytes) },
    )
    let index = 0
    for await (const entry of entries) {
      if (entry.type !== 'file') continue
      const expected = contents[index]
      if (entry.location !== undefined) {
        located.push(index)
        const { buffer } = await retained[0].read(
          Buffer.alloc(entry.size),
          0,
          entry.size,
          entry.location.offset,
        )
        expect(buffer.equals(expected)).toBe(true)
      }
      // Every other one is read here, too.
      if (index % 2 === 0) {
        const pieces: Uint8Array[] = []
        for await (const piece of entry.content) pieces.push(piece.slice())
        expect(Buffer.concat(pieces).equals(expected)).toBe(true)
      }
      index++
    }
    expect(index).toBe(SIZES.length)
    expect(located.length).toBeGreaterThan(2)
    expect(located.every((index) => SIZES[index] > 256 * 1024)).toBe(true)
    expect(read.at(-1)).toBe(readFileSync(path).length)
    await Promise.all(retained.map((file) => file.close()))
  })
})

test('an archive that is cut off within a large file is an error that names the file', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'cut.tar')
    writeFileSync(path, buildTar(inputs.slice(0, 1)))
    truncateSync(path, 2 * MIB)
    const output = join(folder, 'disk.img')
    await expect(buildImage(describeWith(path), { output })).rejects.toThrow(
      /cut\.tar: entry "file-0" at offset 0: truncated content: expected 3145728 bytes, \d+ of them are missing/,
    )
  })
})

test.each([0, 1])(
  'an archive that shrinks while it is read is an error, with %i workers',
  async (workers) => {
    await inFolder(async (folder) => {
      const path = join(folder, 'shrinking.tar')
      writeFileSync(path, buildTar([{ path: 'large', type: 'file', content: noise(40 * MIB) }]))
      const output = join(folder, 'disk.img')
      const onProgress = () => truncateSync(path, MIB)
      await expect(buildImage(describeWith(path), { output, workers, onProgress })).rejects.toThrow(
        /shrinking\.tar.*(file has changed|truncated|missing)/,
      )
    })
  },
)

test('a stream is read as it comes', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'plain.tar')
    writeFileSync(path, buildTar(inputs))
    let count = 0
    for await (const entry of readTarEntries(createReadStream(path), 'stream')) {
      expect(entry.type === 'file' && entry.location).toBeUndefined()
      count++
    }
    expect(count).toBe(SIZES.length)
  })
})
