/** What entries bring that a file system cannot hold. */
import { counted } from '../lib/counted.ts'
import { toDisplay } from '../lib/byte-string.ts'
import type { Finding } from '../lib/finding.ts'
import type { SourceEntry } from './entry.ts'

/** Whether what a file system cannot hold is an error, or is left out and counted. */
export type UnsupportedPolicy = 'error' | 'drop'

/** What was left out, by kind. */
export interface DroppedCounts {
  /** Extended attributes. */
  xattrs: number
  /** ACLs other than POSIX ACLs, and damaged ones. */
  acls: number
  /** Inode flags, as of chattr(1) and chflags(1). */
  flags: number
  /** Entries: on FAT, symlinks and special files. */
  entries: number
}

const WORDS: Record<keyof DroppedCounts, [one: string, many: string]> = {
  xattrs: ['extended attribute', 'extended attributes'],
  acls: ['ACL', 'ACLs'],
  flags: ['file flag', 'file flags'],
  entries: ['entry', 'entries'],
}

const NONE: DroppedCounts = { xattrs: 0, acls: 0, flags: 0, entries: 0 }

/** Counts what is left out of the entries of each source. */
export class DropLog {
  readonly #sources = new Map<string, { counts: DroppedCounts; first: string }>()

  /** @param what it is, for messages: `xattr "com.apple.provenance"`, or the type of an entry that is left out itself */
  add(kind: keyof DroppedCounts, what: string, { path, origin }: Pick<SourceEntry, 'path' | 'origin'>): void {
    let known = this.#sources.get(origin.source)
    if (known === undefined) {
      known = {
        counts: { ...NONE },
        first: `${what} ${kind === 'entries' ? '' : 'of '}${JSON.stringify(toDisplay(path))}`,
      }
      this.#sources.set(origin.source, known)
    }
    known.counts[kind]++
  }

  get counts(): DroppedCounts {
    const all = { ...NONE }
    for (const { counts } of this.#sources.values()) {
      for (const kind of Object.keys(all) as (keyof DroppedCounts)[]) all[kind] += counts[kind]
    }
    return all
  }

  /** A notice for each source of which anything was left out. */
  notices(fileSystem: string): Finding[] {
    return [...this.#sources].map(([where, { counts, first }]) => {
      const parts = (Object.keys(WORDS) as (keyof DroppedCounts)[])
        .filter((kind) => counts[kind] > 0)
        .map((kind) => counted(counts[kind], ...WORDS[kind]))
      return {
        severity: 'notice',
        where,
        message: `left out what ${fileSystem} cannot hold: ${parts.join(', ')}; the first is ${first}`,
      }
    })
  }
}
