import { LruCache } from '../../lib/lru-cache.ts'
import type { DirectoryRecord, ParsedDirectory } from './directory.ts'
import { DirEntry } from '../format.ts'

export interface OpenDirectory extends ParsedDirectory {
  /** Bytes of its clusters, or of the root directory's area. */
  size: number
}

/** Records that are kept, of one directory or several; a directory with more is kept alone. */
const MAX_RECORDS = 20_000

/** The directories that were used last: walks and paths return to them. */
export class DirectoryCache {
  readonly #directories = new LruCache<number, OpenDirectory>(MAX_RECORDS, {
    weigh: ({ records }) => Math.max(1, records.length),
    onEvict: (_, { records }) => {
      for (const record of records) this.#records.delete(inoOf(record))
    },
  })
  /** Of the directories that are kept, by inode number. */
  readonly #records = new Map<number, DirectoryRecord>()

  get(ino: number): OpenDirectory | undefined {
    return this.#directories.get(ino)
  }

  /** A record of a directory that is kept. */
  record(ino: number): DirectoryRecord | undefined {
    return this.#records.get(ino)
  }

  add(ino: number, directory: OpenDirectory): OpenDirectory {
    this.#directories.set(ino, directory)
    for (const record of directory.records) this.#records.set(inoOf(record), record)
    return directory
  }
}

const inoOf = ({ offset }: DirectoryRecord) => offset / DirEntry.size
