/** Interprets a tar header together with the extended headers before it. */
import { counted } from '../../lib/counted.ts'
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import type { EntryMetadata, EntryOrigin, SourceEntry } from '../../file-tree/entry.ts'
import { normalisePath } from '../../file-tree/entry-path.ts'
import { EntryProblem } from '../../file-tree/entry-problem.ts'
import type { ContentPieces, DataRange } from '../../file-tree/file-content.ts'
import type { NameTables } from '../names.ts'
import { CREATION_TIME, DEVICE_MAJOR, DEVICE_MINOR, FFLAGS } from '../records.ts'
import type { TarEntryType } from './entry-type.ts'
import { applyFlags } from './flags.ts'
import { paxInteger, paxTime, type PaxRecords } from './pax.ts'
import { TarProblem, type TarHeader } from './header.ts'
import { checkedRanges, type SparseFile } from './sparse.ts'
import { applyXattrs } from './xattrs.ts'

/** Extended headers that precede a header and belong to it. */
export interface Extensions {
  /** Records of the global headers so far, overridden by those of the entry's own; undefined: there are none. */
  pax: PaxRecords | undefined
  /** Content of a GNU `L` or `K` header. */
  longName: ByteString | undefined
  longLink: ByteString | undefined
}

/** A SourceEntry in the making; which fields it has depends on its type. */
interface AnyEntry extends EntryMetadata {
  type: TarEntryType
  path: ByteString
  origin: EntryOrigin
  size?: number
  ranges?: readonly DataRange[]
  content?: ContentPieces
  target?: ByteString
  major?: number
  minor?: number
}

const NFS4_ACL = [{ kind: 'acls' as const, name: 'an NFSv4 ACL' }]

/** Linux holds device numbers in 32 bits (MINORBITS in linux/kdev_t.h). */
const MAJOR_LIMIT = 2 ** 12
const MINOR_LIMIT = 2 ** 20

type Records = ReadonlyMap<ByteString, ByteString>

/** Types whose meaning is known and which cannot become part of a tree. */
const UNSUPPORTED: Record<string, string> = {
  M: 'the rest of a file that began in another volume is not supported',
  V: 'volume headers are not supported (GNU tar makes them with --label)',
  D: 'directories of incremental archives are not supported',
  N: 'the long names of very old GNU tars are not supported',
  X: 'the extended headers of Solaris are not supported',
  A: 'the ACLs of Solaris are not supported',
}

/** The name of an entry, for messages too. */
export function memberName(header: TarHeader, extensions: Extensions): ByteString {
  const { pax, longName } = extensions
  return pax?.sparse?.name || pax?.path || longName || header.name
}

/**
 * @param name the result of nameOf
 * @param sparse the map of a sparse file
 * @param names what the names of owners stand for; undefined: the numbers count
 * @param contentOf makes the content of a file
 * @throws TarProblem for what is wrong or not supported
 */
export function interpretEntry(
  header: TarHeader,
  name: ByteString,
  { pax, longLink }: Extensions,
  sparse: SparseFile | undefined,
  origin: EntryOrigin,
  contentOf: (path: ByteString, size: number) => ContentPieces,
  names: NameTables | undefined,
): SourceEntry {
  const records = pax?.others
  refuseUnsupported(header.typeflag, records)

  const { mode, uid, gid, mtime, atime, ctime } = header
  const type = typeOf(header.typeflag, name)
  const path = normalisePath(name)
  // It is filled in field by field: spreading or assigning objects takes longer than all the rest of this.
  const entry: AnyEntry = { type, path, mode: mode & 0o7777, uid, gid, mtime, origin }
  if (atime) entry.atime = atime
  if (ctime) entry.ctime = ctime
  let { size, devmajor: major, devminor: minor } = header
  if (records) {
    size = contentSize(header, records)
    major = integer(records, DEVICE_MAJOR) ?? major
    minor = integer(records, DEVICE_MINOR) ?? minor
    applyMetadata(entry, records)
    applyXattrs(entry, records, type, names)
    if (records.has('SCHILY.acl.ace')) entry.unsupported = NFS4_ACL
    applyFlags(entry, records.get(FFLAGS) ?? '', type)
  }
  if (names !== undefined) applyNames(entry, header, records, names)
  inRange('user id', entry.uid, 2 ** 32)
  inRange('group id', entry.gid, 2 ** 32)
  inRange('size', size, Number.MAX_SAFE_INTEGER)

  if (path === '' && type !== 'directory') throw new TarProblem(`the root is a ${type}, expected a directory`)
  if (sparse && type !== 'file') throw new TarProblem(`a sparse ${type}: expected a file`)
  if (type === 'file') {
    const archived = size - (sparse?.isMapInContent ? sparse.mapBytes : 0)
    entry.size = sparse?.size ?? size
    if (sparse) {
      inRange('size', sparse.size, Number.MAX_SAFE_INTEGER)
      entry.ranges = checkedRanges(sparse, archived)
    }
    entry.content = contentOf(path, archived)
  } else if (type === 'hardlink' && size !== 0) {
    throw new TarProblem(
      `a ${type} with ${counted(size, 'byte')} of content: expected none (tars disagree on whether content follows)`,
    )
  } else if (type === 'block' || type === 'character') {
    inRange('device major number', major, MAJOR_LIMIT)
    inRange('device minor number', minor, MINOR_LIMIT)
    entry.major = major
    entry.minor = minor
  } else if (type === 'symlink' || type === 'hardlink') {
    entry.target = linkTarget(type, pax?.linkpath || longLink || header.linkname)
  }
  return entry as SourceEntry
}

/** Bytes that follow the header. */
export function contentSize({ size }: TarHeader, records: Records | undefined): number {
  return (records && integer(records, 'size')) ?? size
}

/** The size of a sparse file of star, where it is larger than its header can say. */
export function starRealSize(records: Records | undefined): number | undefined {
  return records && integer(records, 'SCHILY.realsize')
}

function typeOf(typeflag: string, name: ByteString): TarEntryType {
  switch (typeflag) {
    case '0':
    case '7': // a file that should lie in one piece
    case 'S': // a sparse file of GNU tar or star
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

function refuseUnsupported(typeflag: string, pax: Records | undefined): void {
  const reason = UNSUPPORTED[typeflag]
  if (reason !== undefined) throw new TarProblem(`type ${JSON.stringify(typeflag)}: ${reason}`)
  if (!pax) return
  for (const keyword of pax.keys()) {
    if (keyword === 'SCHILY.realsize' && typeflag !== 'S') {
      throw new TarProblem(`pax record ${keyword}: a sparse file without its map`)
    }
    if (keyword.startsWith('GNU.volume.')) {
      throw new TarProblem(`pax record ${keyword}: archives of several volumes are not supported`)
    }
    if (keyword === 'GNU.dumpdir') {
      throw new TarProblem(`pax record ${keyword}: incremental archives are not supported`)
    }
  }
}

function applyMetadata(metadata: EntryMetadata, pax: Records): void {
  metadata.uid = integer(pax, 'uid') ?? metadata.uid
  metadata.gid = integer(pax, 'gid') ?? metadata.gid
  metadata.mtime = time(pax, 'mtime') ?? metadata.mtime
  const atime = time(pax, 'atime')
  const ctime = time(pax, 'ctime')
  const birthtime = time(pax, CREATION_TIME)
  if (atime) metadata.atime = atime
  if (ctime) metadata.ctime = ctime
  if (birthtime) metadata.birthtime = birthtime
}

/** The numbers that names stand for; those of the archive where they stand for none. */
function applyNames(
  metadata: EntryMetadata,
  header: TarHeader,
  pax: Records | undefined,
  { users, groups }: NameTables,
): void {
  metadata.uid = users.get(pax?.get('uname') || header.uname) ?? metadata.uid
  metadata.gid = groups.get(pax?.get('gname') || header.gname) ?? metadata.gid
}

/** An empty value takes the keyword back, so the header's own field counts. */
function integer(pax: Records, keyword: string): number | undefined {
  const value = pax.get(keyword)
  return value ? paxInteger(keyword, value) : undefined
}

function time(pax: Records, keyword: string): EntryMetadata['mtime'] | undefined {
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
    if (!(error instanceof EntryProblem)) throw error
    throw new TarProblem(`a hard link to ${JSON.stringify(toDisplay(target))}: ${error.message}`)
  }
}
