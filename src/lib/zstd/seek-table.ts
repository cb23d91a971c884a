/**
 * The seek table at the end of a Zstandard file: the sizes of its frames, in a skippable frame (RFC 8878,
 * 3.1.2; Zstandard Seekable Format, version 0.1.0).
 */
import { CorruptError } from '../errors.ts'
import { type Codec, struct, u32, u8, viewOf } from '../struct.ts'
import { SEEK_TABLE_MAGIC, SkippableFrameHeader } from './format.ts'
import type { FrameSizes } from './frame-blocks.ts'

const SEEKABLE_MAGIC = 0x8f92eab1
/** Seek_Table_Descriptor: each entry ends in a checksum. */
const CHECKSUM_FLAG = 0x80

const SeekTableEntry = struct('Seek_Table_Entry', 8, { compressed: u32, content: u32 })
const CheckedEntry = struct('Seek_Table_Entry', 12, { compressed: u32, content: u32, checksum: u32 })
const SeekTableFooter = struct('Seek_Table_Footer', 9, { frames: u32, descriptor: u8, magic: u32 })

/** The entry of a frame in a seek table. */
export interface SeekTableFrame extends FrameSizes {
  /** Of its content, in tables that have it: the lowest 32 bits of xxhash64. */
  checksum?: number
}

/** Bytes at the end of a file that give the length of its seek table. */
export const SEEK_TABLE_FOOTER_SIZE = SeekTableFooter.size

/** The seek table of a file with `count` frames, in order. */
export function encodeSeekTable(count: number, frames: Iterable<FrameSizes>): Uint8Array {
  const bytes = new Uint8Array(SkippableFrameHeader.size + count * SeekTableEntry.size + SeekTableFooter.size)
  const view = viewOf(bytes)
  let at = 0
  const append = <T>(codec: Codec<T>, value: T) => {
    codec.write(view, at, value)
    at += codec.size
  }
  append(SkippableFrameHeader, { magic: SEEK_TABLE_MAGIC, size: bytes.length - SkippableFrameHeader.size })
  for (const sizes of frames) append(SeekTableEntry, sizes)
  append(SeekTableFooter, { frames: count, descriptor: 0, magic: SEEKABLE_MAGIC })
  return bytes
}

/** The size of the seek table whose last bytes these are, in bytes, or undefined when they are of none. */
export function seekTableSize(tail: Uint8Array): number | undefined {
  if (tail.length < SeekTableFooter.size) return undefined
  const { frames, descriptor, magic } = SeekTableFooter.decode(tail, tail.length - SeekTableFooter.size)
  if (magic !== SEEKABLE_MAGIC) return undefined
  return SkippableFrameHeader.size + frames * entryOf(descriptor).size + SeekTableFooter.size
}

/**
 * Reads a whole seek table, `seekTableSize` bytes.
 *
 * @param offset where it begins in its file, for messages
 * @throws CorruptError
 */
export function decodeSeekTable(bytes: Uint8Array, offset = 0): SeekTableFrame[] {
  const found = seekTableSize(bytes)
  if (found !== bytes.length) {
    throw new CorruptError('seek table size', offset, { expected: bytes.length, found })
  }
  const header = SkippableFrameHeader.decode(bytes)
  const expected = { magic: SEEK_TABLE_MAGIC, size: bytes.length - SkippableFrameHeader.size }
  if (header.magic !== expected.magic || header.size !== expected.size) {
    throw new CorruptError('seek table header', offset, {
      expected: `magic ${expected.magic}, size ${expected.size}`,
      found: `magic ${header.magic}, size ${header.size}`,
    })
  }
  const { frames, descriptor } = SeekTableFooter.decode(bytes, bytes.length - SeekTableFooter.size)
  const Entry = entryOf(descriptor)
  return Array.from({ length: frames }, (_, i) =>
    Entry.decode(bytes, SkippableFrameHeader.size + i * Entry.size),
  )
}

function entryOf(descriptor: number) {
  return (descriptor & CHECKSUM_FLAG) === 0 ? SeekTableEntry : CheckedEntry
}
