/** Finds where zstd frames end without decompressing them (RFC 8878, 3.1). */
import { InputError } from '../lib/errors.ts'
import {
  blockBodySize,
  BlockHeader,
  blockHeaderOf,
  FRAME_MAGIC,
  isSkippableMagic,
  sizesOf,
} from '../lib/zstd/format.ts'

/** A part of one frame; `last` when the frame ends with it. */
export interface FramePiece {
  bytes: Uint8Array
  last: boolean
}

/** The next field of a frame: bytes to skip, or a little-endian number to read. */
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
    if (isSkippableMagic(magic)) {
      const size = yield { bytes: 4 }
      yield { bytes: size }
      continue
    }
    if (magic !== FRAME_MAGIC) {
      throw new RangeError(`expected the magic number of a frame, found 0x${magic.toString(16)}`)
    }
    const { restOfHeader, checksum } = sizesOf(yield { bytes: 1 })
    yield { bytes: restOfHeader }

    let block: BlockHeader
    do {
      block = blockHeaderOf(yield { bytes: BlockHeader.size })
      yield { bytes: blockBodySize(block) }
    } while (!block.last)
    if (checksum > 0) yield { bytes: checksum }
  }
}
