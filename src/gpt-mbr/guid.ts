import { hexText } from '../lib/hex.ts'

/** Bytes of each group of digits; the first three are stored with the lowest byte first. (UEFI, appendix A) */
const GROUPS = [
  { size: 4, isLittleEndian: true },
  { size: 2, isLittleEndian: true },
  { size: 2, isLittleEndian: true },
  { size: 2, isLittleEndian: false },
  { size: 6, isLittleEndian: false },
]
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The text of a GUID, in upper case: `C12A7328-F81F-11D2-BA4B-00A0C93EC93B`. */
export function formatGuid(bytes: Uint8Array): string {
  let at = 0
  return GROUPS.map(({ size, isLittleEndian }) => {
    const group = bytes.slice(at, (at += size))
    return hexText(isLittleEndian ? group.reverse() : group).toUpperCase()
  }).join('-')
}

/** The 16 bytes of a GUID; undefined when the text is none. */
export function parseGuid(text: string): Uint8Array | undefined {
  if (!GUID.test(text)) return undefined
  return Uint8Array.from(
    text.split('-').flatMap((digits, i) => {
      const group = digits.match(/../g)!.map((byte) => parseInt(byte, 16))
      return GROUPS[i].isLittleEndian ? group.reverse() : group
    }),
  )
}
