/** Finds where zstd frames end without decompressing them (RFC 8878, 3.1). */
import { InputError } from '../lib/errors.ts'

const MAGIC = 0xfd2fb528
/** The magic number of a skippable frame without its last four bits, which are free. */
const SKIPPABLE_MAGIC = 0x184d2a5

/** A part of one frame; `last` when the frame ends with it. */
export interface FramePiece {
  bytes: Uint8Array
  last: boolean
}

/** What comes next in a frame: bytes to pass over, or a little-endian number to look at. */
interface Step {
  bytes: number
  /** The first field of a frame. */
  first?: boolean
}

/**
 * Cuts zstd data at the ends of frames, skippable ones included.
 * @throws InputError when something else than a frame follows, or the data end inside a frame
 */
export async function* framePieces(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<FramePiece, void, undefined> {
  const walk = walkFrames()
  let step = walk.next(0).value
  let taken = 0
  let value = 0
  let offset = 0
  for await (const chunk of chunks) {
    let start = 0
    let at = 0
    while (true) {
      const size = Math.min(step.bytes - taken, chunk.length - at)
      // Only fields of up to four bytes are looked at.
      for (let i = 0; i < size && taken + i < 4; i++) value += chunk[at + i] * 2 ** (8 * (taken + i))
      at += size
      taken += size
      if (taken < step.bytes) break
      try {
        step = walk.next(value).value
      } catch (error) {
        throw new InputError(
          `damaged zstd data after ${offset + at} compressed bytes: ${(error as Error).message}`,
          { source },
        )
      }
      taken = value = 0
      if (step.first) {
        yield { bytes: chunk.subarray(start, at), last: true }
        start = at
      }
    }
    if (start < chunk.length) yield { bytes: chunk.subarray(start), last: false }
    offset += chunk.length
  }
  if (!step.first || taken > 0) throw truncatedZstd(source, offset)
}

export function truncatedZstd(source: string, length: number): InputError {
  return new InputError(`truncated zstd data: it ends after ${length} bytes, inside a frame`, { source })
}

/** The steps through any number of frames; is given the value of each. */
function* walkFrames(): Generator<Step, never, number> {
  for (;;) {
    const magic = yield { bytes: 4, first: true }
    if (magic >>> 4 === SKIPPABLE_MAGIC) {
      const size = yield { bytes: 4 }
      yield { bytes: size }
      continue
    }
    if (magic !== MAGIC) {
      throw new RangeError(`expected the magic number of a frame, found 0x${magic.toString(16)}`)
    }
    const descriptor = yield { bytes: 1 }
    const isSingleSegment = (descriptor & 0x20) !== 0
    const windowDescriptor = isSingleSegment ? 0 : 1
    const dictionaryId = [0, 1, 2, 4][descriptor & 3]
    const contentSize = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]
    yield { bytes: windowDescriptor + dictionaryId + contentSize }

    let block: number
    do {
      block = yield { bytes: 3 }
      const isRle = ((block >>> 1) & 3) === 1
      yield { bytes: isRle ? 1 : block >>> 3 }
    } while ((block & 1) === 0)
    const hasChecksum = (descriptor & 0x04) !== 0
    if (hasChecksum) yield { bytes: 4 }
  }
}
