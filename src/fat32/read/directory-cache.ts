import type { DirectoryRecord, ParsedDirectory } from './directory.ts'
import { DirEntry } from '../format.ts'

export interface OpenDirectory extends ParsedDirectory {
  /** Bytes that it takes. */
  size: number
}

/** Records that are kept, of one directory or several; one that is larger is kept alone. */
const MAX_RECORDS = 20_000

/** The directories that were read last: walks and paths come back to them. */
export class DirectoryCache {
  readonly #directories = new Map<number, OpenDirectory>()
  readonly #records = new Map<number, DirectoryRecord>()

  get(ino: number): OpenDirectory | undefined {
    const directory = this.#directories.get(ino)
    if (directory === undefined) return undefined
    // The last to be forgotten is the last in the map.
    this.#directories.delete(ino)
    this.#directories.set(ino, directory)
    return directory
  }

  /** A record of a directory that is kept. */
  record(ino: number): DirectoryRecord | undefined {
    return this.#records.get(ino)
  }

  add(ino: number, directory: OpenDirectory): OpenDirectory {
    for (const [old, { records }] of this.#directories) {
      if (this.#records.size + directory.records.length <= MAX_RECORDS) break
      for (const record of records) this.#records.delete(inoOf(record))
      this.#directories.delete(old)
    }
    this.#directories.set(ino, directory)
    for (const record of directory.records) this.#records.set(inoOf(record), record)
    return directory
  }
}

const inoOf = ({ offset }: DirectoryRecord) => offset / DirEntry.size
