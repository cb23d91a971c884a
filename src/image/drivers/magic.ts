/** Magic numbers, by which formats are recognized. */
import { toBytes, type ByteString } from '../../lib/byte-string.ts'

export interface MagicNumber {
  /** Bytes from the start of the partition. */
  readonly offset: number
  readonly magic: ByteString
}

/** @param start the first bytes of the partition */
export function hasMagic(start: Uint8Array, { offset, magic }: MagicNumber): boolean {
  return startsWith(start.subarray(offset), magic)
}

export function startsWith(bytes: Uint8Array, magic: ByteString): boolean {
  const expected = toBytes(magic)
  return bytes.length >= expected.length && expected.every((byte, i) => byte === bytes[i])
}
