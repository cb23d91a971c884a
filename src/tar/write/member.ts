/** Encodes the headers of one entry: its pax records, if it needs any, and the header block. */
import type { EntryMetadata, InodeFlag, Timestamp, Xattr } from '../../file-tree/entry.ts'
import { contentLength, type DataRange } from '../../file-tree/file-content.ts'
import { fromBytes, toBytes, toLatin1, toText, type ByteString } from '../../lib/byte-string.ts'
import { equalBytes } from '../../lib/equal-bytes.ts'
import { paddingOf } from '../format.ts'
import { aclFromText, aclToText } from '../acl-text.ts'
import {
  ACL,
  CREATION_TIME,
  DEVICE_MAJOR,
  DEVICE_MINOR,
  escapeKeyword,
  FFLAGS,
  GNU_SPARSE,
  SCHILY_XATTR,
} from '../records.ts'
import { LIMIT, splitName, ustarHeader } from './header.ts'
import { joinRecords, formatPaxTime } from './pax.ts'

/** An entry of an archive, without its content. A SourceEntry is one, unless it is a socket. */
export type TarMember = EntryMetadata & { path: ByteString } & (
    | { type: 'directory' | 'fifo' }
    | { type: 'file'; size: number; ranges?: readonly DataRange[] | undefined }
    | { type: 'symlink' | 'hardlink'; target: ByteString }
    | { type: 'block' | 'character'; major: number; minor: number }
  )

const TYPEFLAG: Record<TarMember['type'], string> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
}

/** As libarchive names them. */
const FLAG_WORD: Record<InodeFlag, string> = {
  append: 'sappnd',
  immutable: 'schg',
  noatime: 'noatime',
  nodump: 'nodump',
  sync: 'sync',
}

type Records = [keyword: ByteString, value: ByteString][]

/** Records that are text in UTF-8, or else bytes. */
const NAMES = new Set(['path', 'linkpath', `${GNU_SPARSE}name`])

/** Characters that every tar takes as they are. */
const ASCII = /^[\x00-\x7f]*$/

/** All that comes before the content: whole blocks. */
export function memberHeader(member: TarMember): Uint8Array {
  const { type } = member
  const path = member.path === '' ? './' : type === 'directory' ? `${member.path}/` : member.path
  const target = type === 'symlink' || type === 'hardlink' ? member.target : ''
  const ranges = type === 'file' ? member.ranges : undefined
  const map = ranges && sparseMap((member as { size: number }).size, ranges)
  const content = type === 'file' ? contentLength(member) : 0

  const records: Records = []
  const number = (keyword: string, value: number, limit: number): number => {
    if (value < limit) return value
    records.push([keyword, String(value)])
    return 0
  }
  const { major, minor } = type === 'block' || type === 'character' ? member : { major: 0, minor: 0 }
  let name = splitName(path)
  if (map !== undefined) {
    sparseRecords(records, path, (member as { size: number }).size)
    name = standIn('GNUSparseFile.0/', path)
  } else if (name === undefined || !ASCII.test(toLatin1(path))) {
    records.push(['path', path])
    name = standIn('', path)
  }
  let linkname = target
  if (target.length > LIMIT.linkname || !ASCII.test(toLatin1(target))) {
    records.push(['linkpath', target])
    linkname = plain(target).slice(0, LIMIT.linkname)
  }
  const fields = {
    prefix: name.prefix,
    name: name.name,
    linkname,
    typeflag: TYPEFLAG[type],
    mode: member.mode,
    uid: number('uid', member.uid, LIMIT.id),
    gid: number('gid', member.gid, LIMIT.id),
    size: number('size', content + (map?.length ?? 0), LIMIT.size),
    mtime: Math.min(Math.max(0, member.mtime.sec), LIMIT.size - 1),
    devmajor: number(DEVICE_MAJOR, major, LIMIT.id),
    devminor: number(DEVICE_MINOR, minor, LIMIT.id),
  }
  // The first name of the inode has the rest.
  if (type !== 'hardlink') metadataRecords(records, member)
  const header = ustarHeader(fields)
  const extension = records.length === 0 ? [] : extendedHeader(path, records)
  return extension.length === 0 && map === undefined
    ? header
    : joined([...extension, header, ...(map ? [map] : [])])
}

function metadataRecords(records: Records, member: TarMember): void {
  const { mtime, atime = mtime, ctime = mtime, birthtime = mtime } = member
  if (mtime.nsec !== 0 || mtime.sec < 0 || mtime.sec >= LIMIT.size)
    records.push(['mtime', formatPaxTime(mtime)])
  // Readers take a time that is not given for the time of modification.
  if (!sameTime(atime, mtime)) records.push(['atime', formatPaxTime(atime)])
  if (!sameTime(ctime, mtime)) records.push(['ctime', formatPaxTime(ctime)])
  if (!sameTime(birthtime, mtime)) records.push([CREATION_TIME, formatPaxTime(birthtime)])
  for (const xattr of member.xattrs ?? []) records.push(xattrRecord(xattr, member))
  if (member.flags ?? member.nodatacow) {
    const words = (member.flags ?? []).map((flag) => FLAG_WORD[flag])
    records.push([FFLAGS, [...words, ...(member.nodatacow ? ['nocow'] : [])].join(',')])
  }
}

function sameTime(a: Timestamp, b: Timestamp): boolean {
  return a.sec === b.sec && a.nsec === b.nsec
}

/** ACLs go as text, which other tars understand, when that says all of them. */
function xattrRecord({ name, value }: Xattr, { mode }: TarMember): [ByteString, ByteString] {
  for (const kind of ['access', 'default'] as const) {
    const text = name === `system.posix_acl_${kind}` ? exactAclText(value, kind, mode) : undefined
    if (text !== undefined) return [ACL[kind], text]
  }
  return [`${SCHILY_XATTR}${escapeKeyword(name)}`, fromBytes(value)]
}

function exactAclText(value: Uint8Array, kind: 'access' | 'default', mode: number): string | undefined {
  try {
    const text = aclToText(value)
    const acl = aclFromText(text, kind)
    if (acl?.value === undefined || !equalBytes(acl.value, value)) return undefined
    return kind === 'default' || acl.permissions === (mode & 0o777) ? text : undefined
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** GNU's pax format 1.0 (GNU tar's manual, "Storing Sparse Files"). */
function sparseRecords(records: Records, path: ByteString, size: number): void {
  records.push(
    [`${GNU_SPARSE}major`, '1'],
    [`${GNU_SPARSE}minor`, '0'],
    [`${GNU_SPARSE}name`, path],
    [`${GNU_SPARSE}realsize`, String(size)],
  )
}

/** The map of a sparse file, in whole blocks before its content. */
function sparseMap(size: number, ranges: readonly DataRange[]): Uint8Array {
  const pairs = ranges.map(({ offset, length }) => `${offset}\n${length}\n`)
  const last = ranges.at(-1)
  // GNU tar makes the file as long as this says.
  if (last === undefined || last.offset + last.length < size) pairs.push(`${size}\n0\n`)
  return blocks(toBytes(`${pairs.length}\n${pairs.join('')}`))
}

/** The header block of a pax header, and the records in whole blocks. */
function extendedHeader(path: ByteString, records: Records): Uint8Array[] {
  // Names that are not UTF-8 are bytes, as said by this record.
  const areText = records.every(
    ([keyword, value]) => !NAMES.has(toLatin1(keyword)) || toText(value) !== undefined,
  )
  const body = joinRecords(areText ? records : [['hdrcharset', 'BINARY'], ...records])
  const { prefix, name } = standIn('PaxHeaders/', path)
  const header = ustarHeader({
    prefix,
    name,
    linkname: '',
    typeflag: 'x',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.length,
    mtime: 0,
    devmajor: 0,
    devminor: 0,
  })
  return [header, blocks(body)]
}

/** A name for tars that do not read pax records. */
function standIn(folder: string, path: ByteString): { prefix: ByteString; name: ByteString } {
  const last = plain(path.replace(/\/$/, '').replace(/^.*\//s, ''))
  return { prefix: '', name: `${folder}${last}`.slice(0, LIMIT.name) }
}

function plain(name: ByteString): string {
  return name.replace(/[^\x20-\x7e]/g, '_')
}

/** With zeros to whole blocks. */
function blocks(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.length + paddingOf(bytes.length))
  whole.set(bytes)
  return whole
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
