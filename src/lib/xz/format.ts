/** The fields of .xz streams around the compressed data. (The .xz File Format, version 1.2.1) */
import CRC32 from 'crc-32'
import { XzProblem } from './decoder.ts'
import type { FilterFlags } from './filters.ts'

export const STREAM_MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]
const FOOTER_MAGIC = [0x59, 0x5a]
/** Bytes of a stream's header, and of its footer. */
export const STREAM_HEADER = 12
export const LZMA2 = 0x21
const MAX_FILTERS = 4
/** Bytes of a number of variable length. */
const MAX_VLI = 8
/** Bytes of the check of a block, by its kind. */
export const CHECK_SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64]

export const corrupt = () => new XzProblem('the data are corrupt', false)

/** The CRC32 of all bytes but the last four, which have it. */
function verifyCrc32(bytes: Uint8Array): void {
  const end = bytes.length - 4
  if (CRC32.buf(bytes.subarray(0, end)) !== viewOf(bytes).getInt32(end, true)) throw corrupt()
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  new DataView(buffer, byteOffset, byteLength)

/** @returns the kind of the checks */
export function readStreamHeader(bytes: Uint8Array): number {
  verifyCrc32(bytes.subarray(STREAM_MAGIC.length))
  return readStreamFlags(bytes[6], bytes[7])
}

function readStreamFlags(reserved: number, kind: number): number {
  if (reserved === 0 && kind < CHECK_SIZES.length) return kind
  throw new XzProblem('flags of a stream that are not known', false)
}

/** @param indexSize bytes of the index before it, its CRC32 included */
export function verifyFooter(bytes: Uint8Array, check: number, indexSize: number): void {
  const view = viewOf(bytes)
  const isRight =
    CRC32.buf(bytes.subarray(4, 10)) === view.getInt32(0, true) &&
    (view.getUint32(4, true) + 1) * 4 === indexSize &&
    bytes[8] === 0 &&
    bytes[9] === check &&
    FOOTER_MAGIC.every((byte, i) => bytes[10 + i] === byte)
  if (!isRight) throw corrupt()
}

export interface XzBlockHeader {
  compressedSize: number | undefined
  uncompressedSize: number | undefined
  /** LZMA2 comes last. */
  filters: FilterFlags[]
}

/** @param bytes all of the header, its CRC32 included */
export function readBlockHeader(bytes: Uint8Array): XzBlockHeader {
  verifyCrc32(bytes)
  const fields = new Fields(bytes.subarray(0, -4), 1)
  const flags = fields.byte()
  if ((flags & 0x3c) !== 0) throw new XzProblem('flags of a block that are not known', false)
  const compressedSize = (flags & 0x40) === 0 ? undefined : fields.number()
  const uncompressedSize = (flags & 0x80) === 0 ? undefined : fields.number()
  const filters = Array.from({ length: (flags & (MAX_FILTERS - 1)) + 1 }, () => {
    const id = fields.number()
    return { id, properties: fields.bytes(fields.number()) }
  })
  if (!fields.isZeroToEnd) throw corrupt()
  return { compressedSize, uncompressedSize, filters }
}

/** Reads fields one after the other. */
class Fields {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  byte(): number {
    if (this.#at >= this.#bytes.length) throw corrupt()
    return this.#bytes[this.#at++]
  }

  bytes(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw corrupt()
    this.#at += length
    return this.#bytes.slice(this.#at - length, this.#at)
  }

  /** Seven bits a byte, the lowest first; of numbers beyond 2^53 none is a size of anything. */
  number(): number {
    let value = 0
    for (let i = 0; i < MAX_VLI; i++) {
      const byte = this.byte()
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte >= 0x80) continue
      if ((byte === 0 && i > 0) || value > Number.MAX_SAFE_INTEGER) throw corrupt()
      return value
    }
    throw corrupt()
  }

  get isZeroToEnd(): boolean {
    return this.#bytes.subarray(this.#at).every((byte) => byte === 0)
  }
}

/** What the index of a stream says of a block. */
export interface BlockRecord {
  unpaddedSize: number
  uncompressedSize: number
}

/** The index of a stream that has these blocks: there is one way to write it. */
export function encodeIndex(records: readonly BlockRecord[]): Uint8Array {
  const bytes = [0, ...encodeNumber(records.length)]
  for (const { unpaddedSize, uncompressedSize } of records) {
    bytes.push(...encodeNumber(unpaddedSize), ...encodeNumber(uncompressedSize))
  }
  while (bytes.length % 4 !== 0) bytes.push(0)
  const index = new Uint8Array(bytes.length + 4)
  index.set(bytes)
  viewOf(index).setInt32(bytes.length, CRC32.buf(bytes), true)
  return index
}

function encodeNumber(value: number): number[] {
  const bytes = []
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80)
  return [...bytes, value]
}

/** The beginning of a stream without checks, for the decoder of LZMA2. */
export function streamHeaderWithoutChecks(): Uint8Array {
  const bytes = new Uint8Array(STREAM_HEADER)
  bytes.set(STREAM_MAGIC)
  viewOf(bytes).setInt32(8, CRC32.buf(bytes.subarray(6, 8)), true)
  return bytes
}

/** A block header with LZMA2 alone. */
export function lzma2BlockHeader(properties: Uint8Array): Uint8Array {
  if (properties.length !== 1) throw corrupt()
  const bytes = new Uint8Array(12)
  bytes.set([bytes.length / 4 - 1, 0, LZMA2, 1, properties[0]])
  viewOf(bytes).setInt32(8, CRC32.buf(bytes.subarray(0, 8)), true)
  return bytes
}
