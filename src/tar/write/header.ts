/** Writes the header block of a tar archive (POSIX ustar). */
import { writeBytes, type ByteString } from '../../lib/byte-string.ts'
import { BLOCK, POSIX, type HeaderField } from '../format.ts'

export interface UstarFields {
  prefix: ByteString
  name: ByteString
  linkname: ByteString
  /** One character. */
  typeflag: string
  mode: number
  uid: number
  gid: number
  /** Bytes that follow. */
  size: number
  /** Seconds since 1970. */
  mtime: number
  devmajor: number
  devminor: number
}

const bytesOf = ({ start, end }: HeaderField) => end - start

/** Capacity of the fields: bytes of text; for numbers, the least that does not fit. */
export const LIMIT = {
  name: bytesOf(POSIX.name),
  linkname: bytesOf(POSIX.linkname),
  /** Octal digits and a NUL. */
  id: 8 ** (bytesOf(POSIX.uid) - 1),
  size: 8 ** (bytesOf(POSIX.size) - 1),
}

const SLASH = 0x2f

/** The two fields of a long name; undefined when it has no slash in the right place. */
export function splitName(path: ByteString): { prefix: ByteString; name: ByteString } | undefined {
  if (path.length <= LIMIT.name) return { prefix: '', name: path }
  // The first slash that leaves few enough bytes behind it; that which ends the name of a directory is no place.
  let slash = path.length - LIMIT.name - 1
  while (slash < path.length - 1 && path.charCodeAt(slash) !== SLASH) slash++
  if (slash === 0 || slash >= path.length - 1 || slash > bytesOf(POSIX.prefix)) return undefined
  return { prefix: path.slice(0, slash), name: path.slice(slash + 1) }
}

export function ustarHeader(fields: UstarFields): Uint8Array {
  const block = new Uint8Array(BLOCK)
  text(block, POSIX.name, fields.name)
  octal(block, POSIX.mode, fields.mode)
  octal(block, POSIX.uid, fields.uid)
  octal(block, POSIX.gid, fields.gid)
  octal(block, POSIX.size, fields.size)
  octal(block, POSIX.mtime, fields.mtime)
  text(block, POSIX.typeflag, fields.typeflag)
  text(block, POSIX.linkname, fields.linkname)
  text(block, POSIX.magic, 'ustar\0')
  text(block, POSIX.version, '00')
  octal(block, POSIX.devmajor, fields.devmajor)
  octal(block, POSIX.devminor, fields.devminor)
  text(block, POSIX.prefix, fields.prefix)
  seal(block)
  return block
}

function text(block: Uint8Array, { start }: HeaderField, value: ByteString): void {
  writeBytes(block, start, value)
}

/** Octal digits with leading zeros, and a NUL. */
function octal(block: Uint8Array, { start, end }: HeaderField, value: number): void {
  let rest = value
  for (let at = end - 2; at >= start; at--) {
    const higher = Math.floor(rest / 8)
    block[at] = 0x30 + (rest - higher * 8)
    rest = higher
  }
}

/** The checksum: the sum of all bytes, those of the checksum taken as spaces; six digits, a NUL and a space. */
function seal(block: Uint8Array): void {
  const { start, end } = POSIX.chksum
  block.fill(0x20, start, end)
  let sum = 0
  for (let i = 0; i < BLOCK; i++) sum += block[i]
  octal(block, { ...POSIX.chksum, end: end - 1 }, sum)
  block[end - 2] = 0
  block[end - 1] = 0x20
}
