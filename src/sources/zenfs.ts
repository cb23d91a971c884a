/** A file system of ZenFS as a source. */
import type { EntryMetadata, EntryType, SourceEntry, Timestamp, Xattr } from '../file-tree/entry.ts'
import { MODE_TYPE } from '../file-tree/mode-type.ts'
import { xattrFault } from '../file-tree/xattr-rules.ts'
import { fromText, toDisplay, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import { bytesOfName } from '../lib/surrogate-names.ts'
import type {
  ZenfsFileSystemLike,
  ZenfsLike,
  ZenfsModuleLike,
  ZenfsStatsLike,
} from '../spec/sources/zenfs.ts'
import { hostPlaceOf, withPlace } from './with-place.ts'
import type { LeavesOut } from './directory.ts'

const READ_SIZE = 256 << 10
/** (S_IFMT) */
const TYPE_MASK = 0o170000
const TYPE_OF_MODE = new Map<number, EntryType>(
  Object.entries(MODE_TYPE).map(([type, bits]) => [bits, type as EntryType]),
)

export interface ZenfsOptions {
  /** Directory that is the source's root. */
  root: string
  /** Its name in messages. */
  source: string
  /** What need not be looked at. */
  leavesOut?: LeavesOut
}

/** The calls by which it is read, whichever of both forms it has. */
interface Calls {
  stat(path: string): Promise<ZenfsStatsLike>
  readdir(path: string): Promise<string[]>
  readlink(path: string, size: number): Promise<string>
  xattrs(path: string, stats: ZenfsStatsLike): Promise<Xattr[]>
  /** Content of a file in pieces, which are valid until the next one is asked for. */
  content(path: string, size: number): AsyncGenerator<Uint8Array, void, undefined>
}

/**
 * The entries of a directory and of all below it, its root first, a directory before what it holds, names in the
 * order of their bytes. Modes, owners, times, attributes, hard links and devices are as they are there; content is read in
 * pieces, and may be read more than once.
 *
 * @throws InputError when something cannot be read, or a file changes while it is read
 */
export async function* readZenfs(
  zenfs: ZenfsLike,
  { root, source, leavesOut = () => false }: ZenfsOptions,
): AsyncGenerator<SourceEntry, void, undefined> {
  const calls = 'promises' in zenfs ? callsOfModule(zenfs) : callsOfFileSystem(zenfs)
  const firstNames = new Map<number, ByteString>()
  const base = root === '/' ? '' : root
  const stats = await withPlace({ source }, () => calls.stat(root))
  if (typeOf(stats) !== 'directory') throw new InputError('expected a directory', { source, entry: root })
  yield { ...(await metadata(calls, root, '', stats, source)), type: 'directory' }
  // What is still to do, last first.
  const stack = await below('', base)
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { path, host } = next
    const stats = await withPlace(hostPlaceOf(source, path), () => calls.stat(host))
    const type = typeOf(stats)
    if (leavesOut(path, type === 'directory')) continue
    const common = await metadata(calls, host, path, stats, source)
    if (type === 'directory') {
      yield { ...common, type }
      stack.push(...(await below(path, host)))
      continue
    }
    const target = stats.nlink > 1 ? firstNames.get(stats.ino) : undefined
    if (target !== undefined) {
      yield { ...common, type: 'hardlink', target }
      continue
    }
    if (stats.nlink > 1) firstNames.set(stats.ino, path)
    yield await leaf(common, type, host, stats)
  }

  async function below(path: ByteString, host: string) {
    const names = await withPlace(hostPlaceOf(source, path), () => calls.readdir(host === '' ? '/' : host))
    return names
      .map((name) => {
        const bytes = bytesOfName(name)
        return { bytes, path: path === '' ? bytes : `${path}/${bytes}`, host: `${host}/${name}` }
      })
      .sort((a, b) => (a.bytes < b.bytes ? 1 : -1))
  }

  async function leaf(
    common: Omit<SourceEntry & { type: 'fifo' }, 'type'>,
    type: EntryType | undefined,
    host: string,
    stats: ZenfsStatsLike,
  ): Promise<SourceEntry> {
    const { path } = common
    if (type === 'file') {
      const content = { [Symbol.asyncIterator]: () => unchanged(calls, host, stats, { source, path }) }
      return { ...common, type, size: stats.size, content, repeatable: true }
    }
    if (type === 'symlink') {
      const target = await withPlace(hostPlaceOf(source, path), () => calls.readlink(host, stats.size))
      return { ...common, type, target: bytesOfName(target) }
    }
    if (type === 'block' || type === 'character') return { ...common, type, ...deviceNumbers(stats.rdev) }
    if (type === 'fifo' || type === 'socket') return { ...common, type }
    const found = (stats.mode & TYPE_MASK).toString(8)
    throw new InputError(`a file of unknown type ${found}`, { source, entry: toDisplay(path) })
  }
}

function typeOf({ mode }: ZenfsStatsLike): EntryType | undefined {
  return TYPE_OF_MODE.get(mode & TYPE_MASK)
}

async function metadata(
  calls: Calls,
  host: string,
  path: ByteString,
  stats: ZenfsStatsLike,
  source: string,
): Promise<EntryMetadata & Pick<SourceEntry, 'path' | 'origin'>> {
  const xattrs = await withPlace(hostPlaceOf(source, path), () => calls.xattrs(host, stats))
  for (const { name, value } of xattrs) {
    const fault = xattrFault(name, value, typeOf(stats) ?? 'file')
    if (fault !== undefined) throw new InputError(fault, { source, entry: toDisplay(path) })
  }
  return {
    path,
    origin: { source },
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    mtime: timestamp(stats.mtimeMs),
    atime: timestamp(stats.atimeMs),
    ctime: timestamp(stats.ctimeMs),
    birthtime: timestamp(stats.birthtimeMs),
    ...(xattrs.length > 0 && { xattrs }),
  }
}

/** The content, and a look at the file before and after. */
async function* unchanged(
  calls: Calls,
  host: string,
  stats: ZenfsStatsLike,
  { source, path }: { source: string; path: ByteString },
): AsyncGenerator<Uint8Array, void, undefined> {
  const check = async () => {
    const now = await withPlace(hostPlaceOf(source, path), () => calls.stat(host))
    if (now.size === stats.size && now.mtimeMs === stats.mtimeMs && now.ino === stats.ino) return
    const message = 'the file changed while it was read'
    throw new InputError(message, { source, entry: toDisplay(path) })
  }
  await check()
  try {
    yield* calls.content(host, stats.size)
  } catch (error) {
    throw new InputError((error as Error).message, { source, entry: toDisplay(path) }, { cause: error })
  }
  await check()
}

function callsOfFileSystem(fs: ZenfsFileSystemLike): Calls {
  const decoder = new TextDecoder()
  return {
    stat: (path) => fs.stat(path),
    readdir: (path) => fs.readdir(path),
    async readlink(path, size) {
      const target = new Uint8Array(size)
      await fs.read(path, target, 0, size)
      return decoder.decode(target)
    },
    xattrs: (_, { attributes }) =>
      Promise.resolve(
        [...(attributes?.keys() ?? [])].map((name) => ({
          name: fromText(name),
          value: new Uint8Array(attributes!.get(name)!),
        })),
      ),
    async *content(path, size) {
      const buffer = new Uint8Array(Math.min(size, READ_SIZE))
      for (let at = 0; at < size; at += buffer.length) {
        const piece = buffer.subarray(0, Math.min(buffer.length, size - at))
        await fs.read(path, piece, at, at + piece.length)
        yield piece
      }
    },
  }
}

function callsOfModule({ promises, xattr }: ZenfsModuleLike): Calls {
  return {
    stat: (path) => promises.lstat(path),
    readdir: (path) => promises.readdir(path),
    readlink: (path) => promises.readlink(path),
    async xattrs(path, stats) {
      // Those of a symlink cannot be asked for: the calls follow it.
      if (xattr === undefined || typeOf(stats) === 'symlink') return []
      const names = await xattr.list(path)
      return Promise.all(
        names.map(async (name) => {
          const value = await xattr.get(path, name as never)
          return {
            name: fromText(name),
            value: typeof value === 'string' ? new TextEncoder().encode(value) : new Uint8Array(value),
          }
        }),
      )
    },
    async *content(path, size) {
      const buffer = new Uint8Array(Math.min(size, READ_SIZE))
      const handle = await promises.open(path, 'r')
      try {
        for (let at = 0; at < size;) {
          const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, size - at), at)
          if (bytesRead === 0) throw new Error(`expected ${size} bytes, found ${at}`)
          at += bytesRead
          yield buffer.subarray(0, bytesRead)
        }
      } finally {
        await handle.close()
      }
    },
  }
}

function timestamp(milliseconds: number): Timestamp {
  const sec = Math.floor(milliseconds / 1000)
  const nsec = Math.round((milliseconds - sec * 1000) * 1e6)
  return nsec === 1e9 ? { sec: sec + 1, nsec: 0 } : { sec, nsec }
}

/** (new_decode_dev of Linux) */
function deviceNumbers(rdev: number): { major: number; minor: number } {
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) }
}
