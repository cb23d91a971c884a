/**
 * LZO1X streams, the flavour of LZO that Linux has: runs of literals, and matches that copy what came before.
 * The bit stream is described in the kernel's Documentation/staging/lzo.rst.
 */

/** The match instructions that are written: so many bytes, from at most so far back. */
const M2_MAX_LENGTH = 8
const M2_MAX_DISTANCE = 0x800
const M3_MARKER = 0b0010_0000
const M3_MAX_DISTANCE = 0x4000
/** The bits of a match instruction for its length beyond the least match; bytes follow when they do not suffice. */
const M3_LENGTH_MASK = 0b1_1111
const M4_LENGTH_MASK = 0b111
/** A match at distance 0x4000 in the form for far ones stands for the end. */
const END_OF_STREAM = 0b0001_0001
const M4_BASE_DISTANCE = 0x4000

/** A first byte above this is a run of literals, its length added to it. */
const FIRST_LITERALS = 17
const FIRST_LITERALS_MAX = 255 - FIRST_LITERALS
/** So many literals fit into the instruction before them. */
const TRAILING_LITERALS_MAX = 3
/** The bits of an instruction for literals for their number beyond three, which is always there. */
const LITERALS_MASK = 0b1111

/** Shorter matches are not looked for. */
const MIN_MATCH = 4
const HASH_BITS = 13
/** After 2^SKIP_SHIFT bytes without a match one byte more is skipped at each step. */
const SKIP_SHIFT = 6

/** The most bytes that `size` bytes of content become. */
export function lzoBound(size: number): number {
  return size + Math.ceil(size / 16) + 64 + 3
}

/** Compresses one segment after the other; keeps its table between them. What it writes depends on the content alone. */
export class LzoCompressor {
  /** By the hash of four bytes: where they were last seen, counted over all segments there have been. */
  readonly #seen = new Uint32Array(1 << HASH_BITS)
  /** Number of the first position of the current segment; lower ones are of earlier segments. 0 is no position. */
  #base = 1

  /**
   * Compresses `source[from, to)` into one stream at `target[at...]`.
   *
   * @param to at most 16 KiB after `from`
   * @param target has room for `lzoBound(to - from)` bytes there
   * @returns the end of the stream in `target`
   */
  compress(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): number {
    if (to - from > M3_MAX_DISTANCE) {
      throw new RangeError(`lzo: expected at most ${M3_MAX_DISTANCE} bytes, found ${to - from}`)
    }
    if (this.#base + (to - from) > 0xffff_ffff) {
      this.#seen.fill(0)
      this.#base = 1
    }
    const seen = this.#seen
    /** Of a position in `source` to the one in the table. */
    const shift = this.#base - from
    const first = this.#base
    this.#base += to - from
    const start = at
    /** Last position at which four bytes can be read. */
    const lastStart = to - MIN_MATCH
    let literals = from
    let position = from
    while (position <= lastStart) {
      const bytes =
        source[position] |
        (source[position + 1] << 8) |
        (source[position + 2] << 16) |
        (source[position + 3] << 24)
      const slot = Math.imul(bytes, 0x9e3779b1) >>> (32 - HASH_BITS)
      const known = seen[slot]
      seen[slot] = position + shift
      const match = known - shift
      if (
        known < first ||
        (source[match] | (source[match + 1] << 8) | (source[match + 2] << 16) | (source[match + 3] << 24)) !==
          bytes
      ) {
        position += 1 + ((position - literals) >> SKIP_SHIFT)
        continue
      }
      at = writeLiterals(source, literals, position, target, at, start)
      const distance = position - match
      let end = position + MIN_MATCH
      while (end < to && source[end] === source[end - distance]) end++
      at = writeMatch(end - position, distance, target, at)
      position = literals = end
    }
    at = writeLiterals(source, literals, to, target, at, start)
    target[at] = END_OF_STREAM
    target[at + 1] = 0
    target[at + 2] = 0
    return at + 3
  }
}

/** Writes `source[from, to)` as they are, behind the last match or at the start of the stream. */
function writeLiterals(
  source: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
  start: number,
): number {
  const count = to - from
  if (count === 0) return at
  if (at === start && count <= FIRST_LITERALS_MAX) {
    target[at++] = FIRST_LITERALS + count
  } else if (count <= TRAILING_LITERALS_MAX) {
    // The low bits of the next to last byte are free for it in every form of a match.
    target[at - 2] |= count
  } else if (count <= TRAILING_LITERALS_MAX + LITERALS_MASK) {
    target[at++] = count - TRAILING_LITERALS_MAX
  } else {
    target[at++] = 0
    at = writeLength(count - TRAILING_LITERALS_MAX - LITERALS_MASK, target, at)
  }
  for (let i = from; i < to; i++) target[at++] = source[i]
  return at
}

function writeMatch(length: number, distance: number, target: Uint8Array, at: number): number {
  const back = distance - 1
  if (length <= M2_MAX_LENGTH && distance <= M2_MAX_DISTANCE) {
    target[at++] = ((length - 1) << 5) | ((back & 7) << 2)
    target[at++] = back >> 3
    return at
  }
  if (length <= 2 + M3_LENGTH_MASK) {
    target[at++] = M3_MARKER | (length - 2)
  } else {
    target[at++] = M3_MARKER
    at = writeLength(length - 2 - M3_LENGTH_MASK, target, at)
  }
  target[at++] = (back << 2) & 0xff
  target[at++] = back >> 6
  return at
}

/** Writes the part of a length that the bits of an instruction do not hold: zeros for 255 each, and the rest. */
function writeLength(rest: number, target: Uint8Array, at: number): number {
  for (; rest > 255; rest -= 255) target[at++] = 0
  target[at++] = rest
  return at
}

/**
 * Decompresses the stream that is all of `source[from, to)` to `target[at...]`.
 *
 * @returns the end of the content in `target`
 * @throws RangeError when the stream is damaged or holds more than there is room for
 */
export function decompressLzo(
  source: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
): number {
  const start = at
  let position = from
  /** Literals that the last instruction copied, 4 for more. They decide what small instructions mean. */
  let state = 0

  const next = (): number => {
    if (position >= to) throw damaged(position - from, 'cut off')
    return source[position++]
  }
  const longLength = (bits: number, mask: number): number => {
    if (bits !== 0) return bits
    let length = mask
    let byte = next()
    for (; byte === 0; byte = next()) length += 255
    return length + byte
  }
  const copyLiterals = (count: number): void => {
    if (count > to - position) throw damaged(position - from, 'cut off')
    if (count > target.length - at) throw damaged(position - from, 'more content than there is room for')
    for (const end = at + count; at < end;) target[at++] = source[position++]
  }
  const copyMatch = (length: number, distance: number): void => {
    if (distance > at - start) throw damaged(position - from, 'a match from before the content')
    if (length > target.length - at) throw damaged(position - from, 'more content than there is room for')
    for (const end = at + length; at < end; at++) target[at] = target[at - distance]
  }

  if (from < to && source[from] > FIRST_LITERALS) {
    const count = next() - FIRST_LITERALS
    copyLiterals(count)
    state = Math.min(count, 4)
  }
  for (;;) {
    const instruction = next()
    let trailing: number
    if (instruction >= 0b0100_0000) {
      trailing = instruction & 3
      copyMatch((instruction >> 5) + 1, (next() << 3) + ((instruction >> 2) & 7) + 1)
    } else if (instruction >= 0b0001_0000) {
      const isFar = instruction < M3_MARKER
      const mask = isFar ? M4_LENGTH_MASK : M3_LENGTH_MASK
      const length = 2 + longLength(instruction & mask, mask)
      const low = next()
      const back = (next() << 6) | (low >> 2)
      trailing = low & 3
      const distance = isFar ? M4_BASE_DISTANCE + ((instruction & 8) << 11) + back : back + 1
      if (isFar && distance === M4_BASE_DISTANCE) {
        if (position !== to) throw damaged(position - from, 'bytes after its end')
        return at
      }
      copyMatch(length, distance)
    } else if (state === 0) {
      copyLiterals(3 + longLength(instruction, LITERALS_MASK))
      state = 4
      continue
    } else {
      // Short matches, of which this compressor writes none.
      trailing = instruction & 3
      const back = (next() << 2) + (instruction >> 2)
      if (state === 4) copyMatch(3, back + M2_MAX_DISTANCE + 1)
      else copyMatch(2, back + 1)
    }
    copyLiterals(trailing)
    state = trailing
  }
}

function damaged(at: number, what: string): RangeError {
  return new RangeError(`lzo stream: ${what}, at ${at}`)
}
