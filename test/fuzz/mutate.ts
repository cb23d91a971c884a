/** Changes bytes at random, as faults and malice do. */
import type { Random } from './random.ts'

/** Numbers at which readers go wrong. */
const NUMBERS = [0, 1, 7, 8, 255, 256, 511, 512, 513, 4095, 4096, 65535, 65536, 2 ** 24, 2 ** 31 - 1, 2 ** 31]
const LARGE_NUMBERS = [2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, 2 ** 63, 2 ** 64 - 1]
const ALL_NUMBERS = [...NUMBERS, ...LARGE_NUMBERS]

export interface MutateOptions {
  /** Words of the format. */
  dictionary: readonly Uint8Array[]
  /** Another input, to take parts from. */
  other: Uint8Array
  maxLength: number
}

type Mutation = (bytes: Uint8Array, random: Random, options: MutateOptions) => Uint8Array

/** One to eight changes, one after the other. */
export function mutate(bytes: Uint8Array, random: Random, options: MutateOptions): Uint8Array {
  let result = bytes
  for (let count = 1 + random.below(1 << random.below(4)); count > 0; count--) {
    result = random.pick(MUTATIONS)(result, random, options)
  }
  return result.subarray(0, options.maxLength)
}

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  addToByte,
  binaryNumber,
  decimalNumber,
  octalField,
  insertWord,
  overwriteWord,
  remove,
  repeat,
  move,
  splice,
  insertFromOther,
  fill,
  truncate,
]

/** `bytes` with `insert` in place of the `length` bytes at `at`. */
function replaced(bytes: Uint8Array, at: number, length: number, insert: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - length + insert.length)
  result.set(bytes.subarray(0, at))
  result.set(insert, at)
  result.set(bytes.subarray(at + length), at + insert.length)
  return result
}

function overwritten(bytes: Uint8Array, at: number, word: Uint8Array): Uint8Array {
  return replaced(bytes, at, Math.min(word.length, bytes.length - at), word)
}

const place = (bytes: Uint8Array, random: Random) => random.below(bytes.length + 1)

/** A range of at least one byte, where there is one. */
function range(bytes: Uint8Array, random: Random): [at: number, length: number] {
  if (bytes.length === 0) return [0, 0]
  const length = random.length(bytes.length)
  return [random.below(bytes.length - length + 1), length]
}

function changeByte(bytes: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  const result = bytes.slice()
  const at = random.below(Math.max(1, result.length))
  if (at < result.length) result[at] = change(result[at])
  return result
}

function flipBit(bytes: Uint8Array, random: Random): Uint8Array {
  return changeByte(bytes, random, (byte) => byte ^ (1 << random.below(8)))
}

function setByte(bytes: Uint8Array, random: Random): Uint8Array {
  return changeByte(bytes, random, () => random.below(256))
}

function addToByte(bytes: Uint8Array, random: Random): Uint8Array {
  return changeByte(bytes, random, (byte) => byte + random.below(32) - 16)
}

/** A length or an offset of 1 to 8 bytes. */
function binaryNumber(bytes: Uint8Array, random: Random): Uint8Array {
  const size = random.pick([1, 2, 4, 8])
  const word = new Uint8Array(8)
  new DataView(word.buffer).setBigUint64(0, BigInt(random.pick(ALL_NUMBERS)), true)
  const field = word.subarray(0, size)
  if (random.oneIn(4)) field.reverse()
  const at = place(bytes, random)
  return overwritten(bytes, random.oneIn(2) ? at & ~7 : at, field)
}

/** Digits that are there become another number. */
function decimalNumber(bytes: Uint8Array, random: Random): Uint8Array {
  const isDigit = (at: number) => bytes[at] >= 0x30 && bytes[at] <= 0x39
  let start = place(bytes, random)
  while (start < bytes.length && !isDigit(start)) start++
  let end = start
  while (end < bytes.length && isDigit(end)) end++
  const number = random.pick(ALL_NUMBERS)
  const text = `${random.oneIn(8) ? '-' : ''}${number}${random.oneIn(8) ? '.5' : ''}`
  return replaced(bytes, start, end - start, new TextEncoder().encode(text))
}

/** A number of a tar header. */
function octalField(bytes: Uint8Array, random: Random): Uint8Array {
  const fields = [
    [100, 8],
    [108, 8],
    [124, 12],
    [136, 12],
    [148, 8],
    [156, 1],
    [329, 8],
    [386, 12],
    [483, 12],
  ] as const
  const [offset, length] = random.pick(fields)
  const at = random.below(bytes.length + 1) & ~511
  if (at + 512 > bytes.length) return bytes
  const digits = random
    .pick(ALL_NUMBERS)
    .toString(8)
    .padStart(length - 1, '0')
  const text = length === 1 ? random.pick([...'01234567LKxgSMVDNXA']) : digits.slice(1 - length)
  return overwritten(bytes, at + offset, new TextEncoder().encode(text))
}

function insertWord(bytes: Uint8Array, random: Random, { dictionary }: MutateOptions): Uint8Array {
  return replaced(bytes, place(bytes, random), 0, random.pick(dictionary))
}

function overwriteWord(bytes: Uint8Array, random: Random, { dictionary }: MutateOptions): Uint8Array {
  return overwritten(bytes, place(bytes, random), random.pick(dictionary))
}

function remove(bytes: Uint8Array, random: Random): Uint8Array {
  return replaced(bytes, ...range(bytes, random), new Uint8Array(0))
}

function repeat(bytes: Uint8Array, random: Random): Uint8Array {
  const [at, length] = range(bytes, random)
  const count = random.length(32)
  const piece = bytes.subarray(at, at + length)
  const copies = new Uint8Array(piece.length * count)
  for (let i = 0; i < count; i++) copies.set(piece, i * piece.length)
  return replaced(bytes, at, 0, copies)
}

function move(bytes: Uint8Array, random: Random): Uint8Array {
  const [at, length] = range(bytes, random)
  const piece = bytes.slice(at, at + length)
  const rest = random.oneIn(2) ? bytes : replaced(bytes, at, length, new Uint8Array(0))
  return replaced(rest, place(rest, random), 0, piece)
}

/** The beginning of one input and the end of another. */
function splice(bytes: Uint8Array, random: Random, { other }: MutateOptions): Uint8Array {
  const at = place(bytes, random)
  const from = random.oneIn(2) ? Math.min(at, other.length) : place(other, random)
  return replaced(bytes, at, bytes.length - at, other.subarray(from))
}

function insertFromOther(bytes: Uint8Array, random: Random, { other }: MutateOptions): Uint8Array {
  const [at, length] = range(other, random)
  const piece = other.subarray(at, at + length)
  const target = place(bytes, random)
  return random.oneIn(2) ? replaced(bytes, target, 0, piece) : overwritten(bytes, target, piece)
}

function fill(bytes: Uint8Array, random: Random): Uint8Array {
  const [at, length] = range(bytes, random)
  return bytes.slice().fill(random.pick([0, 0xff, 0x20, 0x30, 0x2f, 0x0a, 0x61]), at, at + length)
}

function truncate(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.subarray(0, random.oneIn(2) ? place(bytes, random) : bytes.length - random.length(16))
}
