/** Checks the long and short names of one directory. */
import { fromBytes, fromText, toText, type ByteString, toLatin1 } from '../../lib/byte-string.ts'
import {
  ATTR_LONG_NAME,
  ATTR_VOLUME_ID,
  LAST_LONG_ENTRY,
  NT_NO_SHORT_NAME,
  type DirEntry,
  type LongNameEntry,
} from '../format.ts'
import { decodeLongName, shortNameChecksum } from '../long-name.ts'
import { caseKey, nameProblem, unescapeShortName } from '../names.ts'
import { quote } from './context.ts'

/** Called with a fault of the record at `offset`. */
export type RecordFault = (offset: number, expected: string, found: string) => void

interface Placed {
  entry: LongNameEntry
  offset: number
}

/** Assembles the long names of a directory. */
export class LongNames {
  readonly #fault: RecordFault
  #pending: Placed[] = []

  constructor(fault: RecordFault) {
    this.#fault = fault
  }

  add(placed: Placed): void {
    const { entry, offset } = placed
    if (entry.attributes !== ATTR_LONG_NAME) {
      // By the specification the upper two bits do not count, but Linux and fsck.fat look at them.
      this.#fault(offset, `a long name with the attributes ${ATTR_LONG_NAME}`, String(entry.attributes))
    }
    if (entry.type !== 0) this.#fault(offset, 'a long name of type 0', String(entry.type))
    if (entry.firstCluster !== 0)
      this.#fault(offset, 'a long name without a cluster', String(entry.firstCluster))
    if ((entry.order & LAST_LONG_ENTRY) !== 0) this.drop()
    this.#pending.push(placed)
  }

  /** Reports pending entries, which belong to no short name. */
  drop(): void {
    if (this.#pending.length > 0) {
      this.#fault(this.#pending[0].offset, 'a short name after its long one', 'a long name alone')
    }
    this.#pending = []
  }

  /** The long name of a short record, if it has one. */
  take(short: ByteString): string | undefined {
    const pending = this.#pending
    this.#pending = []
    if (pending.length === 0) return undefined
    const [{ entry, offset }] = pending
    const long = decodeLongName(
      pending.map(({ entry }) => entry),
      short,
    )
    if (long !== undefined) return long
    const checksum = shortNameChecksum(short)
    if (entry.checksum !== checksum) {
      this.#fault(
        offset,
        `a long name with the checksum ${checksum} of its short one`,
        String(entry.checksum),
      )
    } else {
      this.#fault(offset, 'all parts of a long name', 'others')
    }
    return undefined
  }
}

/** Finds names that are duplicate or not allowed. */
export class ShortNames {
  readonly #fault: RecordFault
  readonly #shorts = new Set<ByteString>()
  readonly #keys = new Set<string>()

  constructor(fault: RecordFault) {
    this.#fault = fault
  }

  add({
    entry,
    offset,
    long,
    name,
  }: {
    entry: DirEntry
    offset: number
    long: string | undefined
    name: ByteString
  }): void {
    if ((entry.attributes & ATTR_VOLUME_ID) !== 0) return
    const short = fromBytes(entry.name)
    if (isBadShortName(entry, long)) this.#fault(offset, 'a sound short name', quote(short))
    const problem = long === undefined ? undefined : nameProblem(fromText(long))
    if (problem !== undefined)
      this.#fault(offset, 'a sound long name', `${quote(fromText(long!))}, which ${problem}`)
    const key = caseKey(toText(name) ?? toLatin1(name))
    if (this.#shorts.has(short)) this.#fault(offset, 'each short name once', `${quote(short)} again`)
    else if (this.#keys.has(key)) this.#fault(offset, 'each name once', `${quote(name)} again`)
    this.#shorts.add(short)
    this.#keys.add(key)
  }
}

/** Characters that a short name must not have. (FATGEN, DIR_Name) Lower-case letters are tolerated, as in all tools. */
const FORBIDDEN = /["*./:<>?\\|\x00-\x1f\x7f]/

function isBadShortName({ name, ntCase }: DirEntry, long: string | undefined): boolean {
  if ((ntCase & NT_NO_SHORT_NAME) !== 0) return long === undefined
  const text = unescapeShortName(fromBytes(name))
  return text.startsWith(' ') || FORBIDDEN.test(toLatin1(text))
}
