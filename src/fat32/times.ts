import type { Timestamp } from '../file-tree/entry.ts'

/** A time as directory entries hold it. (FATGEN, "Date and Time Formats") */
export interface FatTime {
  date: number
  /** Two-second steps. */
  time: number
  /** Units of 10 ms since `time`: 0 to 199. */
  tenMs: number
}

const FIRST_YEAR = 1980
const FIRST = Date.UTC(FIRST_YEAR, 0, 1) / 1000
const LAST = Date.UTC(FIRST_YEAR + 128, 0, 1) / 1000 - 1

/**
 * Converts to UTC, as FAT stores no time zone. Times outside of 1980 to 2107 become the first or last second of that
 * range.
 */
export function toFatTime({ sec, nsec }: Timestamp): FatTime {
  const clamped = Math.min(Math.max(sec, FIRST), LAST)
  const at = new Date(clamped * 1000)
  const seconds = at.getUTCSeconds()
  return {
    date: ((at.getUTCFullYear() - FIRST_YEAR) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (seconds >> 1),
    tenMs: (seconds & 1) * 100 + (clamped === sec ? Math.floor(nsec / 10_000_000) : 0),
  }
}

/** Converts from UTC. A month or day of 0, which some firmware writes, counts as 1. */
export function fromFatTime({ date, time, tenMs }: FatTime): Timestamp {
  const sec =
    Date.UTC(
      FIRST_YEAR + (date >> 9),
      Math.max(1, (date >> 5) & 0xf) - 1,
      Math.max(1, date & 0x1f),
      time >> 11,
      (time >> 5) & 0x3f,
      (time & 0x1f) * 2,
    ) / 1000
  return { sec: sec + Math.floor(tenMs / 100), nsec: (tenMs % 100) * 10_000_000 }
}
