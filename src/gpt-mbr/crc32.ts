import CRC32 from 'crc-32'

/** The CRC-32 of a GPT's header and entries. */
export function crc32(bytes: Uint8Array): number {
  return CRC32.buf(bytes) >>> 0
}
