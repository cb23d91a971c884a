import type { EntryMetadata } from './entry.ts'

/** Places for metadata that entries yet to come may share: 2 to this power. */
const PLACES_BITS = 12

/** Most entries say the same of themselves as many others; one object will do for them. */
export class SharedMetadata {
  /** Each at a place that follows from what it says; the last to come has it. */
  readonly #places = new Array<EntryMetadata | undefined>(1 << PLACES_BITS)

  /** The metadata of an entry in an object that holds nothing else. */
  of(entry: EntryMetadata): EntryMetadata {
    const { mode, uid, gid, mtime, atime, ctime, birthtime, xattrs } = entry
    if (atime ?? ctime ?? birthtime ?? xattrs) {
      return { mode, uid, gid, mtime, atime, ctime, birthtime, xattrs }
    }
    const place = placeOf(entry)
    const other = this.#places[place]
    if (
      other?.mode === mode &&
      other.uid === uid &&
      other.gid === gid &&
      other.mtime.sec === mtime.sec &&
      other.mtime.nsec === mtime.nsec
    ) {
      return other
    }
    return (this.#places[place] = { mode, uid, gid, mtime })
  }
}

/** Mixed by multiplication: a key made of text would cost more than the object it saves. */
function placeOf({ mode, uid, gid, mtime }: EntryMetadata): number {
  let mixed = Math.imul(mtime.sec ^ mtime.nsec, 31)
  mixed = Math.imul(mixed ^ uid, 31)
  mixed = Math.imul(mixed ^ gid, 31)
  // The golden ratio as a fraction of 2^32 (Knuth, multiplicative hashing): its upper bits are spread best.
  return Math.imul(mixed ^ mode, 0x9e3779b1) >>> (32 - PLACES_BITS)
}
