/** The metadata of all nodes of a tree. */
import { grown } from '../lib/column.ts'
import type { EntryMetadata, InodeFlag, Timestamp, Xattr } from './entry.ts'

/** Rows yet to come may share one of this many, to the power of two. */
const PLACES_BITS = 12

/** Lists are kept as they are. */
interface Lists {
  xattrs: readonly Xattr[] | undefined
  flags: readonly InodeFlag[] | undefined
}

/** Times that few entries have, in the order of their columns. */
const FURTHER_TIMES = ['atime', 'ctime', 'birthtime'] as const

/**
 * Metadata in columns of numbers. Most entries say the same of themselves as many others: one row will do for them.
 */
export class MetadataTable {
  #length = 0
  #modes = new Uint16Array(256)
  #uids = new Uint32Array(256)
  #gids = new Uint32Array(256)
  #seconds = new Float64Array(256)
  #nanoseconds = new Uint32Array(256)
  /** By row: the index of what few entries have, plus one; 0: nothing. */
  #further = new Uint32Array(256)
  readonly #times = new TimeTable()
  readonly #lists: (Lists | undefined)[] = []
  /** Each row at a place that follows from what it says; the last to come has it. Plus one; 0: none. */
  readonly #places = new Uint32Array(1 << PLACES_BITS)

  /** The row of what an entry says of itself. */
  add(entry: EntryMetadata): number {
    const { mode, uid, gid, mtime, atime, ctime, birthtime, xattrs, flags } = entry
    if (atime ?? ctime ?? birthtime ?? xattrs ?? flags) {
      const row = this.#push(entry)
      this.#lists.push(xattrs === undefined && flags === undefined ? undefined : { xattrs, flags })
      this.#times.push([atime, ctime, birthtime])
      this.#further[row] = this.#lists.length
      return row
    }
    const place = placeOf(entry)
    const other = this.#places[place] - 1
    if (
      other !== -1 &&
      this.#modes[other] === mode &&
      this.#uids[other] === uid &&
      this.#gids[other] === gid &&
      this.#seconds[other] === mtime.sec &&
      this.#nanoseconds[other] === mtime.nsec
    ) {
      return other
    }
    const row = this.#push(entry)
    this.#places[place] = row + 1
    return row
  }

  get(row: number): EntryMetadata {
    const metadata: EntryMetadata = {
      mode: this.#modes[row],
      uid: this.#uids[row],
      gid: this.#gids[row],
      mtime: this.mtime(row),
    }
    const further = this.#further[row] - 1
    if (further === -1) return metadata
    FURTHER_TIMES.forEach((key, i) => {
      const time = this.#times.get(further, i)
      if (time !== undefined) metadata[key] = time
    })
    const lists = this.#lists[further]
    if (lists?.xattrs !== undefined) metadata.xattrs = lists.xattrs
    if (lists?.flags !== undefined) metadata.flags = lists.flags
    return metadata
  }

  mtime(row: number): Timestamp {
    return { sec: this.#seconds[row], nsec: this.#nanoseconds[row] }
  }

  xattrs(row: number): readonly Xattr[] | undefined {
    const further = this.#further[row]
    return further === 0 ? undefined : this.#lists[further - 1]?.xattrs
  }

  flags(row: number): readonly InodeFlag[] | undefined {
    const further = this.#further[row]
    return further === 0 ? undefined : this.#lists[further - 1]?.flags
  }

  #push({ mode, uid, gid, mtime }: EntryMetadata): number {
    const row = this.#length++
    if (row === this.#modes.length) this.#grow()
    this.#modes[row] = mode
    this.#uids[row] = uid
    this.#gids[row] = gid
    this.#seconds[row] = mtime.sec
    this.#nanoseconds[row] = mtime.nsec
    return row
  }

  #grow(): void {
    this.#modes = grown(this.#modes)
    this.#uids = grown(this.#uids)
    this.#gids = grown(this.#gids)
    this.#seconds = grown(this.#seconds)
    this.#nanoseconds = grown(this.#nanoseconds)
    this.#further = grown(this.#further)
  }
}

/** Rows of three times, each of which may be missing. */
class TimeTable {
  #length = 0
  /** NaN where there is none. */
  #seconds = new Float64Array(256)
  #nanoseconds = new Uint32Array(256)

  push(times: readonly (Timestamp | undefined)[]): void {
    if (this.#length + times.length > this.#seconds.length) {
      this.#seconds = grown(this.#seconds)
      this.#nanoseconds = grown(this.#nanoseconds)
    }
    for (const time of times) {
      this.#seconds[this.#length] = time?.sec ?? NaN
      this.#nanoseconds[this.#length++] = time?.nsec ?? 0
    }
  }

  get(row: number, column: number): Timestamp | undefined {
    const i = FURTHER_TIMES.length * row + column
    const sec = this.#seconds[i]
    return Number.isNaN(sec) ? undefined : { sec, nsec: this.#nanoseconds[i] }
  }
}

/** Mixed by multiplication: a key made of text would cost more than the row it saves. */
function placeOf({ mode, uid, gid, mtime }: EntryMetadata): number {
  let mixed = Math.imul(mtime.sec ^ mtime.nsec, 31)
  mixed = Math.imul(mixed ^ uid, 31)
  mixed = Math.imul(mixed ^ gid, 31)
  // The golden ratio as a fraction of 2^32 (Knuth, multiplicative hashing): its upper bits are spread best.
  return Math.imul(mixed ^ mode, 0x9e3779b1) >>> (32 - PLACES_BITS)
}
