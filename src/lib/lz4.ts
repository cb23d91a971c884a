/**
 * Decodes blocks of LZ4 (lz4_Block_format.md of the lz4 project): runs of literals, and matches that copy what came before.
 * No package of npm does it in a stream of frames: they take whole files, or do not look whether a match leads out of them.
 */

/** How far back a match can reach. */
export const LZ4_MAX_DISTANCE = 65535

const MIN_MATCH = 4
/** A length of four bits that says that bytes follow, which are added to it. */
const LONG = 15
const MAX_BYTE = 255

/** A block that cannot be decoded. */
export class Lz4Problem extends Error {}

/**
 * Decodes `source[from, to)` to `target[at...]`; matches may reach back to the start of `target`.
 *
 * @returns the end of the content in `target`
 * @throws Lz4Problem when the block is damaged, or holds more than `target` has room for
 */
export function decodeLz4Block(
  source: Uint8Array,
  { from, to }: { from: number; to: number },
  target: Uint8Array,
  at: number,
): number {
  while (from < to) {
    const token = source[from++]
    let literals = token >>> 4
    if (literals === LONG) {
      const end = endOfLength(source, from, to)
      literals += MAX_BYTE * (end - from - 1) + source[end - 1]
      from = end
    }
    if (literals > to - from) throw new Lz4Problem('a block ends inside literals')
    if (literals > target.length - at) throw tooLong()
    target.set(source.subarray(from, from + literals), at)
    from += literals
    at += literals
    // The last sequence has no match.
    if (from === to) return at

    if (to - from < 2) throw new Lz4Problem('a block ends inside a distance')
    const distance = source[from] | (source[from + 1] << 8)
    from += 2
    let length = (token & 0xf) + MIN_MATCH
    if ((token & 0xf) === LONG) {
      const end = endOfLength(source, from, to)
      length += MAX_BYTE * (end - from - 1) + source[end - 1]
      from = end
    }
    if (distance === 0 || distance > at) {
      throw new Lz4Problem(`a match of distance ${distance} after ${at} bytes`)
    }
    if (length > target.length - at) throw tooLong()
    if (distance >= length) target.copyWithin(at, at - distance, at - distance + length)
    else for (let i = at; i < at + length; i++) target[i] = target[i - distance]
    at += length
  }
  throw new Lz4Problem('a block without a last run of literals')
}

/** Where a length ends that begins at `from`: at the first byte that is not the greatest one. */
function endOfLength(source: Uint8Array, from: number, to: number): number {
  do {
    if (from === to) throw new Lz4Problem('a block ends inside a length')
  } while (source[from++] === MAX_BYTE)
  return from
}

const tooLong = () => new Lz4Problem('a block with more content than the frame allows')
