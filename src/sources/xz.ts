import { InputError } from '../lib/errors.ts'
import { XzDecoder, XzProblem } from '../lib/xz/decoder.ts'

const END = new Uint8Array(0)

/**
 * The content of .xz streams, any number of them, with zeros as padding. Dictionaries have up to 64 MiB, which is what
 * `xz -9` makes.
 *
 * @throws InputError when they are damaged or truncated, or use filters other than LZMA2, or SHA-256
 */
export async function* decompressXz(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = await XzDecoder.load()
  let offset = 0
  const decode = function* (chunk: Uint8Array) {
    try {
      yield* decoder.decode(chunk)
    } catch (error) {
      if (!(error instanceof XzProblem)) throw error
      const message = error.isTruncated
        ? `truncated xz data: it ends after ${offset} bytes, inside a stream`
        : `damaged xz data before byte ${offset + chunk.length} of it: ${error.message}`
      throw new InputError(message, { source }, { cause: error })
    }
  }
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue
    yield* decode(chunk)
    offset += chunk.length
  }
  yield* decode(END)
}
