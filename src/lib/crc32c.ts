/**
 * CRC-32C (Castagnoli: reflected, initial value and final XOR all ones; RFC 3720, appendix B.4), at the speed
 * of memory where WebAssembly has vectors, and some five times slower in plain JavaScript elsewhere.
 */
import crc32cJs from 'crc-32/crc32c.js'
import { countBlocks, type BlockHash } from './block-hash.ts'
import {
  CHECKSUMS,
  MAX_SIZE,
  MESSAGES,
  MESSAGES_SIZE,
  MIN_SIZE,
  MODULE_BASE64,
  TABLES,
  VECTOR,
} from './crc32c-wasm.ts'

/** The part of WebAssembly used here, which the types of Node lack. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { exports: object }
}

/** The exports of the module. */
interface Exports {
  memory: { buffer: ArrayBuffer }
  checksum: (count: number, size: number, crc: number) => void
}

/** The module at work. Every thread has its own: memory is where it calculates. */
interface Engine {
  checksum: Exports['checksum']
  messages: Uint8Array
  checksums: Uint8Array
}

const CHECKSUM_SIZE = 4

/** Polynomial, its highest power (x^31) in the lowest bit. */
const POLYNOMIAL = 0x82f6_3b78

let engine: Engine | 'absent' | undefined

/**
 * CRC-32C of the bytes, as an unsigned number. They may be shared memory.
 *
 * @param before that of the bytes before them
 */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = before
  let at = 0
  if (bytes.length >= MIN_SIZE && (engine ??= load()) !== 'absent') {
    while (bytes.length - at >= MIN_SIZE) {
      const size = Math.min(MAX_SIZE, wholeVectors(bytes.length - at))
      engine.messages.set(bytes.subarray(at, at + size))
      engine.checksum(1, size, crc)
      crc = readU32(engine.checksums)
      at += size
    }
  }
  return at === bytes.length ? crc : crc32cJs.buf(bytes.subarray(at), crc) >>> 0
}

/** The CRC-32C of each block, without any loading. */
export const CRC32C: BlockHash = { name: 'crc32c', size: CHECKSUM_SIZE, hashBlocks: crc32cBlocks }

function crc32cBlocks(bytes: Uint8Array, blockSize: number, target: Uint8Array): void {
  const count = countBlocks(bytes, blockSize, { target, size: CHECKSUM_SIZE })
  let done = 0
  if (blockSize >= MIN_SIZE && blockSize <= MAX_SIZE && blockSize === wholeVectors(blockSize)) {
    done = checksumWholeBlocks(bytes, blockSize, target)
  }
  for (; done < count; done++) {
    const crc = crc32c(bytes.subarray(done * blockSize, (done + 1) * blockSize))
    writeU32(target, done * CHECKSUM_SIZE, crc)
  }
}

/** As many blocks in one call as the memory of the module holds. Gives how many it has done. */
function checksumWholeBlocks(bytes: Uint8Array, blockSize: number, target: Uint8Array): number {
  if ((engine ??= load()) === 'absent') return 0
  const whole = Math.floor(bytes.length / blockSize)
  const atOnce = Math.floor(MESSAGES_SIZE / blockSize)
  for (let done = 0; done < whole; done += atOnce) {
    const count = Math.min(atOnce, whole - done)
    engine.messages.set(bytes.subarray(done * blockSize, (done + count) * blockSize))
    engine.checksum(count, blockSize, 0)
    // The memory of WebAssembly is little-endian, wherever it is.
    target.set(engine.checksums.subarray(0, count * CHECKSUM_SIZE), done * CHECKSUM_SIZE)
  }
  return whole
}

function wholeVectors(size: number): number {
  return size - (size % VECTOR)
}

function readU32(bytes: Uint8Array): number {
  return (bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24)) >>> 0
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < CHECKSUM_SIZE; i++) bytes[at + i] = value >>> (8 * i)
}

function load(): Engine | 'absent' {
  const bytes = Uint8Array.from(atob(MODULE_BASE64), (character) => character.charCodeAt(0))
  let module: object
  try {
    module = new WebAssembly.Module(bytes)
  } catch {
    // No WebAssembly here, or none with vectors, or the policy of a page forbids it.
    return 'absent'
  }
  const { memory, checksum } = new WebAssembly.Instance(module).exports as Exports
  fillTables(new Uint32Array(memory.buffer, TABLES, VECTOR * 256))
  return {
    checksum,
    messages: new Uint8Array(memory.buffer, MESSAGES, MESSAGES_SIZE),
    checksums: new Uint8Array(memory.buffer, CHECKSUMS, Math.floor(MESSAGES_SIZE / MIN_SIZE) * CHECKSUM_SIZE),
  }
}

/** Table n: the remainder that a byte leaves when n bytes follow it. */
function fillTables(tables: Uint32Array): void {
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0)
    tables[byte] = crc
  }
  for (let i = 256; i < tables.length; i++) {
    const crc = tables[i - 256]
    tables[i] = (crc >>> 8) ^ tables[crc & 255]
  }
}
