import type { Buffer } from 'node:buffer'
import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs'
import type { DataRange } from '../../file-tree/file-content.ts'
import { CorruptError } from '../../lib/errors.ts'
import type { Drive } from '../drive-source.ts'
import { settersOf, type HostMetadata } from './host-metadata.ts'
import { shown, type Counts } from './options.ts'
import { EXTRACTED_PIECE, type ReadEntry } from './read-entry.ts'

/** Fails when there is something of that name, and follows no symlink. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)

interface FileWriterParts {
  drive: Drive
  counts: Counts
  metadata: HostMetadata
  /** Called after each piece of a large file. */
  onPiece: () => Promise<void>
}

/** Writes files with their content, holes and metadata. */
export class FileWriter {
  readonly #parts: FileWriterParts

  constructor(parts: FileWriterParts) {
    this.#parts = parts
  }

  /** @returns undefined when it is done: small files of a source that answers at once */
  write(path: Buffer, entry: ReadEntry): Promise<void> | undefined {
    const { inode, ranges = [{ offset: 0, length: inode.size }] } = entry
    const fd = openSync(path, NEW_FILE, 0o600)
    const finish = () => {
      // There may be a hole behind the last content.
      ftruncateSync(fd, inode.size)
      this.#parts.metadata.set(entry.path, inode, settersOf.file(fd))
    }
    let isOpen = true
    try {
      const [only] = ranges
      if (ranges.length === 1 && only.length <= EXTRACTED_PIECE) {
        const piece = this.#parts.drive(entry.opened.read(only.offset, only.length))
        if (!(piece instanceof Promise)) {
          this.#write(fd, entry, piece, only)
          finish()
          return undefined
        }
        isOpen = false
        return piece
          .then((bytes) => this.#write(fd, entry, bytes, only))
          .then(finish)
          .finally(() => closeSync(fd))
      }
      isOpen = false
      return this.#pieces(fd, entry, ranges)
        .then(finish)
        .finally(() => closeSync(fd))
    } finally {
      if (isOpen) closeSync(fd)
    }
  }

  async #pieces(fd: number, entry: ReadEntry, ranges: readonly DataRange[]): Promise<void> {
    for (const { offset, length } of ranges) {
      for (let done = 0; done < length;) {
        const wanted = { offset: offset + done, length: Math.min(EXTRACTED_PIECE, length - done) }
        const piece = await this.#parts.drive(entry.opened.read(wanted.offset, wanted.length))
        this.#write(fd, entry, piece, wanted)
        done += wanted.length
        await this.#parts.onPiece()
      }
    }
  }

  #write(fd: number, { path }: ReadEntry, piece: Uint8Array, { offset, length }: DataRange): void {
    if (piece.length !== length) {
      throw new CorruptError(`file ${JSON.stringify(shown(path))}`, offset, {
        expected: `${length} bytes of content`,
        found: piece.length,
      })
    }
    for (let done = 0; done < length;) done += writeSync(fd, piece, done, length - done, offset + done)
    this.#parts.counts.contentBytes += length
  }
}
