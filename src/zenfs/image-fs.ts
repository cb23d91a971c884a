import { FileSystem as ZenFileSystem, Readonly, type InodeLike } from '@zenfs/core'
import type { FileSystemDriver } from '../image/drivers/driver.ts'
import type { FileSystem } from '../image/file-system.ts'
import type { DirectoryEntry, FileSystemReader, InodeRef } from '../file-tree/reader.ts'
import { isSync, type ByteSource } from '../lib/byte-source.ts'
import { toBytes } from '../lib/byte-string.ts'
import { drive, driveSync, type ReadRoutine } from '../lib/read-routine.ts'
import { errnoError, toErrno } from './errors.ts'
import { InodeNumbers, toInodeLike } from './inodes.ts'
import { bytesOfName, textOfName } from '../lib/surrogate-names.ts'

/** Directories that are cached: ZenFS looks every path up from the root. */
const MAX_KNOWN = 10_000

export interface ImageFSParts {
  fileSystem: FileSystem
  driver: FileSystemDriver
  /** The root: that of the file system, or of a subvolume. */
  root: InodeRef
  close: () => Promise<void>
}

/**
 * A file system of an image for ZenFS, read-only. Its synchronous methods need a source that answers at once: a path,
 * a FileHandle or bytes; with a Blob they throw ENOTSUP.
 */
export class ImageFS extends Readonly(ZenFileSystem) {
  readonly #reader: FileSystemReader
  readonly #source: ByteSource
  readonly #root: InodeRef
  readonly #numbers: InodeNumbers
  readonly #known = new Map<string, DirectoryEntry>()
  readonly #close: () => Promise<void>
  readonly #size: number

  /**
   * Use the backends.
   *
   * @internal
   */
  constructor({ fileSystem, driver, root, close }: ImageFSParts) {
    super(driver.linux.magic, driver.linux.name)
    this.label = fileSystem.label
    this.#reader = fileSystem.reader
    this.#source = fileSystem.source
    this.#size = fileSystem.source.size
    this.#root = root
    this.#numbers = new InodeNumbers(root)
    this.#close = close
    // Without this ZenFS copies everything of a source that does not answer at once into memory.
    this.attributes.set('no_async_preload')
    this.attributes.set('no_atime')
    // ZenFS checks this before it accepts writes to a file.
    this.attributes.set('readonly', undefined)
  }

  /** Closes the image, unless it was given as an open one. ZenFS itself never does. */
  async close(): Promise<void> {
    await this.#close()
  }

  override usage() {
    return { totalSpace: this.#size, freeSpace: 0 }
  }

  stat(path: string): Promise<InodeLike> {
    return this.#run(this.#stat(path))
  }

  statSync(path: string): InodeLike {
    return this.#driveSync(this.#stat(path))
  }

  readdir(path: string): Promise<string[]> {
    return this.#run(this.#readdir(path))
  }

  readdirSync(path: string): string[] {
    return this.#driveSync(this.#readdir(path))
  }

  read(path: string, buffer: Uint8Array, start: number, end: number): Promise<void> {
    return this.#run(this.#read(path, buffer, start, end))
  }

  readSync(path: string, buffer: Uint8Array, start: number, end: number): void {
    this.#driveSync(this.#read(path, buffer, start, end))
  }

  /** EEXIST takes precedence over EROFS. */
  override async mkdir(path: string): Promise<never> {
    if (await this.exists(path)) throw errnoError('EEXIST', 'file exists')
    throw errnoError('EROFS', 'read-only file system')
  }

  override mkdirSync(path: string): never {
    if (this.existsSync(path)) throw errnoError('EEXIST', 'file exists')
    throw errnoError('EROFS', 'read-only file system')
  }

  /** There is never anything to write. */
  override sync(): Promise<never> {
    return Promise.resolve() as Promise<never>
  }

  override syncSync(): never {
    return undefined as never
  }

  async #run<T>(reading: ReadRoutine<T>): Promise<T> {
    try {
      return await drive(this.#source, reading)
    } catch (error) {
      throw toErrno(error)
    }
  }

  #driveSync<T>(reading: ReadRoutine<T>): T {
    if (!isSync(this.#source)) {
      throw errnoError('ENOTSUP', 'this image can only be read asynchronously: it does not answer at once')
    }
    try {
      return driveSync(this.#source, reading)
    } catch (error) {
      throw toErrno(error)
    }
  }

  *#stat(path: string): ReadRoutine<InodeLike> {
    const ref = yield* this.#find(path)
    const opened = yield* this.#reader.open(ref)
    return toInodeLike(opened.inode, yield* opened.xattrs(), this.#numbers.of(ref))
  }

  *#readdir(path: string): ReadRoutine<string[]> {
    const directory = yield* this.#find(path)
    if (directory.type !== 'directory') throw errnoError('ENOTDIR', 'not a directory')
    const entries = yield* this.#reader.list(directory)
    return entries.map(({ name }) => textOfName(name))
  }

  *#read(path: string, buffer: Uint8Array, start: number, end: number): ReadRoutine<void> {
    const file = yield* this.#find(path)
    if (file.type === 'file') {
      const opened = yield* this.#reader.open(file)
      buffer.set(yield* opened.read(start, Math.min(end - start, buffer.length)))
    } else if (file.type === 'symlink') {
      const opened = yield* this.#reader.open(file)
      buffer.set(toBytes(yield* opened.target()).subarray(start, end))
    } else if (file.type === 'directory') {
      throw errnoError('EISDIR', 'is a directory')
    } else {
      throw errnoError('ENOTSUP', 'a device, pipe or socket of an image holds nothing to be read')
    }
  }

  /** Symlinks are followed by ZenFS, which knows what else is mounted. */
  *#find(path: string): ReadRoutine<DirectoryEntry> {
    const known = this.#known.get(path)
    if (known !== undefined) return known
    const slash = path.lastIndexOf('/')
    const name = path.slice(slash + 1)
    if (name === '') {
      const { tree, ino } = this.#root
      return path === '/' || path === ''
        ? { tree, ino, name: '', type: 'directory' }
        : yield* this.#find(path.slice(0, -1))
    }
    const directory = yield* this.#find(path.slice(0, Math.max(0, slash)))
    if (directory.type !== 'directory') throw errnoError('ENOTDIR', 'not a directory')
    const entry = yield* this.#reader.lookup(directory, bytesOfName(name))
    if (entry === undefined) throw errnoError('ENOENT', 'no such file or directory')
    if (entry.type === 'directory' && this.#known.size < MAX_KNOWN) this.#known.set(path, entry)
    return entry
  }
}
