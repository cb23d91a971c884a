/** Content is the same whether a reader makes memory for it, or uses that of the caller, whatever was there. */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { memorySource, type SyncByteSource } from '../../../src/lib/byte-source.ts'
import { driveSync } from '../../../src/lib/read-routine.ts'
import type { TarInput } from '../../tar/build-tar.ts'
import { build, describeImage, inFolder, noise, text } from '../../images/build.ts'
import { openWithFaults } from './open-file.ts'

const COMPRESSIONS = ['none', 'lzo', 'zlib:3', 'zstd:3'] as const
const KIB = 1024

function contents(): Map<string, Uint8Array> {
  const sparse = new Uint8Array(700 * KIB)
  sparse.set(text(5000), 0)
  sparse.set(noise(5000), 300 * KIB)
  return new Map([
    ['inline', text(100)],
    ['one sector', text(4096)],
    ['end within a sector', text(100_001)],
    ['two extents', text(200 * KIB + 1)],
    ['many extents', text(3000 * KIB + 5)],
    ['incompressible', noise(300 * KIB + 7)],
    ['mixed', new Uint8Array(Buffer.concat([text(128 * KIB), noise(128 * KIB), text(77)]))],
    ['zeros', sparse],
  ])
}

describe.each(COMPRESSIONS)('compression %s', (compression) => {
  let source: SyncByteSource

  beforeAll(() =>
    inFolder(async (folder) => {
      const entries = [...contents()].map(([path, content]): TarInput => ({ path, type: 'file', content }))
      const { image, btrfs } = await build(folder, describeImage(folder, [{ entries }], { compression }))
      const bytes = readFileSync(image).subarray(btrfs.start, btrfs.start + btrfs.size)
      // As a file does.
      source = {
        ...memorySource(bytes),
        readSync(offset, length, into) {
          if (into === undefined) return bytes.slice(offset, offset + length)
          into.set(bytes.subarray(offset, offset + length))
          return into.subarray(0, length)
        },
      }
    }),
  )

  test.each([...contents().keys()])('%s', async (name) => {
    const { reader } = await openWithFaults(source)
    const content = contents().get(name)!
    const opened = driveSync(source, reader.open(driveSync(source, reader.lookup(reader.root, name))!))
    const { length } = content
    for (const [offset, end] of [
      [0, length],
      [0, length >> 1],
      [length >> 1, length],
      [1, length - 1],
      [Math.min(130_000, length - 1), length],
    ]) {
      const into = new Uint8Array(end - offset + 10).fill(0xee)
      const bytes = driveSync(source, opened.read(offset, end - offset, into))
      expect(bytes.buffer).toBe(into.buffer)
      expect(Buffer.compare(bytes, content.subarray(offset, end)), `${offset} to ${end}`).toBe(0)
      expect([...into.subarray(end - offset)]).toEqual(new Array(10).fill(0xee))
    }
  })
})
