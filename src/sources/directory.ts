/** A directory of this machine as a source. */
import { Buffer } from 'node:buffer'
import { closeSync, lstatSync, readdirSync, readlinkSync, statSync, type BigIntStats } from 'node:fs'
import { realpath } from 'node:fs/promises'
import type { EntryMetadata, SourceEntry, Timestamp, Xattr } from '../file-tree/entry.ts'
import type { DataRange } from '../file-tree/file-content.ts'
import { xattrFault } from '../file-tree/xattr-rules.ts'
import { fromBytes, toDisplay, toLatin1, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import { yieldToEventLoop } from '../lib/yield.ts'
import type { HostCalls } from './host-calls.ts'
import { FILES_A_TURN, HostFiles, openHostFile, type HostFile } from './host-file.ts'
import { hostPlaceOf, withPlace, withPlaceSync } from './with-place.ts'

/** Whether a path will not be taken: for a directory, neither it nor anything below it. */
export type LeavesOut = (path: ByteString, isDirectory: boolean) => boolean

export interface DirectoryOptions {
  /** Owners as they are here; otherwise 0, which says the least. */
  keepOwners?: boolean
  /** Symlinks stand for what they lead to. */
  followSymlinks?: boolean
  /** For extended attributes and holes; without, there are none. */
  calls?: HostCalls | undefined
  /** Extended attributes are read. */
  xattrs?: boolean
  /** Called once for each attribute that belongs to the file system here, and is not taken. */
  onForeignXattr?: (name: string) => void
  /** Its name in messages; the path unless given. */
  source?: string
  /** What need not be looked at: a directory with all below it, or anything else. */
  leavesOut?: LeavesOut
}

/** A directory on the way down. */
interface OpenDirectory {
  path: ByteString
  host: Buffer
  /** The names still to do, last first. */
  names: Buffer[]
  /** Device and inode. */
  identity: string
}

/**
 * The entries of a directory and of all below it, its root first, a directory before what it holds, names in the
 * order of their bytes.
 *
 * Modes, times of modification, device numbers, extended attributes with ACLs and capabilities, hard links within the
 * directory and holes are as they are. Times of access and change are not taken over, so that the same files give the
 * same image anywhere. `path` may be a symlink; those below it stay symlinks unless asked. Other file systems mounted
 * below are entered.
 *
 * @throws InputError when something cannot be read, a file changes meanwhile, or a symlink that is followed leads to
 *   nothing or to a directory that it lies in
 */
export async function* readDirectory(
  path: string,
  options: DirectoryOptions = {},
): AsyncGenerator<SourceEntry, void, undefined> {
  const { followSymlinks = false, source = path, leavesOut = () => false } = options
  const reader = new EntryReader(source, options)
  const root = Buffer.from(path)
  const status = (host: Buffer) => (followSymlinks ? statSync : lstatSync)(host, { bigint: true })

  const rootStats = withPlaceSync({ source }, () => statSync(root, { bigint: true }))
  if (!rootStats.isDirectory()) throw new InputError('expected a directory', { source })
  yield {
    ...(await reader.metadata({ source, path: '', host: root, stats: rootStats, followed: true })),
    type: 'directory',
  }

  const open = (path: ByteString, host: Buffer, stats: BigIntStats): OpenDirectory => {
    const names = withPlaceSync(hostPlaceOf(source, path), () => readdirSync(host, { encoding: 'buffer' }))
    return { path, host, names: names.sort((a, b) => Buffer.compare(b, a)), identity: identityOf(stats) }
  }
  const stack = [open('', root, rootStats)]
  let entries = 0
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const name = top.names.pop()
    if (!name) {
      stack.pop()
      continue
    }
    const host = Buffer.concat([top.host, Buffer.from('/'), name])
    const path = `${top.path === '' ? '' : `${top.path}/`}${fromBytes(name)}`
    if (++entries % FILES_A_TURN === 0) await yieldToEventLoop()
    const stats = withPlaceSync(hostPlaceOf(source, path), () => status(host))
    // Before hard links are looked for: what is left out must not be what they lead to.
    if (leavesOut(path, stats.isDirectory())) continue
    const file: HostFile = { source, path, host, stats, followed: followSymlinks }
    yield await reader.entry(file)
    if (!stats.isDirectory()) continue
    const next = open(path, host, stats)
    if (followSymlinks && stack.some(({ identity }) => identity === next.identity)) {
      throw new InputError('the symlink leads to a directory that it lies in', {
        source,
        entry: toDisplay(path),
      })
    }
    stack.push(next)
  }
}

/** Makes entries of files. */
class EntryReader {
  readonly #source: string
  readonly #options: DirectoryOptions
  readonly #files = new HostFiles()
  /** Device and inode -> the first name of a file that may have others. */
  readonly #firstNames = new Map<string, ByteString>()
  readonly #foreign = new Set<string>()

  constructor(source: string, options: DirectoryOptions) {
    this.#source = source
    this.#options = options
  }

  async entry(file: HostFile): Promise<SourceEntry> {
    const { path, stats } = file
    const common = await this.metadata(file)
    if (stats.isDirectory()) return { ...common, type: 'directory' }
    // Symlinks that are followed make names of a file, too, as GNU tar has it.
    if (stats.nlink > 1n || this.#options.followSymlinks) {
      const target = this.#firstNames.get(identityOf(stats))
      if (target !== undefined) return { ...common, type: 'hardlink', target }
      this.#firstNames.set(identityOf(stats), path)
    }
    if (stats.isFile()) return { ...common, type: 'file', ...(await this.#content(file)) }
    if (stats.isSymbolicLink()) {
      const target = withPlaceSync(hostPlaceOf(this.#source, path), () =>
        readlinkSync(file.host, { encoding: 'buffer' }),
      )
      return { ...common, type: 'symlink', target: fromBytes(target) }
    }
    if (stats.isBlockDevice() || stats.isCharacterDevice()) {
      const type = stats.isBlockDevice() ? 'block' : 'character'
      return { ...common, type, ...deviceNumbers(stats.rdev) }
    }
    if (stats.isFIFO() || stats.isSocket()) return { ...common, type: stats.isFIFO() ? 'fifo' : 'socket' }
    throw new InputError('a file of unknown type', { source: this.#source, entry: toDisplay(path) })
  }

  async metadata(file: HostFile): Promise<EntryMetadata & Pick<SourceEntry, 'path' | 'origin'>> {
    const { path, stats } = file
    const { keepOwners = false } = this.#options
    const xattrs = await this.#xattrs(file)
    return {
      path,
      origin: { source: this.#source },
      mode: Number(stats.mode & 0o7777n),
      uid: keepOwners ? Number(stats.uid) : 0,
      gid: keepOwners ? Number(stats.gid) : 0,
      mtime: timestamp(stats.mtimeNs),
      ...(xattrs.length > 0 && { xattrs }),
    }
  }

  async #content(file: HostFile) {
    const { stats } = file
    const size = Number(stats.size)
    const ranges = await this.#ranges(file)
    const content = this.#files.contentOf({ ...file, ranges })
    // Content of size 0 is never read, but files in /proc have size 0 and content.
    if (size === 0) await content[Symbol.asyncIterator]().next()
    return { size, content, repeatable: true, ...(ranges && { ranges }) }
  }

  async #ranges(file: HostFile): Promise<DataRange[] | undefined> {
    const { calls } = this.#options
    const { size, blocks } = file.stats
    // (st_blocks counts 512 bytes.) A file without holes has as many, unless it is compressed.
    if (calls === undefined || blocks * 512n >= size) return undefined
    const descriptor = openHostFile(file)
    try {
      return await withPlace(hostPlaceOf(this.#source, file.path), () =>
        calls.dataRanges(descriptor, Number(size)),
      )
    } finally {
      closeSync(descriptor)
    }
  }

  async #xattrs({ host, path, stats, followed = false }: HostFile): Promise<Xattr[]> {
    const { calls, xattrs = false } = this.#options
    if (!xattrs || calls === undefined) return []
    const real = followed ? await withPlace(hostPlaceOf(this.#source, path), () => realpathOf(host)) : host
    const all = await withPlace(hostPlaceOf(this.#source, path), () => calls.xattrs(real))
    return all.filter(({ name, value }) => this.#takesXattr(name) && this.#check(name, value, path, stats))
  }

  #takesXattr(name: ByteString): boolean {
    const text = toLatin1(name)
    // Labels follow the policy of the machine that they are from, and the path that the file has there.
    if (text === 'security.selinux') return this.#options.keepOwners === true
    if (!text.startsWith('system.') || text.startsWith('system.posix_acl_')) return true
    // What a file system shows of itself.
    if (!this.#foreign.has(text)) this.#options.onForeignXattr?.(toDisplay(name))
    this.#foreign.add(text)
    return false
  }

  #check(name: ByteString, value: Uint8Array, path: ByteString, stats: BigIntStats): true {
    const type = stats.isDirectory()
      ? 'directory'
      : stats.isFile()
        ? 'file'
        : stats.isSymbolicLink()
          ? 'symlink'
          : 'fifo'
    const fault = xattrFault(name, value, type)
    if (fault !== undefined) throw new InputError(fault, { source: this.#source, entry: toDisplay(path) })
    return true
  }
}

const realpathOf = (host: Buffer) => realpath(host, { encoding: 'buffer' })

function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`
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
