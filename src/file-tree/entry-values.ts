/** Checks of single values in entries that are made by hand. */
import { fromBytes, fromText, toDisplay, type ByteString } from '../lib/byte-string.ts'
import type { Entry, Timestamp } from './entry.ts'
import { EntryProblem } from './entry-problem.ts'

/** For messages: the path as it was given. */
export function givenName({ path, pathBytes }: Entry): string | undefined {
  if (pathBytes instanceof Uint8Array) return toDisplay(fromBytes(pathBytes))
  return typeof path === 'string' ? path : undefined
}

/** The bytes of a name that is given as text or as bytes. */
export function bytesOf(key: string, text: unknown, bytes: unknown): ByteString {
  if (bytes !== undefined) {
    if (!(bytes instanceof Uint8Array)) throw problem(`${key}Bytes`, 'a Uint8Array', bytes)
    return fromBytes(bytes)
  }
  if (typeof text !== 'string') throw problem(key, 'text', text)
  if (/\p{Surrogate}/u.test(text)) {
    throw new EntryProblem(`"${key}": expected text that UTF-8 can spell, found half a surrogate pair`)
  }
  return fromText(text)
}

export function wholeNumberOf(key: string, value: unknown, most: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most)
    return value as number
  throw problem(key, `a whole number from 0 to ${most}`, value)
}

export const TIME_EXPECTED = 'a Date, or whole seconds "sec" with "nsec" from 0 to 999999999'

export function timestampOf(key: string, time: Timestamp | Date): Timestamp {
  if (time instanceof Date) {
    const milliseconds = time.getTime()
    if (Number.isNaN(milliseconds)) throw problem(key, 'a valid date', time)
    const sec = Math.floor(milliseconds / 1000)
    return { sec, nsec: (milliseconds - sec * 1000) * 1_000_000 }
  }
  const { sec, nsec } = (time ?? {}) as Partial<Timestamp>
  if (!isTimestamp(time)) {
    const found = `sec ${described(sec)}, nsec ${described(nsec)}`
    throw new EntryProblem(`"${key}": expected ${TIME_EXPECTED}, found ${found}`)
  }
  return { sec: time.sec, nsec: time.nsec }
}

export function isTimestamp(value: unknown): value is Timestamp {
  const { sec, nsec } = (value ?? {}) as Partial<Timestamp>
  return Number.isSafeInteger(sec) && Number.isInteger(nsec) && nsec! >= 0 && nsec! <= 999_999_999
}

export function problem(key: string, expected: string, found: unknown): EntryProblem {
  return new EntryProblem(`"${key}": expected ${expected}, found ${described(found)}`)
}

/** A value as messages show it. */
export function described(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'object' && value !== null)
    return `an object (${value.constructor?.name ?? 'no class'})`
  if (typeof value === 'function') return 'a function'
  return typeof value === 'symbol' ? value.toString() : `${value as number | boolean | null}`
}

export function isIterable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value)
  )
}
