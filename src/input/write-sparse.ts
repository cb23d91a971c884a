/** Copies of images that can only be read front to back. */
import type { ByteSource } from '../lib/byte-source.ts'
import type { OpenFile } from '../output/open-file.ts'
import { rawFile } from '../output/raw-file.ts'

const READ_SIZE = 1 << 20

/** All bytes of a source, in order. @param onRead called with the bytes that are done */
export async function* piecesOf(
  source: ByteSource,
  onRead: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < source.size;) {
    const piece = await source.read(at, READ_SIZE)
    if (piece.length === 0) return
    at += piece.length
    yield piece
    onRead(at)
  }
}

/** Writes pieces one after the other; blocks of zeros become holes. @returns the bytes written, holes included */
export async function writeSparse(file: OpenFile, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  const image = rawFile(file)
  try {
    let size = 0
    for await (const piece of pieces) {
      await image.write(size, piece)
      size += piece.length
    }
    return await image.finish(size)
  } finally {
    await file.settle().catch(() => undefined)
  }
}
