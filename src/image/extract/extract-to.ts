/** Puts what lies in a file system into a directory of this machine. */
import { Buffer } from 'node:buffer'
import {
  chmodSync,
  closeSync,
  constants,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import type { FileSystemReader, Inode } from '../../file-tree/reader.ts'
import type { ByteString } from '../../lib/byte-string.ts'
import { CorruptError, OutputError } from '../../lib/errors.ts'
import { toOutputError } from '../../lib/output-error.ts'
import { HostMetadata, settersOf } from './host-metadata.ts'
import { pathBytes } from './host-path.ts'
import { Losses } from './not-kept.ts'
import {
  count,
  ENTRIES_A_TURN,
  newCounts,
  yieldToEventLoop,
  shown,
  type ExtractOptions,
  type ExtractResult,
} from './options.ts'
import { driveWith, type Drive } from '../drive-source.ts'
import { EntryReader, PIECE, type OpenFileSystem, type ReadEntry } from './read-entry.ts'
import { openTargetDirectory, type TargetDirectory } from './target-directory.ts'

export interface ExtractToOptions extends ExtractOptions {
  /** Also into a directory that is not empty: files there are replaced. */
  force?: boolean | undefined
}

const LOST = {
  socket: 'sockets: left out',
  fifo: 'pipes: left out (Node.js makes none)',
  device: 'devices: left out (Node.js makes none)',
  owner: 'owners: not kept',
  setid: 'setuid and setgid: dropped where the owner is not kept',
  xattr: 'extended attributes and ACLs: not kept (Node.js sets none)',
  flags: 'flags of inodes (chattr): not kept',
  time: 'times: kept to the microsecond',
  link: 'hard links: made copies',
}

/** Nothing that is there already is opened, and no symlink followed. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0)
/** What says that there cannot be such a link here. */
const NO_LINKS = new Set(['EMLINK', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/**
 * Extracts a directory and all below it, or one file, to a directory that is new or empty. Everything is made in a
 * directory with a temporary name that nobody else may enter, symlinks last: so nothing in the image leads outside of
 * it. When something fails nothing is left behind.
 *
 * @throws OutputError that names the entry when something cannot be written
 * @throws CorruptError when what is read is damaged
 */
export async function extractTo(
  fileSystem: OpenFileSystem,
  directory: string,
  options: ExtractToOptions = {},
): Promise<ExtractResult> {
  const { signal, force = false } = options
  signal?.throwIfAborted()
  const target = openTargetDirectory(directory, force)
  const extraction = new Extraction(fileSystem, target, directory, options)
  try {
    const result = await extraction.all()
    signal?.throwIfAborted()
    extraction.settle()
    return result()
  } catch (error) {
    extraction.clean()
    throw error
  }
}

class Extraction {
  readonly #reader: FileSystemReader
  readonly #drive: Drive
  readonly #target: TargetDirectory
  readonly #name: string
  readonly #options: ExtractOptions
  readonly #counts = newCounts()
  readonly #losses = new Losses(LOST)
  readonly #metadata = new HostMetadata(this.#losses)
  readonly #directories: { path: ByteString; inode: Inode }[] = []
  readonly #symlinks: { path: ByteString; inode: Inode; target: ByteString }[] = []
  /** Further names of symlinks. */
  readonly #links: { path: ByteString; firstName: ByteString; inode: Inode }[] = []
  #work: Buffer
  #entries = 0
  #isCommitted = false

  constructor(
    { reader, source }: OpenFileSystem,
    target: TargetDirectory,
    name: string,
    options: ExtractOptions,
  ) {
    this.#reader = reader
    this.#drive = driveWith(source)
    this.#target = target
    this.#name = name
    this.#options = options
    this.#work = Buffer.from(target.work)
  }

  /** @returns what gives the result, once everything is settled */
  async all(): Promise<() => ExtractResult> {
    const { from = this.#reader.root, name = '', signal, onProgress } = this.#options
    const entries = new EntryReader(this.#reader, from, name)
    for (; ; this.#entries++) {
      const next = this.#drive(entries.next())
      const entry = next instanceof Promise ? await next : next
      if (entry === undefined) break
      const writing = this.#named(entry.path, () => this.#entry(entry))
      if (writing !== undefined) await writing.catch((error: unknown) => this.#fail(entry.path, error))
      if (this.#entries % ENTRIES_A_TURN !== 0) continue
      onProgress?.({ entries: this.#entries, bytes: this.#counts.contentBytes })
      await yieldToEventLoop()
      signal?.throwIfAborted()
    }
    return () => ({ ...this.#counts, notKept: this.#losses.list() })
  }

  /** What must wait until all is there: symlinks, then the place itself, and what makes directories read-only. */
  settle(): void {
    for (const { path, inode, target } of this.#symlinks) {
      this.#named(path, () => {
        symlinkSync(Buffer.from(target, 'latin1'), this.#at(path))
        this.#metadata.set(path, inode, settersOf.symlink(this.#at(path)))
      })
    }
    for (const { path, firstName } of this.#links) {
      this.#named(path, () => linkSync(this.#at(firstName), this.#at(path)))
    }
    // A read-only directory cannot be moved to another one.
    if (!this.#target.isNew) this.#commit()
    for (const { path, inode } of this.#directories.reverse()) {
      if (path === '' && !this.#target.isNew) continue
      this.#named(path, () => this.#metadata.set(path, inode, settersOf.directory(this.#at(path))))
    }
    if (this.#target.isNew) this.#commit()
  }

  /** Leaves nothing behind, as long as it has no name. */
  clean(): void {
    if (this.#isCommitted) return
    for (const { path } of this.#directories) {
      try {
        chmodSync(this.#at(path), 0o700)
      } catch {
        // What is wrong with it is told already.
      }
    }
    this.#target.abort()
  }

  #commit(): void {
    this.#work = Buffer.from(this.#target.commit())
    this.#isCommitted = true
  }

  /** What is asynchronous is promised. */
  #entry(entry: ReadEntry): Promise<void> | undefined {
    const { path, inode, firstName } = entry
    if (inode.type === 'socket' || inode.type === 'fifo') this.#losses.add(inode.type, path)
    else if (inode.type === 'block' || inode.type === 'character') this.#losses.add('device', path)
    else {
      if (firstName !== undefined) return this.#link(entry, firstName)
      count(this.#counts, inode.type)
      if (entry.xattrs.length > 0) this.#losses.add('xattr', path)
      if (inode.flags.length > 0) this.#losses.add('flags', path)
      if (inode.type === 'file') return this.#file(entry)
      if (inode.type === 'symlink') this.#symlinks.push({ path, inode, target: entry.target })
      else {
        if (path !== '') mkdirSync(this.#at(path), 0o700)
        this.#directories.push({ path, inode })
      }
    }
    return undefined
  }

  #link(entry: ReadEntry, firstName: ByteString): Promise<void> | undefined {
    const { path, inode } = entry
    if (inode.type === 'symlink') this.#links.push({ path, inode, firstName })
    else {
      try {
        linkSync(this.#at(firstName), this.#at(path))
      } catch (error) {
        if (!NO_LINKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error
        this.#losses.add('link', path)
        return this.#file(entry)
      }
    }
    count(this.#counts, 'hardlink')
    return undefined
  }

  #file(entry: ReadEntry): Promise<void> | undefined {
    const { path, inode, ranges = [{ offset: 0, length: inode.size }] } = entry
    const fd = openSync(this.#at(path), NEW_FILE, 0o600)
    const finish = () => {
      // Behind the last content may be a hole.
      ftruncateSync(fd, inode.size)
      this.#metadata.set(path, inode, settersOf.file(fd))
    }
    let isOpen = true
    try {
      const [only] = ranges
      if (ranges.length === 1 && only.length <= PIECE) {
        const piece = this.#drive(entry.opened.read(only.offset, only.length))
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

  async #pieces(
    fd: number,
    entry: ReadEntry,
    ranges: readonly { offset: number; length: number }[],
  ): Promise<void> {
    const { signal, onProgress } = this.#options
    for (const { offset, length } of ranges) {
      for (let done = 0; done < length;) {
        const wanted = { offset: offset + done, length: Math.min(PIECE, length - done) }
        const piece = await this.#drive(entry.opened.read(wanted.offset, wanted.length))
        this.#write(fd, entry, piece, wanted)
        done += wanted.length
        onProgress?.({ entries: this.#entries, bytes: this.#counts.contentBytes })
        await yieldToEventLoop()
        signal?.throwIfAborted()
      }
    }
  }

  #write(
    fd: number,
    { path }: ReadEntry,
    piece: Uint8Array,
    { offset, length }: { offset: number; length: number },
  ): void {
    if (piece.length !== length) {
      throw new CorruptError(`file ${JSON.stringify(shown(path))}`, offset, {
        expected: `${length} bytes of content`,
        found: piece.length,
      })
    }
    for (let done = 0; done < length;) done += writeSync(fd, piece, done, length - done, offset + done)
    this.#counts.contentBytes += length
  }

  #at(path: ByteString): Buffer {
    return pathBytes(this.#work, path)
  }

  #named<T>(path: ByteString, work: () => T): T {
    try {
      return work()
    } catch (error) {
      return this.#fail(path, error)
    }
  }

  #fail(path: ByteString, error: unknown): never {
    const name = `${this.#name}: ${shown(path)}`
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new OutputError(
        `${name}: there is something of this name already (does the file system tell upper from lower case?)`,
        { cause: error },
      )
    }
    throw toOutputError(name, error)
  }
}
