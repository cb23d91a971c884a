/**
 * Writes src/lib/crc32c-wasm.ts: a WebAssembly module that computes CRC-32C, assembled here byte by byte,
 * because only WebAssembly gets at 16-byte vectors.
 *
 *   node scripts/make-crc32c-wasm.mjs [target file]
 *
 * How it works. Read a message as a polynomial over GF(2) whose highest power is its first bit, the lowest of
 * the first byte. Its CRC is the remainder of a division by P, of degree 32: clear the highest power by adding
 * a multiple of P, then the next one, and so on. P has many terms, so clearing one bit changes many, which is
 * what tables are for. But dividing by any multiple S of P first leaves the remainder by P as it is, and some
 * multiples have few terms: x^299 + x^142 + x^134 + x^62 + x^21 + 1 is one. As squaring over GF(2) squares
 * each term and does nothing else, S(x)^8 = S(x^8) has as few terms, and they are whole bytes apart. Dividing
 * by that takes no table: what is added at a byte, so that nothing is left of it, is
 *
 *   quotient[i] = message[i] ^ quotient[i - 157] ^ quotient[i - 165] ^ ... ^ quotient[i - 299]
 *
 * and because no distance is below 16, sixteen bytes of it are found at once. (The distances are far longer
 * than that: vectors that were stored a moment ago are slow to load at other boundaries than their own.)
 * The division ends before the last 299 bytes: they take up what the quotient so far adds to them, and are
 * the remainder by S(x^8). Tables find the remainder of that by P, sixteen bytes a step.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** In bytes: the degree of S, less each of its other exponents. */
const DISTANCES = [157, 165, 237, 278, 299]

const VECTOR = 16
const REMAINDER_SIZE = Math.ceil(DISTANCES.at(-1) / VECTOR) * VECTOR
const MIN_SIZE = REMAINDER_SIZE + 2 * VECTOR // The division has a first step and others.
const MAX_SIZE = 16 * 1024

// ---- What lies where in the memory: with all messages of a call it stays within the second-level cache. ----

const TABLE_SIZE = 256 * 4
const TABLES = 0
// What is before the quotient is never written: the first vectors look back at zeros.
const QUOTIENT = TABLES + VECTOR * TABLE_SIZE + REMAINDER_SIZE
const REMAINDER = QUOTIENT + MAX_SIZE
const CHECKSUMS = REMAINDER + REMAINDER_SIZE
const MESSAGES_SIZE = 128 * 1024
const MESSAGES = CHECKSUMS + Math.ceil(MESSAGES_SIZE / MIN_SIZE / 4) * 4 * 4
const PAGES = Math.ceil((MESSAGES + MESSAGES_SIZE) / 65536)

// ---- The assembler: every function gives the bytes of one piece of code. (WebAssembly core, chapter 5) ----

const unsigned = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)])
const signed = (value) =>
  value >= -64 && value < 64 ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)]
const list = (...items) => [...unsigned(items.length), ...items.flat()]
const sized = (bytes) => [...unsigned(bytes.length), ...bytes]
const section = (id, ...items) => [id, ...sized(list(...items))]
const text = (characters) => sized([...characters].map((character) => character.charCodeAt(0)))
const simd = (opcode) => [0xfd, ...unsigned(opcode)]

const I32 = 0x7f
const constant = (value) => [0x41, ...signed(value)]
const v128Zero = [...simd(12), ...new Array(VECTOR).fill(0)]
const get = (local) => [0x20, local]
const set = (local, value) => [...value, 0x21, local]
const operation =
  (opcode) =>
  (...operands) => [...operands.flat(), ...opcode]
const isLower = operation([0x49])
const add = operation([0x6a])
const subtract = operation([0x6b])
const and = operation([0x71])
const xor = operation([0x73])
const shiftLeft = operation([0x74])
const shiftRight = operation([0x76])
const v128Xor = operation(simd(81))
const withFirstWord = operation([...simd(28), 0])
// Addresses are the sum of a value and a constant; all alignment hints are 0, for none.
const load = (opcode) => (address, offset) => [...address, ...opcode, 0, ...unsigned(offset)]
const load32 = load([0x28])
const load8 = load([0x2d])
const load128 = load(simd(0))
const store = (opcode) => (address, offset, value) => [
  ...address,
  ...value,
  ...opcode,
  0,
  ...unsigned(offset),
]
const store32 = store([0x36])
const store128 = store(simd(11))
/** Repeats the body while the condition after it holds. */
const repeat = (body, condition) => [0x03, 0x40, ...body, ...condition, 0x0d, 0, 0x0b]

// ---- The module: checksum(count, size, crc) of `count` messages that follow each other at MESSAGES ----

// Parameters: how many messages, the bytes of each (a multiple of 16), the CRC of what came before.
const [COUNT, SIZE, BEFORE] = [0, 1, 2]
// The message, where its checksum goes, the position in it, the remainder by P so far.
const [MESSAGE, CHECKSUM, AT, CRC] = [3, 4, 5, 6]
const VARIABLES = 4

/** Sixteen bytes of the message at a constant offset from AT, and what the quotient adds to them. */
function divideVector(offset, distances) {
  return distances.reduce(
    (sum, distance) => v128Xor(sum, load128(get(AT), QUOTIENT + offset - distance)),
    load128(add(get(MESSAGE), get(AT)), offset),
  )
}

/** Leaves the remainder by S(x^8) at REMAINDER. A CRC counts as if it was added to the first four bytes. */
function divideBySparseMultiple() {
  const before = withFirstWord(v128Zero, xor(get(BEFORE), constant(-1)))
  const code = [
    ...store128(constant(0), QUOTIENT, v128Xor(load128(get(MESSAGE), 0), before)),
    ...set(AT, constant(VECTOR)),
    ...repeat(
      [
        ...store128(get(AT), QUOTIENT, divideVector(0, DISTANCES)),
        ...set(AT, add(get(AT), constant(VECTOR))),
      ],
      isLower(get(AT), subtract(get(SIZE), constant(REMAINDER_SIZE))),
    ),
  ]
  // From here on the quotient is zero. No vector that takes part reaches further into that than this.
  code.push(...store128(get(AT), QUOTIENT, v128Zero))
  for (let offset = 0; offset < REMAINDER_SIZE; offset += VECTOR) {
    const reaching = DISTANCES.filter((distance) => distance > offset)
    code.push(...store128(constant(0), REMAINDER + offset, divideVector(offset, reaching)))
  }
  return code
}

/** Leaves the remainder by P in CRC: each byte has a table of what it is worth sixteen bytes later. */
function divideByTables() {
  const lookUp = (byte, index) => load32(index, TABLES + (VECTOR - 1 - byte) * TABLE_SIZE)
  const terms = []
  for (let byte = 4; byte < VECTOR; byte++) {
    terms.push(lookUp(byte, shiftLeft(load8(get(AT), REMAINDER + byte), constant(2))))
  }
  // The CRC enters late, so that most of a step need not wait for the one before.
  const first = set(CRC, xor(get(CRC), load32(get(AT), REMAINDER)))
  const mask = constant(255 * 4)
  const firstTerms = [
    lookUp(0, and(shiftLeft(get(CRC), constant(2)), mask)),
    lookUp(1, and(shiftRight(get(CRC), constant(6)), mask)),
    lookUp(2, and(shiftRight(get(CRC), constant(14)), mask)),
    lookUp(3, and(shiftRight(get(CRC), constant(22)), mask)),
  ]
  const sum = (all) => all.reduce((left, right) => xor(left, right))
  return [
    ...set(CRC, constant(0)),
    ...set(AT, constant(0)),
    ...repeat(
      [...first, ...set(CRC, xor(sum(terms), sum(firstTerms))), ...set(AT, add(get(AT), constant(VECTOR)))],
      isLower(get(AT), constant(REMAINDER_SIZE)),
    ),
  ]
}

const checksum = [
  ...set(MESSAGE, constant(MESSAGES)),
  ...set(CHECKSUM, constant(CHECKSUMS)),
  ...repeat(
    [
      ...divideBySparseMultiple(),
      ...divideByTables(),
      ...store32(get(CHECKSUM), 0, xor(get(CRC), constant(-1))),
      ...set(MESSAGE, add(get(MESSAGE), get(SIZE))),
      ...set(CHECKSUM, add(get(CHECKSUM), constant(4))),
      ...set(COUNT, subtract(get(COUNT), constant(1))),
    ],
    get(COUNT),
  ),
]

const SIGNATURE = [0x60, ...list(I32, I32, I32), ...list()]
const wasm = [
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, SIGNATURE),
  ...section(3, [0]),
  ...section(5, [1, ...unsigned(PAGES), ...unsigned(PAGES)]),
  ...section(7, [...text('memory'), 2, 0], [...text('checksum'), 0, 0]),
  ...section(10, sized([...list([VARIABLES, I32]), ...checksum, 0x0b])),
]

const source = `// Generated by scripts/make-crc32c-wasm.mjs, which explains it. Change that, not this.

/** checksum(count, size, crc): of \`count\` messages of \`size\` bytes each, as if bytes with that CRC preceded. */
export const MODULE_BASE64 =
  '${Buffer.from(wasm).toString('base64')}'

/** Sizes are multiples of this number of bytes. */
export const VECTOR = ${VECTOR}
export const MIN_SIZE = ${MIN_SIZE}
export const MAX_SIZE = ${MAX_SIZE}

/** Where sixteen tables of 256 words belong: by byte value, and by how many bytes follow up to the CRC. */
export const TABLES = ${TABLES}
/** Where one word a message is put. */
export const CHECKSUMS = ${CHECKSUMS}
/** Where the messages belong, one after the other. */
export const MESSAGES = ${MESSAGES}
export const MESSAGES_SIZE = ${MESSAGES_SIZE}

/** Relation between the bytes of the quotient that is formed on the way. */
export const DISTANCES = [${DISTANCES.join(', ')}]
`
writeFileSync(process.argv[2] ?? fileURLToPath(new URL('../src/lib/crc32c-wasm.ts', import.meta.url)), source)
