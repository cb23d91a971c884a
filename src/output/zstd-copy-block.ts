/**
 * A compressed block made by hand that repeats bytes from so far back, and nothing else: no literals and one
 * sequence (RFC 8878, 3.1.1.3). It costs about a dozen bytes, whatever it stands for.
 */

/** Raw_Literals_Block of no bytes. (3.1.1.3.1.1) */
const NO_LITERALS = 0x00
const ONE_SEQUENCE = 0x01
/** RLE_Mode for literals lengths, offsets and match lengths: one code each, which takes no bits. */
const ALL_RLE_MODES = 0x54
/** Literals_Length_Code of a sequence that copies no literals. */
const NO_LITERALS_LENGTH = 0
/** Offset_Value 1 to 3 are repeated offsets, so that real ones begin behind them. */
const REPEATED_OFFSETS = 3

/** Match_Length_Codes from 32 on, as pairs of baseline and number of bits. (3.1.1.3.2.1.1) */
const MATCH_LENGTHS: readonly (readonly [baseline: number, bits: number])[] = [
  [35, 1],
  [37, 1],
  [39, 1],
  [41, 1],
  [43, 2],
  [47, 2],
  [51, 3],
  [59, 3],
  [67, 4],
  [83, 4],
  [99, 5],
  [131, 7],
  [259, 8],
  [515, 9],
  [1027, 10],
  [2051, 11],
  [4099, 12],
  [8195, 13],
  [16387, 14],
  [32771, 15],
  [65539, 16],
]
const FIRST_LONG_CODE = 32

/** Fewer bytes than this cannot be copied. */
export const MIN_COPY = 3
/** No copy block is larger. A frame must hold as much content, which bounds its blocks (Block_Maximum_Size). */
export const MAX_COPY_BLOCK = 12

/**
 * The content of a compressed block that repeats `length` bytes (MIN_COPY to BLOCK_MAXIMUM_SIZE) from
 * `distance` bytes back, all of them in the same frame. It changes the repeated offsets: no block of
 * libzstd's may follow in the frame.
 */
export function copyBlock(distance: number, length: number): Uint8Array {
  const offsetValue = distance + REPEATED_OFFSETS
  const offsetBits = 31 - Math.clz32(offsetValue)
  const [matchCode, matchExtra, matchBits] = matchLengthCode(length)
  // Read from its end: a mark, then the offset's bits, then the length's. Written the other way round.
  const stream =
    BigInt(matchExtra) |
    (BigInt(offsetValue - 2 ** offsetBits) << BigInt(matchBits)) |
    (1n << BigInt(matchBits + offsetBits))
  const bytes = [NO_LITERALS, ONE_SEQUENCE, ALL_RLE_MODES, NO_LITERALS_LENGTH, offsetBits, matchCode]
  for (let rest = stream; rest > 0n; rest >>= 8n) bytes.push(Number(rest & 0xffn))
  return Uint8Array.from(bytes)
}

/** The code of a match length, its extra bits and their number. */
function matchLengthCode(length: number): readonly [code: number, extra: number, bits: number] {
  if (length < MATCH_LENGTHS[0][0]) return [length - MIN_COPY, 0, 0]
  const i = MATCH_LENGTHS.findLastIndex(([baseline]) => baseline <= length)
  const [baseline, bits] = MATCH_LENGTHS[i]
  return [FIRST_LONG_CODE + i, length - baseline, bits]
}
