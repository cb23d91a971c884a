/**
 * Extended headers of tar archives (POSIX.1-2017, utility pax, "pax Interchange Format"): records of a keyword
 * and a value that go over what the next header says. Values are bytes and stay bytes.
 */
import { fromBytes, toBytes, toDisplay, type ByteString, toLatin1 } from '../../lib/byte-string.ts'
import type { Timestamp } from '../../file-tree/entry.ts'
import { GNU_SPARSE } from '../records.ts'
import { TarProblem } from './header.ts'
import { SparseRecords } from './sparse.ts'

const SPACE = 0x20
const NEWLINE = 0x0a
const EQUALS = 0x3d

const PATH = toBytes('path=')
const LINKPATH = toBytes('linkpath=')
const SPARSE = toBytes(GNU_SPARSE)

/** Records of extended headers. Most hold a path and nothing else, so paths have fields of their own. */
export class PaxRecords {
  path: ByteString | undefined
  linkpath: ByteString | undefined
  /** Keyword -> value, in the order of the archive; undefined: none. */
  others: Map<ByteString, ByteString> | undefined
  /** Records of a sparse file. */
  sparse: SparseRecords | undefined

  get isEmpty(): boolean {
    return this.path === undefined && this.linkpath === undefined && !this.others && !this.sparse
  }

  /** These records, and those of `globals` that they do not override. */
  over(globals: PaxRecords): PaxRecords {
    if (globals.isEmpty) return this
    const all = new PaxRecords()
    all.path = this.path ?? globals.path
    all.linkpath = this.linkpath ?? globals.linkpath
    all.sparse = this.sparse ?? globals.sparse
    const others = [...(globals.others ?? []), ...(this.others ?? [])]
    if (others.length > 0) all.others = new Map(others)
    return all
  }

  /**
   * Adds the records of an extended header, `LENGTH KEYWORD=VALUE\n` each, from `start` to before `limit` of a
   * buffer; a later one wins.
   * @throws TarProblem when a record is malformed
   */
  read(buffer: Uint8Array, start: number, limit: number): void {
    let at = start
    while (at < limit) {
      // GNU tar and others tolerate NULs as padding after the last record.
      if (buffer[at] === 0 && buffer.subarray(at, limit).every((byte) => byte === 0)) return
      let length = 0
      let i = at
      for (; i < limit && i < at + 10 && buffer[i] !== SPACE; i++) {
        const digit = buffer[i] - 0x30
        if (digit < 0 || digit > 9) throw malformed(at - start, 'expected a decimal length')
        length = length * 10 + digit
      }
      const keyword = i + 1
      const end = at + length
      if (i === at || i === limit || buffer[i] !== SPACE) {
        throw malformed(at - start, 'expected a length and a space')
      }
      if (end > limit || end <= keyword) {
        throw malformed(at - start, `its length ${length} leads out of the header`)
      }
      if (buffer[end - 1] !== NEWLINE) {
        throw malformed(at - start, `expected a newline at its end (length ${length})`)
      }
      let equals = keyword
      while (equals < end && buffer[equals] !== EQUALS) equals++
      if (equals === end) throw malformed(at - start, 'expected KEYWORD=VALUE')
      if (equals === keyword) throw malformed(at - start, 'its keyword is empty')

      const value = fromBytes(buffer, equals + 1, end - 1)
      if (begins(buffer, keyword, PATH)) {
        this.path = value
      } else if (begins(buffer, keyword, LINKPATH)) {
        this.linkpath = value
      } else if (begins(buffer, keyword, SPARSE)) {
        this.sparse ??= new SparseRecords()
        this.sparse.add(fromBytes(buffer, keyword + SPARSE.length, equals), value)
      } else {
        this.others ??= new Map()
        this.others.set(fromBytes(buffer, keyword, equals), value)
      }
      at = end
    }
  }
}

function begins(buffer: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (buffer[at + i] !== word[i]) return false
  return true
}

function malformed(at: number, what: string): TarProblem {
  return new TarProblem(`malformed pax record at byte ${at} of the extended header: ${what}`)
}

/** A decimal integer, perhaps negative. */
export function paxInteger(keyword: string, value: ByteString): number {
  const result = /^-?\d{1,17}$/.test(toLatin1(value)) ? Number(value) : NaN
  if (!Number.isSafeInteger(result)) throw badValue(keyword, 'a decimal integer below 2^53', value)
  return result + 0
}

/**
 * A decimal number of seconds with an optional fraction. Digits beyond the nanosecond are cut off, towards the
 * past, as GNU tar does.
 */
export function paxTime(keyword: string, value: ByteString): Timestamp {
  const match = /^(-?)(\d{1,16})(?:\.(\d*))?$/.exec(toLatin1(value))
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
