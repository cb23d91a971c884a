/** xxHash64 and BLAKE2b as their specifications say it, in big integers: slow, and easy to compare with them. */

const U64 = (1n << 64n) - 1n
const rotateLeft = (value: bigint, bits: bigint) => ((value << bits) | (value >> (64n - bits))) & U64
const rotateRight = (value: bigint, bits: bigint) => rotateLeft(value, 64n - bits)

function littleEndian(bytes: Uint8Array, at: number, length: number): bigint {
  let value = 0n
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i])
  return value
}

/** PRIME64_1 and so on. */
const PRIMES = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
]

/** xxHash64 of seed 0. (github.com/Cyan4973/xxHash, doc/xxhash_spec.md) */
export function slowXxhash64(bytes: Uint8Array): bigint {
  const [p1, p2, p3, p4, p5] = PRIMES
  const times = (a: bigint, b: bigint) => (a * b) & U64
  const round = (accumulator: bigint, lane: bigint) =>
    times(rotateLeft((accumulator + lane * p2) & U64, 31n), p1)
  let at = 0
  let hash = p5
  if (bytes.length >= 32) {
    const accumulators = [(p1 + p2) & U64, p2, 0n, -p1 & U64]
    for (; at + 32 <= bytes.length; at += 32) {
      accumulators.forEach((accumulator, i) => {
        accumulators[i] = round(accumulator, littleEndian(bytes, at + 8 * i, 8))
      })
    }
    hash = accumulators.reduce((sum, value, i) => (sum + rotateLeft(value, [1n, 7n, 12n, 18n][i])) & U64, 0n)
    for (const accumulator of accumulators) hash = (times(hash ^ round(0n, accumulator), p1) + p4) & U64
  }
  hash = (hash + BigInt(bytes.length)) & U64
  for (; at + 8 <= bytes.length; at += 8) {
    hash = (times(rotateLeft(hash ^ round(0n, littleEndian(bytes, at, 8)), 27n), p1) + p4) & U64
  }
  for (; at + 4 <= bytes.length; at += 4) {
    hash = (times(rotateLeft(hash ^ times(littleEndian(bytes, at, 4), p1), 23n), p2) + p3) & U64
  }
  for (; at < bytes.length; at++) {
    hash = times(rotateLeft(hash ^ times(BigInt(bytes[at]), p5), 11n), p1)
  }
  hash = times(hash ^ (hash >> 33n), p2)
  hash = times(hash ^ (hash >> 29n), p3)
  return hash ^ (hash >> 32n)
}

const BLAKE2B_IV = [
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
]
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
]
/** Words that are mixed: the columns, then the diagonals. */
const MIXES = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
]

/** BLAKE2b of `size` bytes, without a key. (RFC 7693) */
export function slowBlake2b(bytes: Uint8Array, size: number): Uint8Array {
  const state = [...BLAKE2B_IV]
  state[0] ^= 0x0101_0000n ^ BigInt(size)
  const blocks = Math.max(1, Math.ceil(bytes.length / 128))
  for (let i = 0; i < blocks; i++) {
    const block = new Uint8Array(128)
    block.set(bytes.subarray(i * 128, (i + 1) * 128))
    const isLast = i === blocks - 1
    compress(state, block, BigInt(isLast ? bytes.length : (i + 1) * 128), isLast)
  }
  return new Uint8Array(BigUint64Array.from(state).buffer, 0, size)
}

/** F of RFC 7693, 3.2. `count`: bytes so far, below 2^64. */
function compress(state: bigint[], block: Uint8Array, count: bigint, isLast: boolean): void {
  const words = Array.from({ length: 16 }, (_, i) => littleEndian(block, 8 * i, 8))
  const v = [...state, ...BLAKE2B_IV]
  v[12] ^= count
  if (isLast) v[14] ^= U64
  for (let round = 0; round < 12; round++) {
    const sigma = SIGMA[round % 10]
    MIXES.forEach(([a, b, c, d], i) => {
      v[a] = (v[a] + v[b] + words[sigma[2 * i]]) & U64
      v[d] = rotateRight(v[d] ^ v[a], 32n)
      v[c] = (v[c] + v[d]) & U64
      v[b] = rotateRight(v[b] ^ v[c], 24n)
      v[a] = (v[a] + v[b] + words[sigma[2 * i + 1]]) & U64
      v[d] = rotateRight(v[d] ^ v[a], 16n)
      v[c] = (v[c] + v[d]) & U64
      v[b] = rotateRight(v[b] ^ v[c], 63n)
    })
  }
  state.forEach((word, i) => (state[i] = word ^ v[i] ^ v[i + 8]))
}
