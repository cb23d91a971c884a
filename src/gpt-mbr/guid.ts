import { hexText } from '../lib/hex.ts'

/** A GUID as text, in upper case: its first three groups are stored with the lowest byte first. (UEFI, appendix A) */
export function guidText(bytes: Uint8Array): string {
  const group = (start: number, end: number, isLittleEndian: boolean) => {
    const part = bytes.slice(start, end)
    return hexText(isLittleEndian ? part.reverse() : part).toUpperCase()
  }
  return [
    group(0, 4, true),
    group(4, 6, true),
    group(6, 8, true),
    group(8, 10, false),
    group(10, 16, false),
  ].join('-')
}
