/** Limits of what compressed sources may expand to, against archives that are made to fill a disk or a day. */
import { InputError } from '../lib/errors.ts'

/** Content that no ratio is asked of: as much as a whole card. Zeros that were not left out may well be compressed to nothing. */
const ALWAYS_ALLOWED = 16 * 2 ** 30
/** Above that, bytes of content for each compressed one. Zeros in gzip are 1030, in other formats far more. */
const MAX_RATIO = 1000

/**
 * Passes decompressed content on, up to the limit.
 *
 * @param compressed bytes that were read so far
 * @param maxSize bytes of content that are allowed; undefined: 16 GiB, and a thousand times the compressed bytes
 * @throws InputError when there is more
 */
export async function* limitExpansion(
  chunks: AsyncIterable<Uint8Array>,
  { source, compressed, maxSize }: { source: string; compressed: () => number; maxSize: number | undefined },
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (maxSize !== undefined) {
      if (size > maxSize) throw tooLarge(source, maxSize)
    } else if (size > ALWAYS_ALLOWED && size > ALWAYS_ALLOWED + MAX_RATIO * compressed()) {
      throw new InputError(
        `${compressed()} compressed bytes expand to more than ${size}, over ${MAX_RATIO} times as many: is it a ` +
          'decompression bomb? If not, allow it with "maxSize"',
        { source },
      )
    }
    yield chunk
  }
}

export function tooLarge(source: string, maxSize: number): InputError {
  return new InputError(`expands to more than the ${maxSize} bytes that "maxSize" allows`, { source })
}
