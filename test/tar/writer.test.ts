/** Content that is put where it goes in the archive is not copied, and makes the same archive. */
import { expect, test } from 'vitest'
import { TarWriter } from '../../src/tar/write/writer.ts'
import { noise } from '../images/build.ts'

/** @param put writes content of `length` bytes */
async function archiveOf(put: (writer: TarWriter, content: Uint8Array) => void): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const writer = new TarWriter({
    keepsChunks: false,
    write(chunk) {
      chunks.push(chunk.slice())
      return Promise.resolve()
    },
  })
  for (const [i, length] of [0, 1, 512, 100_000, 300_000, 500_000, 24_288, 7].entries()) {
    put(writer, noise(length, i))
    writer.pad(length)
    await writer.flush()
  }
  await writer.finish()
  return new Uint8Array(Buffer.concat(chunks))
}

test('in place and copied', async () => {
  let inPlace = 0
  const expected = await archiveOf((writer, content) => writer.content(content))
  const found = await archiveOf((writer, content) => {
    const room = writer.room(content.length)
    if (room === undefined) return writer.content(content)
    room.set(content)
    inPlace++
    writer.content(room)
  })
  expect(Buffer.compare(found, expected)).toBe(0)
  expect(inPlace).toBeGreaterThan(4)
})

test('content that was put somewhere else in the archive is a mistake', () => {
  const writer = new TarWriter({ keepsChunks: false, write: () => Promise.resolve() })
  const room = writer.room(100)!
  writer.content(new Uint8Array(512))
  expect(() => writer.content(room)).toThrow('expected it in its room')
})
