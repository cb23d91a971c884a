/** Records of pax headers (POSIX.1-2017, utility pax, "pax Extended Header") as they are written. */
import type { Timestamp } from '../../file-tree/entry.ts'
import { toBytes, type ByteString } from '../../lib/byte-string.ts'

/** `LENGTH KEYWORD=VALUE\n` each, where the length counts itself. */
export function joinRecords(records: readonly (readonly [ByteString, ByteString])[]): Uint8Array {
  const texts = records.map(([keyword, value]) => {
    const rest = ` ${keyword}=${value}\n`
    let length = rest.length + 1
    while (length !== rest.length + String(length).length) length = rest.length + String(length).length
    return `${length}${rest}`
  })
  return toBytes(texts.join(''))
}

/** A decimal number of seconds. Nanoseconds count forwards: -1 s and 900,000,000 ns is -0.1. */
export function formatPaxTime({ sec, nsec }: Timestamp): string {
  if (nsec === 0) return String(sec)
  const isBefore = sec < 0
  const digits = String(isBefore ? 1_000_000_000 - nsec : nsec).padStart(9, '0')
  return `${isBefore ? `-${-(sec + 1)}` : sec}.${digits.replace(/0+$/, '')}`
}
