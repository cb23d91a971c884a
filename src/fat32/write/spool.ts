import { DoesNotFitError } from '../../lib/errors.ts'

/** Keeps content that can be read only once until the file system is written. */
export interface Spool {
  /**
   * Reads the content to its end.
   *
   * @param content a piece is valid until the next one is requested
   * @returns a function that reads the content again, as often as it is called
   */
  add(content: AsyncIterable<Uint8Array>): Promise<() => AsyncIterable<Uint8Array>>
}

/** The default limit of a spool in memory, in bytes. */
export const MAX_SPOOLED_BYTES = 256 * 2 ** 20

/**
 * A spool in memory.
 *
 * @param maxBytes of all content together
 * @throws DoesNotFitError from `add` when there is more
 */
export function memorySpool(maxBytes = MAX_SPOOLED_BYTES): Spool {
  let used = 0
  return {
    async add(content) {
      const pieces: Uint8Array[] = []
      for await (const piece of content) {
        used += piece.length
        if (used > maxBytes) {
          throw new DoesNotFitError('the content of streams, which is kept in memory,', {
            needed: used,
            available: maxBytes,
          })
        }
        pieces.push(piece.slice())
      }
      return () => iterate(pieces)
    },
  }
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* iterate(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces
}
