/** What a tar header means together with the extended headers before it. */
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import type { EntryMetadata } from '../file-tree/entry.ts'
import { normalisePath } from './entry-path.ts'
import { paxInteger, paxTime, type PaxRecords } from './pax.ts'
import { TarProblem, type TarHeader } from './tar-format.ts'
import { applyXattrs } from './tar-xattrs.ts'

/** What came before a header and belongs to it. */
export interface Extensions {
  /** Records of the global headers so far, overridden by those of the entry's own; undefined: there are none. */
  pax: PaxRecords | undefined
  /** Of a GNU `L` or `K` header. */
  longName: ByteString | undefined
  longLink: ByteString | undefined
}

export type TarEntry = EntryMetadata & { path: ByteString } & (
    | { type: 'directory' | 'fifo' }
    | { type: 'file'; size: number }
    | { type: 'symlink' | 'hardlink'; target: ByteString }
    | { type: 'block' | 'character'; major: number; minor: number }
  )

/** Linux holds device numbers in 32 bits (MINORBITS in linux/kdev_t.h). */
const MAJOR_LIMIT = 2 ** 12
const MINOR_LIMIT = 2 ** 20

/** Types whose meaning is known and which cannot become part of a tree. */
const UNSUPPORTED: Record<string, string> = {
  S: 'sparse files are not supported (GNU tar makes them with --sparse)',
  M: 'the rest of a file that began in another volume is not supported',
  V: 'volume headers are not supported (GNU tar makes them with --label)',
  D: 'directories of incremental archives are not supported',
  N: 'the long names of very old GNU tars are not supported',
  X: 'the extended headers of Solaris are not supported',
  A: 'the ACLs of Solaris are not supported',
}

/** The name an entry goes by, for messages too. */
export function nameOf(header: TarHeader, extensions: Extensions): ByteString {
  return extensions.pax?.get('path') || extensions.longName || header.name
}

/** @throws TarProblem for what is wrong or not supported */
export function interpretEntry(header: TarHeader, extensions: Extensions): TarEntry {
  const { pax } = extensions
  refuseUnsupported(header.typeflag, pax)

  const name = nameOf(header, extensions)
  const path = normalisePath(name)
  const metadata: EntryMetadata & { path: ByteString } = {
    path,
    mode: header.mode & 0o7777,
    uid: header.uid,
    gid: header.gid,
    mtime: header.mtime,
  }
  if (header.atime) metadata.atime = header.atime
  if (header.ctime) metadata.ctime = header.ctime
  const type = typeOf(header.typeflag, name)
  let { size, devmajor: major, devminor: minor } = header
  if (pax) {
    size = integer(pax, 'size') ?? size
    major = integer(pax, 'SCHILY.devmajor') ?? major
    minor = integer(pax, 'SCHILY.devminor') ?? minor
    applyMetadata(metadata, pax)
    applyXattrs(metadata, pax, type)
  }
  inRange('user id', metadata.uid, 2 ** 32)
  inRange('group id', metadata.gid, 2 ** 32)
  inRange('size', size, Number.MAX_SAFE_INTEGER)

  if (path === '' && type !== 'directory') throw new TarProblem(`the root is a ${type}, expected a directory`)
  if (type === 'file') return Object.assign(metadata, { type, size })
  if (size !== 0) {
    throw new TarProblem(
      `a ${type} with ${size} bytes of content: expected none (tars disagree on whether content follows)`,
    )
  }
  switch (type) {
    case 'directory':
    case 'fifo':
      return Object.assign(metadata, { type })
    case 'block':
    case 'character':
      inRange('device major number', major, MAJOR_LIMIT)
      inRange('device minor number', minor, MINOR_LIMIT)
      return Object.assign(metadata, { type, major, minor })
    case 'symlink':
    case 'hardlink': {
      const target = pax?.get('linkpath') || extensions.longLink || header.linkname
      return Object.assign(metadata, { type, target: linkTarget(type, target) })
    }
  }
}

function typeOf(typeflag: string, name: ByteString): TarEntry['type'] {
  switch (typeflag) {
    case '0':
    case '7': // a file that should lie in one piece
    case '\0':
      // Before ustar there was no type for a directory.
      return name.endsWith('/') ? 'directory' : 'file'
    case '1':
      return 'hardlink'
    case '2':
      return 'symlink'
    case '3':
      return 'character'
    case '4':
      return 'block'
    case '5':
      return 'directory'
    case '6':
      return 'fifo'
    default:
      throw new TarProblem(`entries of type ${JSON.stringify(typeflag)} are not supported`)
  }
}

function refuseUnsupported(typeflag: string, pax: PaxRecords | undefined): void {
  const reason = UNSUPPORTED[typeflag]
  if (reason !== undefined) throw new TarProblem(`type ${JSON.stringify(typeflag)}: ${reason}`)
  if (!pax) return
  for (const keyword of pax.keys()) {
    if (keyword.startsWith('GNU.sparse.') || keyword === 'SCHILY.realsize') {
      throw new TarProblem(`pax record ${keyword}: sparse files are not supported`)
    }
    if (keyword.startsWith('GNU.volume.')) {
      throw new TarProblem(`pax record ${keyword}: archives of several volumes are not supported`)
    }
    if (keyword === 'GNU.dumpdir') {
      throw new TarProblem(`pax record ${keyword}: incremental archives are not supported`)
    }
    if (keyword === 'SCHILY.acl.ace') {
      throw new TarProblem(`pax record ${keyword}: NFSv4 ACLs are not supported`)
    }
    if (keyword === 'SCHILY.fflags') {
      throw new TarProblem(`pax record ${keyword}: file flags are not supported (bsdtar: --no-fflags)`)
    }
  }
}

function applyMetadata(metadata: EntryMetadata, pax: PaxRecords): void {
  metadata.uid = integer(pax, 'uid') ?? metadata.uid
  metadata.gid = integer(pax, 'gid') ?? metadata.gid
  metadata.mtime = time(pax, 'mtime') ?? metadata.mtime
  const atime = time(pax, 'atime')
  const ctime = time(pax, 'ctime')
  const birthtime = time(pax, 'LIBARCHIVE.creationtime')
  if (atime) metadata.atime = atime
  if (ctime) metadata.ctime = ctime
  if (birthtime) metadata.birthtime = birthtime
}

/** An empty value takes the keyword back, so the header's own field counts. */
function integer(pax: PaxRecords, keyword: string): number | undefined {
  const value = pax.get(keyword)
  return value ? paxInteger(keyword, value) : undefined
}

function time(pax: PaxRecords, keyword: string): EntryMetadata['mtime'] | undefined {
  const value = pax.get(keyword)
  return value ? paxTime(keyword, value) : undefined
}

function inRange(what: string, value: number, limit: number): void {
  if (value < 0 || value >= limit) throw new TarProblem(`${what} ${value} is not between 0 and ${limit - 1}`)
}

function linkTarget(type: 'symlink' | 'hardlink', target: ByteString): ByteString {
  if (target === '') throw new TarProblem(`a ${type} without a target`)
  if (target.includes('\0')) throw new TarProblem('the target of the link contains a NUL')
  if (type === 'symlink') return target
  try {
    return normalisePath(target)
  } catch (error) {
    if (!(error instanceof TarProblem)) throw error
    throw new TarProblem(`a hard link to ${JSON.stringify(toDisplay(target))}: ${error.message}`)
  }
}
