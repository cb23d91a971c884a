import { Bzip2Decoder, Bzip2Problem, HEADER_BYTES, MAX_BLOCK_BYTES } from '../lib/bzip2.ts'
import { InputError } from '../lib/errors.ts'
import { ChunkReader } from '../tar/read/chunk-reader.ts'

/**
 * The content of a bzip2 file, all its streams. Zeros after the last one are padding.
 * @throws InputError when it is damaged or truncated, or something else follows
 */
export async function* decompressBzip2(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new ChunkReader(chunks)
  const decoder = new Bzip2Decoder()
  const truncated = () =>
    new InputError(
      `truncated bzip2 data: it ends after ${reader.offset + reader.available} bytes, inside a stream`,
      { source },
    )
  try {
    do {
      if (!(await reader.gather(HEADER_BYTES))) throw truncated()
      decoder.start(reader.buffer, reader.at)
      reader.at += HEADER_BYTES
      for (let inStream = true; inStream;) {
        await reader.gather(MAX_BLOCK_BYTES)
        const block = decoder.next(reader.buffer, reader.at)
        if (block === undefined) throw truncated()
        if (block.content !== undefined) yield* block.content
        reader.at += block.taken
        inStream = block.content !== undefined
      }
      await skipZeros(reader)
    } while (await reader.fill())
  } catch (error) {
    if (!(error instanceof Bzip2Problem)) throw error
    const message = `damaged bzip2 data after ${reader.offset} compressed bytes: ${error.message}`
    throw new InputError(message, { source }, { cause: error })
  } finally {
    await reader.close()
  }
}

async function skipZeros(reader: ChunkReader): Promise<void> {
  while (await reader.fill()) {
    while (reader.available > 0 && reader.buffer[reader.at] === 0) reader.at++
    if (reader.available > 0) return
  }
}
