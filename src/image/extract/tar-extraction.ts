/** Reads a file system and writes a tar archive, wherever that goes. */
import { yieldToEventLoop } from '../../lib/yield.ts'
import type { DataRange } from '../../file-tree/file-content.ts'
import type { FileSystemReader, Inode } from '../../file-tree/reader.ts'
import { CorruptError } from '../../lib/errors.ts'
import type { TarMember } from '../../tar/write/member.ts'
import type { TarWriter } from '../../tar/write/writer.ts'
import { driveWith, type Drive } from '../drive-source.ts'
import { Losses } from './not-kept.ts'
import {
  count,
  ENTRIES_A_TURN,
  newCounts,
  shown,
  type ExtractOptions,
  type ExtractResult,
} from './options.ts'
import { EntryReader, EXTRACTED_PIECE, type OpenFileSystem, type ReadEntry } from './read-entry.ts'

const LOST = {
  socket: 'sockets: left out (tar cannot hold them)',
}

/** Writes the entries of a file system to `writer`, which it does not finish. */
export class TarExtraction {
  readonly #reader: FileSystemReader
  readonly #drive: Drive
  readonly #writer: TarWriter
  readonly #options: ExtractOptions
  readonly #counts = newCounts()
  readonly #losses = new Losses(LOST)
  #entries = 0
  /** Memory for a piece of content. */
  #piece: Uint8Array | undefined

  constructor({ reader, source }: OpenFileSystem, writer: TarWriter, options: ExtractOptions) {
    this.#reader = reader
    this.#drive = driveWith(source)
    this.#writer = writer
    this.#options = options
  }

  async all(): Promise<ExtractResult> {
    const { from = this.#reader.root, name = '', signal, onProgress } = this.#options
    const entries = new EntryReader(this.#reader, from, name)
    for (this.#entries = 0; ; this.#entries++) {
      const next = this.#drive(entries.next())
      const entry = next instanceof Promise ? await next : next
      if (entry === undefined) return { ...this.#counts, notKept: this.#losses.list() }
      const content = this.#begin(entry)
      if (content !== undefined) {
        const writing = this.#content(entry, content)
        if (writing !== undefined) await writing
      }
      const flushing = this.#writer.flush()
      if (flushing !== undefined) await flushing
      if (this.#entries % ENTRIES_A_TURN !== 0) continue
      onProgress?.({ entries: this.#entries, bytes: this.#counts.contentBytes })
      await yieldToEventLoop()
      signal?.throwIfAborted()
    }
  }

  /** Writes the header. @returns the ranges of content that follow; undefined: none */
  #begin(entry: ReadEntry): readonly DataRange[] | undefined {
    const { path, inode } = entry
    if (inode.type === 'socket') {
      this.#losses.add('socket', path)
      return undefined
    }
    const member = memberOf(entry, inode.type)
    this.#writer.member(member)
    count(this.#counts, member.type)
    if (member.type !== 'file' || member.size === 0) return undefined
    return member.ranges ?? [{ offset: 0, length: member.size }]
  }

  /** Undefined when it is done. */
  #content(entry: ReadEntry, ranges: readonly DataRange[]): Promise<void> | undefined {
    const [only] = ranges
    if (ranges.length > 1 || only === undefined || only.length > EXTRACTED_PIECE)
      return this.#pieces(entry, ranges)
    const piece = this.#drive(entry.opened.read(only.offset, only.length, this.#memoryFor(only.length)))
    if (piece instanceof Promise) return piece.then((bytes) => this.#endContent(entry, bytes, only))
    this.#endContent(entry, piece, only)
    return undefined
  }

  /** In the archive if the piece fits there, so that it is not copied. */
  #memoryFor(length: number): Uint8Array {
    return this.#writer.room(length) ?? (this.#piece ??= new Uint8Array(EXTRACTED_PIECE))
  }

  #endContent(entry: ReadEntry, piece: Uint8Array, range: DataRange): void {
    this.#write(entry, piece, range)
    this.#writer.pad(range.length)
  }

  async #pieces(entry: ReadEntry, ranges: readonly DataRange[]): Promise<void> {
    const { signal, onProgress } = this.#options
    let total = 0
    for (const { offset, length } of ranges) {
      for (let done = 0; done < length;) {
        const wanted = { offset: offset + done, length: Math.min(EXTRACTED_PIECE, length - done) }
        const memory = this.#memoryFor(wanted.length)
        const piece = await this.#drive(entry.opened.read(wanted.offset, wanted.length, memory))
        this.#write(entry, piece, wanted)
        await this.#writer.flush()
        signal?.throwIfAborted()
        onProgress?.({ entries: this.#entries, bytes: this.#counts.contentBytes })
        done += wanted.length
      }
      total += length
    }
    this.#writer.pad(total)
  }

  #write({ path }: ReadEntry, piece: Uint8Array, { offset, length }: DataRange): void {
    if (piece.length !== length) {
      throw new CorruptError(`file ${JSON.stringify(shown(path))}`, offset, {
        expected: `${length} bytes of content`,
        found: piece.length,
      })
    }
    this.#writer.content(piece)
    this.#counts.contentBytes += length
  }
}

/** Lists the fields, because spreading objects takes longer than the rest of a header. */
function memberOf(entry: ReadEntry, type: Exclude<Inode['type'], 'socket'>): TarMember {
  const { path, firstName, xattrs, ranges } = entry
  const { mode, uid, gid, mtime, atime, ctime, birthtime, size, major, minor, flags, nodatacow } = entry.inode
  // Linux lets nobody set those of others.
  const hasFlags = (type === 'file' || type === 'directory') && (flags.length > 0 || nodatacow === true)
  return {
    path,
    type: firstName === undefined ? type : 'hardlink',
    mode,
    uid,
    gid,
    mtime,
    atime,
    ctime,
    birthtime,
    xattrs,
    size,
    ranges,
    target: firstName ?? entry.target,
    major,
    minor,
    ...(hasFlags && { flags, nodatacow }),
  }
}
