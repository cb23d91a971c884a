/**
 * Makes tar archives (POSIX pax) of anything a tree can hold, for tests. It shares no code with the reader in
 * src/sources, and GNU tar and Python read what it makes (see build-tar.test.ts).
 */
import { fromText, toBytes, writeBytes, type ByteString, toLatin1 } from '../../src/lib/byte-string.ts'
import type { Timestamp, Xattr } from '../../src/file-tree/entry.ts'
import { mapOf, pick, sparseBlocks, type SparseFormat, type SparseMap } from './build-sparse.ts'

/** What an entry is unless told: mode 0o755 for a directory and 0o644 for others, owner 0:0, mtime 0. */
export type TarInput = {
  /** As bytes, without a leading slash; '' is the root, written as `./`. */
  path: ByteString
  mode?: number
  uid?: number
  gid?: number
  mtime?: Timestamp
  atime?: Timestamp
  ctime?: Timestamp
  birthtime?: Timestamp
  xattrs?: readonly Xattr[]
  /** More pax records for this entry, as they are. */
  pax?: Record<string, ByteString>
} & (
  | { type: 'directory' }
  | {
      type: 'file'
      /** Text is taken as UTF-8. */
      content?: Uint8Array | string
      /** Written as a sparse file in this format: without blocks of zeros, or what `sparseMap` says. */
      sparse?: SparseFormat
      sparseMap?: SparseMap
    }
  | { type: 'symlink' | 'hardlink'; target: ByteString }
  | { type: 'fifo' }
  | { type: 'block' | 'character'; major: number; minor: number }
)

const TYPEFLAG = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
}

/** The whole archive, ended by two blocks of zeros. */
export function buildTar(entries: readonly TarInput[]): Uint8Array {
  return joinBlocks([...entries.map(tarEntry), endOfArchive])
}

export const endOfArchive: Uint8Array = new Uint8Array(1024)

/** One entry with its pax header, if it needs one, and its content. */
export function tarEntry(input: TarInput): Uint8Array {
  const { entry, map } = withoutHoles(input)
  const name = entry.type === 'directory' ? `${entry.path === '' ? '.' : entry.path}/` : entry.path
  const target = 'target' in entry ? entry.target : ''
  const content = entry.type === 'file' ? contentOf(entry.content) : new Uint8Array(0)
  const mtime = entry.mtime ?? { sec: 0, nsec: 0 }
  const { major, minor } = 'major' in entry ? entry : { major: 0, minor: 0 }

  const records: [string, ByteString][] = []
  const number = (key: string, value: number, limit: number): number => {
    if (value < limit) return value
    records.push([key, String(value)])
    return 0
  }
  const text = (key: string, value: ByteString): ByteString => {
    if (value.length <= 100 && /^[\x20-\x7e]*$/.test(toLatin1(value))) return value
    records.push([key, value])
    return value.slice(0, 100).replace(/[^\x20-\x7e]/g, '_')
  }

  const fields: UstarFields = {
    typeflag: TYPEFLAG[entry.type],
    name: text('path', name),
    linkname: text('linkpath', target),
    mode: entry.mode ?? (entry.type === 'directory' ? 0o755 : 0o644),
    uid: number('uid', entry.uid ?? 0, 0o10000000),
    gid: number('gid', entry.gid ?? 0, 0o10000000),
    size: number('size', content.length, 0o100000000000),
    mtime: Math.min(Math.max(0, mtime.sec), 0o77777777777),
    devmajor: number('SCHILY.devmajor', major, 0o10000000),
    devminor: number('SCHILY.devminor', minor, 0o10000000),
  }
  if (mtime.nsec !== 0 || mtime.sec !== fields.mtime) records.push(['mtime', paxTime(mtime)])
  if (entry.atime) records.push(['atime', paxTime(entry.atime)])
  if (entry.ctime) records.push(['ctime', paxTime(entry.ctime)])
  if (entry.birthtime) records.push(['LIBARCHIVE.creationtime', paxTime(entry.birthtime)])
  for (const { name, value } of entry.xattrs ?? []) {
    // As GNU tar escapes them: a keyword cannot hold "=".
    const escaped = name.replaceAll('%', '%25').replaceAll('=', '%3D')
    records.push([`SCHILY.xattr.${escaped}`, binary(value)])
  }
  for (const [key, value] of Object.entries(entry.pax ?? {})) records.push([key, value])

  if (map !== undefined) return joinBlocks(sparseBlocks(map, records, fields, content))
  const pax = records.length === 0 ? [] : [paxHeader('x', records)]
  return joinBlocks([...pax, ustarHeader(fields), content])
}

/** The entry with what the archive has of its content. */
function withoutHoles(input: TarInput): { entry: TarInput; map?: SparseMap & { format: SparseFormat } } {
  if (input.type !== 'file' || input.sparse === undefined) return { entry: input }
  const content = contentOf(input.content)
  const map = input.sparseMap ?? mapOf(content)
  const data = input.sparseMap ? content : pick(content, map)
  return { entry: { ...input, content: data }, map: { ...map, format: input.sparse } }
}

/** A pax header (`x` for the next entry, `g` for all that follow) with its records. */
export function paxHeader(
  typeflag: 'x' | 'g',
  records: readonly (readonly [string, ByteString])[],
): Uint8Array {
  const body = toBytes(records.map(([key, value]) => paxRecord(key, value)).join(''))
  return joinBlocks([ustarHeader({ typeflag, name: 'pax_header', mode: 0o644, size: body.length }), body])
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
export function paxRecord(key: ByteString, value: ByteString): ByteString {
  const rest = ` ${key}=${value}\n`
  let length = rest.length
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length
  return `${length}${rest}`
}

/** A time as a decimal number; nanoseconds count forwards, so -1 s and 900,000,000 ns is -0.1. */
export function paxTime({ sec, nsec }: Timestamp): string {
  const negative = sec < 0
  const whole = negative && nsec > 0 ? sec + 1 : sec
  const fraction = negative && nsec > 0 ? 1_000_000_000 - nsec : nsec
  const digits = fraction === 0 ? '' : `.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`
  return `${negative ? '-' : ''}${Math.abs(whole)}${digits}`
}

export interface UstarFields {
  typeflag: string
  name: ByteString
  linkname?: ByteString
  mode?: number
  uid?: number
  gid?: number
  size?: number
  mtime?: number
  devmajor?: number
  devminor?: number
  prefix?: ByteString
  /** Magic and version, 8 bytes: POSIX when absent, `ustar  \0` for GNU, '' for archives before ustar. */
  magic?: ByteString
  /** Bytes to put over the finished header before its checksum is made, by offset. */
  raw?: Record<number, ByteString>
}

/** One header block with a right checksum. */
export function ustarHeader(fields: UstarFields): Uint8Array {
  const block = new Uint8Array(512)
  const octal = (at: number, length: number, value = 0) =>
    writeBytes(block, at, `${value.toString(8).padStart(length - 1, '0')}\0`)
  writeBytes(block, 0, fields.name)
  octal(100, 8, fields.mode)
  octal(108, 8, fields.uid)
  octal(116, 8, fields.gid)
  octal(124, 12, fields.size)
  octal(136, 12, fields.mtime)
  writeBytes(block, 156, fields.typeflag)
  writeBytes(block, 157, fields.linkname ?? '')
  const magic = fields.magic ?? 'ustar\x0000'
  writeBytes(block, 257, magic)
  if (magic !== '') {
    octal(329, 8, fields.devmajor)
    octal(337, 8, fields.devminor)
    writeBytes(block, 345, fields.prefix ?? '')
  }
  for (const [at, value] of Object.entries(fields.raw ?? {})) writeBytes(block, Number(at), value)
  sealHeader(block)
  return block
}

/** Puts the checksum into a header block. */
export function sealHeader(block: Uint8Array): void {
  writeBytes(block, 148, '        ')
  const sum = block.reduce((total, byte) => total + byte, 0)
  writeBytes(block, 148, `${sum.toString(8).padStart(6, '0')}\0 `)
}

/** The parts one after the other, each padded with zeros to whole blocks of 512 bytes. */
export function joinBlocks(parts: readonly Uint8Array[]): Uint8Array {
  const whole = (part: Uint8Array) => Math.ceil(part.length / 512) * 512
  const out = new Uint8Array(parts.reduce((total, part) => total + whole(part), 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += whole(part)
  }
  return out
}

function contentOf(content: Uint8Array | string | undefined): Uint8Array {
  return typeof content === 'string' ? toBytes(fromText(content)) : (content ?? new Uint8Array(0))
}

function binary(value: Uint8Array): ByteString {
  return Array.from(value, (byte) => String.fromCharCode(byte)).join('')
}
