/** A directory of this machine as a source. */
import { Buffer } from 'node:buffer'
import { constants, type BigIntStats } from 'node:fs'
import { lstat, open, readdir, readlink, stat } from 'node:fs/promises'
import { fromBytes, toDisplay, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import type { EntryMetadata, SourceEntry, Timestamp } from '../file-tree/entry.ts'

const READ_SIZE = 256 << 10

/** Whether a path will not be taken: for a directory, neither it nor anything below it. */
export type LeavesOut = (path: ByteString, isDirectory: boolean) => boolean

export interface DirectoryOptions {
  /** Owner of every entry. 0 unless given: who owns the files here says nothing about the image. */
  uid?: number
  gid?: number
  /** Its name in messages; the path unless given. */
  source?: string
  /** What need not be looked at: a directory with all below it, or anything else. */
  leavesOut?: LeavesOut
}

/**
 * The entries of a directory and of all below it, its root first, a directory before what it holds, names in the
 * order of their bytes.
 *
 * Modes, times of modification, device numbers and hard links within the directory are as they are. Owners, times
 * of access and change are not taken over, so that the same files give the same image anywhere; extended
 * attributes are not, because Node cannot read them (use a tar archive). `path` may be a symlink; those below it
 * stay symlinks. Other file systems mounted below are entered.
 *
 * @throws InputError when something cannot be read, or a file holds more or less than its size says
 */
export async function* readDirectory(
  path: string,
  { uid = 0, gid = 0, source = path, leavesOut = () => false }: DirectoryOptions = {},
): AsyncGenerator<SourceEntry, void, undefined> {
  const root = Buffer.from(path)
  const firstNames = new Map<string, ByteString>()
  const contents = new FileContents(source)

  const rootStats = await attempt(source, '', () => stat(root, { bigint: true }))
  if (!rootStats.isDirectory()) throw new InputError('expected a directory', { source })
  yield { ...metadata(rootStats, uid, gid), path: '', origin: { source }, type: 'directory' }

  // For each directory on the way down: the names still to do, last first.
  const stack = [{ path: '', host: root, names: await namesIn(source, '', root) }]
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const name = top.names.pop()
    if (!name) {
      stack.pop()
      continue
    }
    const host = Buffer.concat([top.host, Buffer.from('/'), name])
    const path = `${top.path === '' ? '' : `${top.path}/`}${fromBytes(name)}`
    const stats = await attempt(source, path, () => lstat(host, { bigint: true }))
    const common = { ...metadata(stats, uid, gid), path, origin: { source } }

    // Before hard links are looked for: what is left out must not be what they lead to.
    if (leavesOut(path, stats.isDirectory())) continue
    if (stats.isDirectory()) {
      yield { ...common, type: 'directory' }
      stack.push({ path, host, names: await namesIn(source, path, host) })
      continue
    }
    if (stats.nlink > 1n) {
      const file = `${stats.dev}:${stats.ino}`
      const target = firstNames.get(file)
      if (target !== undefined) {
        yield { ...common, type: 'hardlink', target }
        continue
      }
      firstNames.set(file, path)
    }
    if (stats.isFile()) {
      const size = Number(stats.size)
      const content = contents.of({ path, host, size, ino: stats.ino })
      // Content of size 0 is never read, but files in /proc have size 0 and content.
      if (size === 0) await content[Symbol.asyncIterator]().next()
      yield { ...common, type: 'file', size, content, repeatable: true }
    } else if (stats.isSymbolicLink()) {
      const target = await attempt(source, path, () => readlink(host, { encoding: 'buffer' }))
      yield { ...common, type: 'symlink', target: fromBytes(target) }
    } else if (stats.isBlockDevice() || stats.isCharacterDevice()) {
      const type = stats.isBlockDevice() ? 'block' : 'character'
      yield { ...common, type, ...deviceNumbers(stats.rdev) }
    } else if (stats.isFIFO() || stats.isSocket()) {
      yield { ...common, type: stats.isFIFO() ? 'fifo' : 'socket' }
    } else {
      throw new InputError('a file of unknown type', { source, entry: toDisplay(path) })
    }
  }
}

async function namesIn(source: string, path: ByteString, host: Buffer): Promise<Buffer[]> {
  const names = await attempt(source, path, () => readdir(host, { encoding: 'buffer' }))
  return names.sort((a, b) => Buffer.compare(b, a))
}

function metadata(stats: BigIntStats, uid: number, gid: number): EntryMetadata {
  return { mode: Number(stats.mode & 0o7777n), uid, gid, mtime: timestamp(stats.mtimeNs) }
}

function timestamp(ns: bigint): Timestamp {
  const nsec = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  return { sec: Number((ns - nsec) / 1_000_000_000n), nsec: Number(nsec) }
}

/** The numbers in a dev_t of Linux (gnu_dev_major and gnu_dev_minor in glibc's sys/sysmacros.h). */
function deviceNumbers(rdev: bigint): { major: number; minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n)),
  }
}

interface HostFile {
  path: ByteString
  host: Buffer
  size: number
  ino: bigint
}

/** Reads files one after the other through one buffer. */
class FileContents {
  readonly #source: string
  readonly #buffer = Buffer.allocUnsafeSlow(READ_SIZE)

  constructor(source: string) {
    this.#source = source
  }

  /** The content of a file, which may be read at any time and more than once. */
  of(file: HostFile): AsyncIterable<Uint8Array> {
    return { [Symbol.asyncIterator]: () => this.#read(file) }
  }

  async *#read({ path, host, size, ino }: HostFile): AsyncGenerator<Uint8Array, void, undefined> {
    const source = this.#source
    const changed = (what: string) =>
      new InputError(`the file changed while it was read: ${what}`, { source, entry: toDisplay(path) })
    // O_NONBLOCK: should a fifo have taken the file's place, opening it must not wait.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const handle = await attempt(source, path, () => open(host, flags))
    try {
      const stats = await handle.stat({ bigint: true })
      if (!stats.isFile() || stats.ino !== ino) throw changed('another one has taken its place')
      let done = 0
      for (;;) {
        const { bytesRead } = await attempt(source, path, () => handle.read(this.#buffer, 0, READ_SIZE, done))
        if (bytesRead === 0) break
        done += bytesRead
        if (done > size) throw changed(`expected ${size} bytes, found more`)
        yield new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset, bytesRead)
      }
      if (done < size) throw changed(`expected ${size} bytes, found ${done}`)
    } finally {
      await handle.close()
    }
  }
}

/** Adds the place to errors of the system. */
async function attempt<T>(source: string, path: ByteString, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const where = path === '' ? { source } : { source, entry: toDisplay(path) }
    throw new InputError((error as Error).message, where, { cause: error })
  }
}
