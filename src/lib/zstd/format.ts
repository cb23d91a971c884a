/**
 * The headers of Zstandard frames and of their blocks (RFC 8878, 3.1.1). The content of compressed blocks is left to
 * libzstd.
 */
import { type Codec, struct, u16, u32, u64, u8, viewOf } from '../struct.ts'

export const FRAME_MAGIC = 0xfd2fb528
/** Magic number of a skippable frame (3.1.2); its last four bits are free. */
const SKIPPABLE_MAGIC = 0x184d2a50
/** The one with which a seek table begins. */
export const SEEK_TABLE_MAGIC = SKIPPABLE_MAGIC + 0xe
/** No block holds more than this, compressed or not. (Block_Maximum_Size) */
export const BLOCK_MAXIMUM_SIZE = 128 * 1024

/** Bits of Frame_Header_Descriptor. */
const CONTENT_SIZE_SHIFT = 6
const SINGLE_SEGMENT = 0x20
const CONTENT_CHECKSUM = 0x04
const DICTIONARY_ID_MASK = 0x03

/** The start of a frame that decoders skip. `size` is that of the bytes behind it. */
export const SkippableFrameHeader = struct('Skippable_Frame', 8, { magic: u32, size: u32 })

export function isSkippableMagic(magic: number): boolean {
  return magic >>> 4 === SKIPPABLE_MAGIC >>> 4
}

/** The start of every frame. */
const FrameStart = struct('Magic_Number, Frame_Header_Descriptor', 5, { magic: u32, descriptor: u8 })

/**
 * The header that this project's frames have: one segment (the window is the content), a content size of 4
 * bytes, no dictionary, no checksum.
 */
const SingleSegmentHeader = struct('Frame_Header', 9, {
  magic: u32,
  descriptor: u8,
  contentSize: u32,
})
export const SINGLE_SEGMENT_HEADER_SIZE = SingleSegmentHeader.size

/** Writes the header of a frame of one segment. `contentSize` in bytes, below 4 GiB. */
export function writeSingleSegmentHeader(target: Uint8Array, at: number, contentSize: number): void {
  const descriptor = (2 << CONTENT_SIZE_SHIFT) | SINGLE_SEGMENT
  SingleSegmentHeader.write(viewOf(target), at, { magic: FRAME_MAGIC, descriptor, contentSize })
}

export interface FrameHeader {
  /** Bytes of the header, magic number included. */
  size: number
  /** Bytes the frame decompresses to, when the header says. */
  contentSize: number | undefined
  /** Bytes of history a decoder has to keep. */
  windowSize: number
  checksum: boolean
  dictionaryId: number
}

const NOTHING: Codec<number> = { size: 0, write: () => undefined, read: () => 0 }
/** Two bytes hold sizes from 256 on. (Frame_Content_Size) */
const u16From256: Codec<number> = {
  size: 2,
  write: (view, at, value) => u16.write(view, at, value - 256),
  read: (view, at) => u16.read(view, at) + 256,
}
const DICTIONARY_IDS = [NOTHING, u8, u16, u32]
const CONTENT_SIZES = [NOTHING, u16From256, u32, u64]

/** The rest of the header and the end of the frame, according to a Frame_Header_Descriptor. */
function readDescriptor(descriptor: number) {
  const singleSegment = (descriptor & SINGLE_SEGMENT) !== 0
  const sizeKind = descriptor >> CONTENT_SIZE_SHIFT
  return {
    window: singleSegment ? undefined : u8,
    dictionaryId: DICTIONARY_IDS[descriptor & DICTIONARY_ID_MASK],
    contentSize: sizeKind === 0 && singleSegment ? u8 : CONTENT_SIZES[sizeKind],
    hasContentSize: singleSegment || sizeKind > 0,
    checksum: (descriptor & CONTENT_CHECKSUM) !== 0,
  }
}

/** Bytes of a frame's header behind its descriptor, and bytes of the checksum behind its last block. */
export function sizesOf(descriptor: number): { restOfHeader: number; checksum: number } {
  const { window, dictionaryId, contentSize, checksum } = readDescriptor(descriptor)
  return {
    restOfHeader: (window?.size ?? 0) + dictionaryId.size + contentSize.size,
    checksum: checksum ? u32.size : 0,
  }
}

/**
 * Reads the header of the frame that begins at `at`.
 *
 * @throws RangeError when it is cut off or no Zstandard frame begins there
 */
export function readFrameHeader(bytes: Uint8Array, at = 0): FrameHeader {
  const { magic, descriptor } = FrameStart.decode(bytes, at)
  if (magic !== FRAME_MAGIC) {
    throw new RangeError(
      `expected a zstd frame (magic 0x${FRAME_MAGIC.toString(16)}) at ${at}, found 0x${magic.toString(16)}`,
    )
  }
  const view = viewOf(bytes)
  let end = at + FrameStart.size
  const next = (codec: Codec<number>): number => {
    const value = codec.read(view, end)
    end += codec.size
    return value
  }
  const fields = readDescriptor(descriptor)
  const window = fields.window && windowSizeOf(next(fields.window))
  const dictionaryId = next(fields.dictionaryId)
  const contentSize = fields.hasContentSize ? next(fields.contentSize) : undefined
  return {
    size: end - at,
    contentSize,
    windowSize: window ?? contentSize!,
    checksum: fields.checksum,
    dictionaryId,
  }
}

/** Window_Descriptor: a power of two from 1 KiB on, plus eighths of it. */
function windowSizeOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

export const BLOCK_TYPES = ['raw', 'rle', 'compressed', 'reserved'] as const
export type BlockType = (typeof BLOCK_TYPES)[number]

export interface BlockHeader {
  last: boolean
  type: BlockType
  /** Block_Size: bytes of the content of an RLE block, bytes that follow the header otherwise. */
  size: number
}

/** Block_Header: 24 bits, of which the lowest marks the last block of a frame. */
export const BlockHeader: Codec<BlockHeader> = {
  size: 3,
  write(view, at, { last, type, size }) {
    const value = Number(last) | (BLOCK_TYPES.indexOf(type) << 1) | (size << 3)
    u16.write(view, at, value & 0xffff)
    u8.write(view, at + u16.size, value >>> 16)
  },
  read: (view, at) => blockHeaderOf(u16.read(view, at) | (u8.read(view, at + u16.size) << 16)),
}

/** The block header whose 24 bits these are. */
export function blockHeaderOf(value: number): BlockHeader {
  return { last: (value & 1) !== 0, type: BLOCK_TYPES[(value >> 1) & 3], size: value >>> 3 }
}

/** Bytes that follow the header of a block in the frame. */
export function blockBodySize({ type, size }: BlockHeader): number {
  return type === 'rle' ? 1 : size
}

/**
 * The size of the frame that begins at `at`, header and checksum included, found by walking its blocks. What
 * follows it (another frame, the padding of an extent) does not matter.
 *
 * @throws RangeError when it is cut off or no Zstandard frame begins there
 */
export function readFrameSize(bytes: Uint8Array, at = 0): number {
  const { size, checksum } = readFrameHeader(bytes, at)
  const view = viewOf(bytes)
  let end = at + size
  for (let last = false; !last;) {
    const header = BlockHeader.read(view, end)
    last = header.last
    end += BlockHeader.size + blockBodySize(header)
  }
  if (checksum) end += u32.size
  if (end > bytes.length) {
    throw new RangeError(`zstd frame at ${at}: expected ${end - at} bytes, found ${bytes.length - at}`)
  }
  return end - at
}
