/**
 * Extended headers of tar archives (POSIX.1-2017, utility pax, "pax Interchange Format"): records of a keyword
 * and a value that go over what the next header says. Values are bytes and stay bytes.
 */
import type { Buffer } from 'node:buffer'
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import type { Timestamp } from '../file-tree/entry.ts'
import { TarProblem } from './tar-format.ts'

/** Keyword -> value, in the order of the archive. */
export type PaxRecords = Map<ByteString, ByteString>

const SPACE = 0x20
const NEWLINE = 0x0a
const EQUALS = 0x3d

/**
 * Adds the records of an extended header, `LENGTH KEYWORD=VALUE\n` each, to `records`; a later one wins.
 * @throws TarProblem when a record is malformed
 */
export function readRecords(body: Buffer, records: PaxRecords): void {
  let at = 0
  while (at < body.length) {
    // GNU tar and others tolerate NULs as padding after the last record.
    if (body[at] === 0 && body.subarray(at).every((byte) => byte === 0)) return
    let length = 0
    let i = at
    for (; i < body.length && i < at + 10 && body[i] !== SPACE; i++) {
      const digit = body[i] - 0x30
      if (digit < 0 || digit > 9) throw malformed(at, 'expected a decimal length')
      length = length * 10 + digit
    }
    const keyword = i + 1
    const end = at + length
    if (i === at || body[i] !== SPACE) throw malformed(at, 'expected a length and a space')
    if (end > body.length || end <= keyword)
      throw malformed(at, `its length ${length} leads out of the header`)
    if (body[end - 1] !== NEWLINE) throw malformed(at, `expected a newline at its end (length ${length})`)
    const equals = body.indexOf(EQUALS, keyword)
    if (equals < 0 || equals >= end) throw malformed(at, 'expected KEYWORD=VALUE')
    if (equals === keyword) throw malformed(at, 'its keyword is empty')
    records.set(body.toString('latin1', keyword, equals), body.toString('latin1', equals + 1, end - 1))
    at = end
  }
}

function malformed(at: number, what: string): TarProblem {
  return new TarProblem(`malformed pax record at byte ${at} of the extended header: ${what}`)
}

/** A decimal integer, perhaps negative. */
export function paxInteger(keyword: string, value: ByteString): number {
  const result = /^-?\d{1,17}$/.test(value) ? Number(value) : NaN
  if (!Number.isSafeInteger(result)) throw badValue(keyword, 'a decimal integer below 2^53', value)
  return result + 0
}

/**
 * A decimal number of seconds with an optional fraction. Digits beyond the nanosecond are cut off, towards the
 * past, as GNU tar does.
 */
export function paxTime(keyword: string, value: ByteString): Timestamp {
  const match = /^(-?)(\d{1,16})(?:\.(\d*))?$/.exec(value)
  const whole = Number(match?.[2] ?? NaN)
  if (!match || !Number.isSafeInteger(whole)) throw badValue(keyword, 'a decimal number of seconds', value)
  const fraction = match[3] ?? ''
  const nsec = Number(fraction.slice(0, 9).padEnd(9, '0'))
  if (match[1] === '') return { sec: whole, nsec }
  const back = nsec + (/[1-9]/.test(fraction.slice(9)) ? 1 : 0)
  return back === 0 ? { sec: 0 - whole, nsec: 0 } : { sec: -whole - 1, nsec: 1_000_000_000 - back }
}

export function badValue(keyword: string, expected: string, value: ByteString): TarProblem {
  const shown = value.length > 100 ? `${value.slice(0, 100)}...` : value
  return new TarProblem(`pax record ${toDisplay(keyword)}: expected ${expected}, found "${toDisplay(shown)}"`)
}
