/** Calls of Linux that Node does not have: extended attributes, and where a file has holes. */
import { Buffer } from 'node:buffer'
import type { Xattr } from '../file-tree/entry.ts'
import type { DataRange } from '../file-tree/file-content.ts'
import { fromBytes } from '../lib/byte-string.ts'

export interface HostCalls {
  /**
   * All extended attributes of a file, a symlink not followed, by name.
   *
   * @throws Error with a code of errno
   */
  xattrs(path: Uint8Array): Xattr[]
  /** The parts of a file that have content; undefined when it has no holes, or the file system tells of none. */
  dataRanges(descriptor: number, size: number): DataRange[] | undefined
}

/** The part of koffi used here. The package is optional: its types may be absent, too. */
interface Koffi {
  load: (library: null) => { func: (prototype: string) => (...args: unknown[]) => number | bigint }
  errno: () => number
  os: { errno: Record<string, number> }
}

/** (XATTR_LIST_MAX and XATTR_SIZE_MAX) */
const MAX_XATTR_BYTES = 65536
/** (SEEK_DATA and SEEK_HOLE) */
const SEEK_DATA = 3
const SEEK_HOLE = 4
const NO_BYTES = new Uint8Array(0)

let loading: Promise<HostCalls | undefined> | undefined

/** Undefined where the optional package koffi is not installed, and on systems other than Linux. */
export function loadHostCalls(): Promise<HostCalls | undefined> {
  return (loading ??= load())
}

async function load(): Promise<HostCalls | undefined> {
  if (process.platform !== 'linux') return undefined
  // Not a literal: the package is optional, and neither compiler nor bundler may insist on it.
  const name: string = 'koffi'
  try {
    return callsOf(((await import(/* @vite-ignore */ name)) as { default: Koffi }).default)
  } catch {
    return undefined
  }
}

function callsOf(koffi: Koffi): HostCalls {
  // The C library that Node itself runs with, whichever it is.
  const library = koffi.load(null)
  const llistxattr = library.func('intptr_t llistxattr(const void *path, void *list, size_t size)')
  const lgetxattr = library.func(
    'intptr_t lgetxattr(const void *path, const void *name, void *value, size_t size)',
  )
  const lseek = library.func(
    `int64_t ${process.arch.endsWith('64') ? 'lseek' : 'lseek64'}(int fd, int64_t offset, int whence)`,
  )
  const { ENODATA, ENOTSUP, EOPNOTSUPP = ENOTSUP, ENXIO, EINVAL } = koffi.os.errno
  const list = Buffer.alloc(MAX_XATTR_BYTES)
  const value = Buffer.alloc(MAX_XATTR_BYTES)

  const failed = (call: string) => {
    const number = koffi.errno()
    const [code] = Object.entries(koffi.os.errno).find(([, each]) => each === number) ?? [`errno ${number}`]
    return Object.assign(new Error(`${code}: ${call}`), { code })
  }
  const valueOf = (path: Uint8Array, name: Uint8Array): Uint8Array | undefined => {
    const length = Number(lgetxattr(path, name, value, value.length))
    if (length >= 0) return length === 0 ? NO_BYTES : new Uint8Array(value.subarray(0, length))
    // Removed since it was listed.
    if (koffi.errno() === ENODATA) return undefined
    throw failed('lgetxattr')
  }
  return {
    xattrs(path) {
      const terminated = Buffer.concat([path, NUL])
      const length = Number(llistxattr(terminated, list, list.length))
      if (length < 0) {
        if (koffi.errno() === EOPNOTSUPP) return []
        throw failed('llistxattr')
      }
      const names: Uint8Array[] = []
      for (let at = 0; at < length;) {
        const end = list.indexOf(0, at) + 1
        names.push(Buffer.from(list.subarray(at, end)))
        at = end
      }
      return names
        .sort((a, b) => Buffer.compare(a, b))
        .flatMap((name) => {
          const found = valueOf(terminated, name)
          return found === undefined ? [] : [{ name: fromBytes(name, 0, name.length - 1), value: found }]
        })
    },
    dataRanges(descriptor, size) {
      const ranges: DataRange[] = []
      for (let at = 0; at < size;) {
        const offset = Number(lseek(descriptor, at, SEEK_DATA))
        if (offset < 0) {
          if (koffi.errno() === ENXIO) break
          if (koffi.errno() === EINVAL) return undefined
          throw failed('lseek')
        }
        const hole = Number(lseek(descriptor, offset, SEEK_HOLE))
        if (hole < 0) throw failed('lseek')
        const end = Math.min(hole, size)
        if (offset < end) ranges.push({ offset, length: end - offset })
        at = hole
      }
      const isWhole = ranges.length === 1 && ranges[0].length === size
      return isWhole ? undefined : ranges
    },
  }
}

const NUL = Buffer.alloc(1)
