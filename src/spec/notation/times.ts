import type { Timestamp } from '../../file-tree/entry.ts'

/** A day (UTC), or a moment with its offset from UTC: without one it would depend on where it is read. */
export const TIME_PATTERN = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/

const PARTS = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:Z|([+-])(\d\d):(\d\d)))?$/

/** Seconds since 1970, or ISO 8601 text; undefined when it is neither. */
export function parseTime(time: number | string): Timestamp | undefined {
  if (typeof time === 'number') return Number.isSafeInteger(time) ? { sec: time, nsec: 0 } : undefined
  const match = PARTS.exec(time)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part: string | undefined) => Number(part ?? 0))
  const [fraction = '', sign, offsetHour = 0, offsetMinute = 0] = match.slice(7)
  const local = new Date(0)
  local.setUTCFullYear(year, month - 1, day)
  local.setUTCHours(hour, minute, second)
  const isReal = local.getUTCMonth() === month - 1 && local.getUTCDate() === day && minute < 60 && second < 60
  if (!isReal || Number(offsetHour) > 23 || Number(offsetMinute) > 59) return undefined
  const offset = (Number(offsetHour) * 60 + Number(offsetMinute)) * 60 * (sign === '-' ? -1 : 1)
  return { sec: local.getTime() / 1000 - offset, nsec: Number(fraction.padEnd(9, '0')) }
}

/** The value of the environment variable `SOURCE_DATE_EPOCH`; undefined when it is not whole seconds. */
export function parseEpoch(epoch: string): Timestamp | undefined {
  return /^\d{1,15}$/.test(epoch) ? { sec: Number(epoch), nsec: 0 } : undefined
}
