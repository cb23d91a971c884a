/**
 * Reads the header block of a tar archive: POSIX ustar, GNU's variant of it with numbers in base 256, and the V7
 * one before them. Bytes only; the flow is in entries.ts.
 */
import { fromBytes, toDisplay, type ByteString } from '../../lib/byte-string.ts'
import type { Timestamp } from '../../file-tree/entry.ts'
import { EntryProblem } from '../../file-tree/entry-problem.ts'
import { BLOCK, OLD_GNU, POSIX, STAR, type HeaderField } from '../format.ts'

/** A header or a record that breaks the format; the reader adds source, entry and offset. */
export class TarProblem extends EntryProblem {}

/** Whether 512 bytes at `at` are all zero: two such blocks end an archive. */
export function isZeroBlock(block: Uint8Array, at: number): boolean {
  for (let i = at; i < at + BLOCK; i++) if (block[i] !== 0) return false
  return true
}

/** A header block. Its names are read when they are asked for, as extended headers mostly say them anyway. */
export class TarHeader {
  readonly #block: Uint8Array
  readonly #at: number
  readonly #dialect: Dialect
  /** One character; '\0' in old archives for a regular file. */
  readonly typeflag: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of content that follow the header. */
  readonly size: number
  readonly mtime: Timestamp
  /** Only in archives of star, and of GNU tar's `--incremental`. */
  readonly atime: Timestamp | undefined
  readonly ctime: Timestamp | undefined
  /** 0 unless the entry is a device. */
  readonly devmajor: number
  readonly devminor: number

  /**
   * Reads the header at `at`, which must have 512 bytes.
   *
   * @param view the same bytes as `block`
   * @throws TarProblem when the checksum or a number is wrong
   */
  constructor(block: Uint8Array, view: DataView, at: number) {
    verifyChecksum(block, view, at)
    this.#block = block
    this.#at = at
    this.#dialect = dialectOf(block, at)
    this.typeflag = String.fromCharCode(block[at + POSIX.typeflag.start])
    this.mode = number(block, at, POSIX.mode)
    this.uid = number(block, at, POSIX.uid)
    this.gid = number(block, at, POSIX.gid)
    this.size = number(block, at, POSIX.size)
    this.mtime = { sec: number(block, at, POSIX.mtime), nsec: 0 }
    const times = this.isGnu ? OLD_GNU : this.isStar ? STAR : undefined
    this.atime = times && optionalTime(block, at, times.atime)
    this.ctime = times && optionalTime(block, at, times.ctime)
    const isDevice = this.typeflag === '3' || this.typeflag === '4'
    this.devmajor = isDevice ? number(block, at, POSIX.devmajor) : 0
    this.devminor = isDevice ? number(block, at, POSIX.devminor) : 0
  }

  /** Whether the rest of the block is as GNU tar has it. */
  get isGnu(): boolean {
    return this.#dialect === 'gnu'
  }

  /** Whether it is as star has it. */
  get isStar(): boolean {
    return this.#dialect === 'star'
  }

  /** With the prefix. Like `linkname`, to be asked for while the block is unchanged. */
  get name(): ByteString {
    const name = text(this.#block, this.#at, POSIX.name)
    const prefix = this.#prefix
    return prefix === '' ? name : `${prefix}/${name}`
  }

  /** Names of the owner and the group; empty in archives before ustar. */
  get uname(): ByteString {
    return this.#dialect === 'v7' ? '' : text(this.#block, this.#at, POSIX.uname)
  }

  get gname(): ByteString {
    return this.#dialect === 'v7' ? '' : text(this.#block, this.#at, POSIX.gname)
  }

  get #prefix(): ByteString {
    if (this.#dialect === 'posix') return text(this.#block, this.#at, POSIX.prefix)
    return this.#dialect === 'star' ? text(this.#block, this.#at, STAR.prefix) : ''
  }

  get linkname(): ByteString {
    return text(this.#block, this.#at, POSIX.linkname)
  }
}

type Dialect = 'posix' | 'gnu' | 'star' | 'v7'

/**
 * `ustar\0` is POSIX, or star where there are two times at its end; `ustar  \0` (magic and version together) is GNU, anything
 * else older than both.
 */
function dialectOf(block: Uint8Array, at: number): Dialect {
  if (!isUstar(block, at)) return 'v7'
  if (block[at + POSIX.magic.start + 5] === 0x20) return 'gnu'
  const isStar =
    block[at + STAR.prefix.end - 1] === 0 && isTime(block, at, STAR.atime) && isTime(block, at, STAR.ctime)
  return isStar ? 'star' : 'posix'
}

/** Octal digits with a space at the end. (decode_header in GNU tar's list.c) */
function isTime(block: Uint8Array, at: number, { start, end }: HeaderField): boolean {
  const digit = block[at + start]
  return digit >= 0x30 && digit <= 0x37 && block[at + end - 1] === 0x20
}

/** Whether the block at `at` is a header of POSIX or GNU. */
export function isUstar(block: Uint8Array, at: number): boolean {
  const { start } = POSIX.magic
  return (
    block[at + start] === 0x75 &&
    block[at + start + 1] === 0x73 &&
    block[at + start + 2] === 0x74 &&
    block[at + start + 3] === 0x61 &&
    block[at + start + 4] === 0x72
  )
}

/** Whether the block at `at` is the header of an entry. */
export function hasValidChecksum(block: Uint8Array, view: DataView, at: number): boolean {
  try {
    verifyChecksum(block, view, at)
    return true
  } catch (error) {
    if (!(error instanceof TarProblem)) throw error
    return false
  }
}

/** The sum of all bytes with the checksum itself taken as spaces; some old tars added signed bytes. */
function verifyChecksum(block: Uint8Array, view: DataView, at: number): void {
  const { start, end } = POSIX.chksum
  const expected = number(block, at, POSIX.chksum)
  // Four bytes at a time, in two sums of 16 bits: they have room for 256 bytes each.
  let sums = 0
  for (let i = at; i < at + BLOCK; i += 4) {
    const four = view.getInt32(i)
    sums = (sums + (four & 0x00ff00ff) + ((four >>> 8) & 0x00ff00ff)) | 0
  }
  let sum = (sums >>> 16) + (sums & 0xffff)
  for (let i = at + start; i < at + end; i++) sum += 0x20 - block[i]
  if (sum === expected) return

  let signed = sum
  for (let i = at; i < at + start; i++) if (block[i] >= 0x80) signed -= 0x100
  for (let i = at + end; i < at + BLOCK; i++) if (block[i] >= 0x80) signed -= 0x100
  if (signed !== expected) {
    throw new TarProblem(
      `bad header checksum: expected 0o${sum.toString(8)}, found 0o${expected.toString(8)} (damaged, or not a tar archive)`,
    )
  }
}

/** Text up to a NUL, or the whole field. */
function text(block: Uint8Array, at: number, { start, end }: HeaderField): ByteString {
  const from = at + start
  if (block[from] === 0) return ''
  let to = from + 1
  while (to < at + end && block[to] !== 0) to++
  return fromBytes(block, from, to)
}

/** A number in a field of the formats built upon this one, of `length` bytes from `start` on. */
export function readNumber(block: Uint8Array, start: number, length: number, name: string): number {
  return number(block, start, { name, start: 0, end: length })
}

/** Octal digits between spaces or NULs, nothing at all for 0, or GNU's base 256. */
function number(block: Uint8Array, at: number, field: HeaderField): number {
  const end = at + field.end
  let i = at + field.start
  if (block[i] >= 0x80) return base256(block, i, end, field.name)
  while (i < end && block[i] === 0x20) i++
  let value = 0
  for (; i < end; i++) {
    const digit = block[i] - 0x30
    if (digit < 0 || digit > 7) break
    value = value * 8 + digit
  }
  if (i < end && block[i] !== 0x20 && block[i] !== 0) {
    const found = toDisplay(fromBytes(block, at + field.start, end))
    const hint = field === POSIX.chksum ? ' (damaged, or not a tar archive)' : ''
    throw new TarProblem(
      `bad number in header field ${field.name}: expected octal digits, found "${found}"${hint}`,
    )
  }
  return value
}

/** Big-endian two's complement; the topmost bit only marks the format, the one below it is the sign. */
function base256(block: Uint8Array, start: number, end: number, name: string): number {
  let value = BigInt.asIntN(7, BigInt(block[start]))
  for (let i = start + 1; i < end; i++) value = (value << 8n) | BigInt(block[i])
  const result = Number(value)
  if (!Number.isSafeInteger(result)) {
    throw new TarProblem(`bad number in header field ${name}: expected a value below 2^53, found ${value}`)
  }
  return result
}

function optionalTime(block: Uint8Array, at: number, field: HeaderField): Timestamp | undefined {
  return block[at + field.start] === 0 ? undefined : { sec: number(block, at, field), nsec: 0 }
}
