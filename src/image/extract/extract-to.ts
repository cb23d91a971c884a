/** Extracts files of a file system into a directory of this machine. */
import { yieldToEventLoop } from '../../lib/yield.ts'
import { Buffer } from 'node:buffer'
import { chmodSync, linkSync, mkdirSync, symlinkSync } from 'node:fs'
import type { FileSystemReader, Inode } from '../../file-tree/reader.ts'
import { toLatin1, type ByteString } from '../../lib/byte-string.ts'
import { OutputError } from '../../lib/errors.ts'
import { toOutputError } from '../../lib/output-error.ts'
import { HostMetadata, settersOf } from './host-metadata.ts'
import { pathBytes } from './host-path.ts'
import { Losses } from './not-kept.ts'
import {
  count,
  ENTRIES_A_TURN,
  newCounts,
  shown,
  type ExtractOptions,
  type ExtractResult,
} from './options.ts'
import { driveWith, type Drive } from '../drive-source.ts'
import { FileWriter } from './file-writer.ts'
import { EntryReader, type OpenFileSystem, type ReadEntry } from './read-entry.ts'
import { openTargetDirectory, type TargetDirectory } from './target-directory.ts'

export interface ExtractToOptions extends ExtractOptions {
  /** Also into a directory that is not empty: files there are replaced. */
  force?: boolean | undefined
}

const LOST = {
  socket: 'sockets: left out',
  fifo: 'pipes: left out (Node.js cannot create them)',
  device: 'devices: left out (Node.js cannot create them)',
  owner: 'owners: not kept',
  setid: 'setuid and setgid: dropped where the owner is not kept',
  xattr: 'extended attributes and ACLs: not kept (Node.js cannot set them)',
  flags: 'flags of inodes (chattr): not kept',
  time: 'times: kept to the microsecond',
  link: 'hard links: made copies',
}

/** Errors of file systems that have no hard links, or not this one. */
const NO_LINKS = new Set(['EMLINK', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/**
 * Extracts a directory and all below it, or one file, to a directory that is new or empty. Everything is made in a
 * directory with a temporary name that nobody else may enter, symlinks last: so nothing in the image leads outside of
 * it. When something fails, everything that was made is removed, and what was there before is put back.
 *
 * @throws OutputError that names the entry when something cannot be written
 * @throws CorruptError when what is read is damaged
 */
export async function writeDirectory(
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
    await extraction.settle()
    return result()
  } catch (error) {
    try {
      extraction.takeBack()
    } catch (left) {
      throw new OutputError(`${(error as Error).message}; ${(left as Error).message}`, { cause: error })
    }
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
  readonly #files: FileWriter
  #work: Buffer
  #entries = 0
  #steps = 0

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
    this.#files = new FileWriter({
      drive: this.#drive,
      counts: this.#counts,
      metadata: this.#metadata,
      onPiece: () => this.#turn(),
    })
  }

  /** @returns what gives the result, once everything is settled */
  async all(): Promise<() => ExtractResult> {
    const { from = this.#reader.root, name = '' } = this.#options
    const entries = new EntryReader(this.#reader, from, name)
    for (; ; this.#entries++) {
      const next = this.#drive(entries.next())
      const entry = next instanceof Promise ? await next : next
      if (entry === undefined) break
      const writing = this.#named(entry.path, () => this.#entry(entry))
      if (writing !== undefined) await writing.catch((error: unknown) => this.#fail(entry.path, error))
      if (this.#entries % ENTRIES_A_TURN === 0) await this.#turn()
    }
    return () => ({ ...this.#counts, notKept: this.#losses.list() })
  }

  /**
   * Does what must wait until all files are there: makes symlinks, moves everything to its place, and sets the
   * attributes of directories, which may make them read-only. It can be aborted until the end.
   */
  async settle(): Promise<void> {
    for (const { path, inode, target } of this.#symlinks) {
      await this.#pause()
      this.#named(path, () => {
        symlinkSync(Buffer.from(toLatin1(target), 'latin1'), this.#at(path))
        this.#metadata.set(path, inode, settersOf.symlink(this.#at(path)))
      })
    }
    for (const { path, firstName } of this.#links) {
      await this.#pause()
      this.#named(path, () => linkSync(this.#at(firstName), this.#at(path)))
    }
    // A read-only directory cannot be moved to another one.
    if (!this.#target.isNew) await this.#commit()
    for (const { path, inode } of this.#directories.toReversed()) {
      if (path === '' && !this.#target.isNew) continue
      await this.#pause()
      this.#named(path, () => this.#metadata.set(path, inode, settersOf.directory(this.#at(path))))
    }
    if (this.#target.isNew) await this.#commit()
    else this.#target.remove()
  }

  /**
   * Removes everything that was made, and puts back what was there before.
   *
   * @throws OutputError that says where it is, when it cannot be put back
   */
  takeBack(): void {
    for (const { path } of this.#directories) {
      if (path === '' && !this.#target.isNew) continue
      try {
        chmodSync(this.#at(path), 0o700)
      } catch {
        // It was not made yet, or cannot be changed: then removing it reports the error.
      }
    }
    this.#target.rollback()
    this.#target.remove()
  }

  async #commit(): Promise<void> {
    this.#work = Buffer.from(await this.#target.commit(() => this.#pause()))
  }

  /** Reports the progress, and yields to the event loop. */
  async #turn(): Promise<void> {
    const { signal, onProgress } = this.#options
    onProgress?.({ entries: this.#entries, bytes: this.#counts.contentBytes })
    await yieldToEventLoop()
    signal?.throwIfAborted()
  }

  /** Yields to the event loop after every so many calls, and looks for an abort. */
  #pause(): Promise<void> | undefined {
    if (++this.#steps % ENTRIES_A_TURN !== 0) return undefined
    return yieldToEventLoop().then(() => this.#options.signal?.throwIfAborted())
  }

  /** @returns undefined when it is done */
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
    return this.#files.write(this.#at(entry.path), entry)
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
        `${name}: an entry of this name exists already (is the target file system case-insensitive?)`,
        { cause: error },
      )
    }
    throw toOutputError(name, error)
  }
}
