import type { ByteString } from '../lib/byte-string.ts'
import {
  ATTR_LONG_NAME,
  LAST_LONG_ENTRY,
  LongNameEntry,
  MAX_LONG_NAME,
  UNITS_PER_LONG_ENTRY,
} from './format.ts'

/** Directory entries of a file with the longest name. */
export const MAX_NAME_ENTRIES = Math.ceil(MAX_LONG_NAME / UNITS_PER_LONG_ENTRY) + 1

/** Directory entries that a long name takes besides the entry of its short name. */
export function longEntryCount(long: string): number {
  return Math.ceil(long.length / UNITS_PER_LONG_ENTRY)
}

/** The checksum by which long entries belong to a short one. (FATGEN, ChkSum) */
export function shortNameChecksum(short: ByteString): number {
  let sum = 0
  for (let i = 0; i < short.length; i++) sum = ((sum >> 1) + ((sum & 1) << 7) + short.charCodeAt(i)) & 0xff
  return sum
}

/** The entries of a long name in the order they are stored: the end of the name first. */
export function encodeLongName(long: string, short: ByteString): Uint8Array[] {
  const count = longEntryCount(long)
  const checksum = shortNameChecksum(short)
  // After the name comes a NUL, if there is room, and after that units of all ones.
  const unit = (i: number) => (i < long.length ? long.charCodeAt(i) : i === long.length ? 0 : 0xffff)
  return Array.from({ length: count }, (_, i) => {
    const index = count - 1 - i
    const units = Array.from({ length: UNITS_PER_LONG_ENTRY }, (_, j) =>
      unit(index * UNITS_PER_LONG_ENTRY + j),
    )
    return LongNameEntry.encode({
      order: (index + 1) | (i === 0 ? LAST_LONG_ENTRY : 0),
      name1: units.slice(0, 5),
      attributes: ATTR_LONG_NAME,
      type: 0,
      checksum,
      name2: units.slice(5, 11),
      firstCluster: 0,
      name3: units.slice(11),
    })
  })
}

/**
 * Decodes a long name from its entries in their stored order; undefined when they do not belong to each other and to
 * this short name.
 */
export function decodeLongName(entries: readonly LongNameEntry[], short: ByteString): string | undefined {
  const checksum = shortNameChecksum(short)
  const sound = entries.every(
    (entry, i) =>
      entry.checksum === checksum && entry.order === ((entries.length - i) | (i === 0 ? LAST_LONG_ENTRY : 0)),
  )
  if (!sound || entries.length === 0) return undefined
  const units = entries.toReversed().flatMap(({ name1, name2, name3 }) => [...name1, ...name2, ...name3])
  const end = units.indexOf(0)
  const name = String.fromCharCode(...(end < 0 ? units : units.slice(0, end)))
  return name.length > 0 && name.length <= MAX_LONG_NAME ? name : undefined
}
