/** The extents of files, as their items describe them. (struct btrfs_file_extent_item) */
import type { DataRange } from '../../file-tree/file-content.ts'
import {
  COMPRESS_LZO,
  COMPRESS_NONE,
  COMPRESS_ZLIB,
  COMPRESS_ZSTD,
  FILE_EXTENT_INLINE,
  FILE_EXTENT_PREALLOC,
  FILE_EXTENT_REG,
  FileExtentHead,
  FileExtentTail,
  looseU64,
  MAX_COMPRESSED_RAM_BYTES,
} from '../format.ts'
import { itemFault, type TreeBlock } from './tree-block.ts'

/** One run of a file's content. Sizes and addresses in bytes. */
export interface FileExtent {
  type: 'inline' | 'regular' | 'prealloc'
  /** Offset in the file. */
  fileOffset: number
  /** How much of the file it is. (num_bytes; of an inline extent ram_bytes) */
  length: number
  compression: 'none' | 'zlib' | 'lzo' | 'zstd'
  generation: number
  /** All that it decompresses to, of which the file may have a part. */
  ramBytes: number
  /** Logical address of the extent; 0 is a hole, as inline extents have it. */
  diskBytenr: number
  diskNumBytes: number
  /** Offset of the file's part in the (decompressed) extent. */
  offset: number
  /** The stored bytes of an inline extent. */
  data: Uint8Array | undefined
  /** Offset of its item's data on the device. */
  itemOffset: number
}

/** By the numbers that extents have for them. */
export const COMPRESSIONS: ReadonlyMap<number, FileExtent['compression']> = new Map([
  [COMPRESS_NONE, 'none'],
  [COMPRESS_ZLIB, 'zlib'],
  [COMPRESS_LZO, 'lzo'],
  [COMPRESS_ZSTD, 'zstd'],
])
const REGULAR_SIZE = FileExtentHead.size + FileExtentTail.size

/**
 * Decodes an EXTENT_DATA item. Done for every file, so it makes nothing that it does not return.
 * (check_extent_data_item)
 *
 * @throws CorruptError when it is damaged
 */
export function decodeFileExtent(leaf: TreeBlock, slot: number, sectorsize: number): FileExtent {
  const { view } = leaf
  const start = leaf.itemStart(slot)
  const size = leaf.itemSize(slot)
  const fail = (what: string, expected: unknown, found: unknown) =>
    itemFault(leaf, slot, { expected: `${what}: ${String(expected)}`, found })
  if (size < FileExtentHead.size) throw fail('size', `at least ${FileExtentHead.size}`, size)

  const { at } = FileExtentHead
  const type = at.type.get(view, start)
  const compression = COMPRESSIONS.get(at.compression.get(view, start))
  if (compression === undefined) throw fail('compression', 'at most 3', at.compression.get(view, start))
  const encoding = at.encryption.get(view, start) || at.otherEncoding.get(view, start)
  if (encoding !== 0) throw fail('encoding', 0, encoding)
  const isCompressed = compression !== 'none'
  const ramBytes = looseU64(view, start + at.ramBytes.offset)
  if (isCompressed && ramBytes > MAX_COMPRESSED_RAM_BYTES) {
    throw fail('ram_bytes', `at most ${MAX_COMPRESSED_RAM_BYTES}`, ramBytes)
  }
  const extent: FileExtent = {
    type: 'inline',
    fileOffset: leaf.keyNumber(slot),
    length: ramBytes,
    compression,
    generation: looseU64(view, start + at.generation.offset),
    ramBytes,
    diskBytenr: 0,
    diskNumBytes: 0,
    offset: 0,
    data: undefined,
    itemOffset: leaf.physical + start,
  }
  if (type === FILE_EXTENT_INLINE) {
    if (extent.fileOffset !== 0) throw fail('offset in the file', 0, extent.fileOffset)
    extent.data = leaf.itemData(slot).subarray(FileExtentHead.size)
    if (!isCompressed && ramBytes !== extent.data.length)
      throw fail('ram_bytes', extent.data.length, ramBytes)
    return extent
  }
  if (type !== FILE_EXTENT_REG && type !== FILE_EXTENT_PREALLOC) throw fail('type', 'at most 2', type)
  if (size < REGULAR_SIZE) throw fail('size', REGULAR_SIZE, size)
  extent.type = type === FILE_EXTENT_REG ? 'regular' : 'prealloc'
  const tail = start + FileExtentHead.size
  extent.diskBytenr = looseU64(view, tail + FileExtentTail.at.diskBytenr.offset)
  extent.diskNumBytes = looseU64(view, tail + FileExtentTail.at.diskNumBytes.offset)
  extent.offset = looseU64(view, tail + FileExtentTail.at.offset.offset)
  extent.length = looseU64(view, tail + FileExtentTail.at.numBytes.offset)
  const { fileOffset, diskBytenr, diskNumBytes, offset, length } = extent
  // Above 2^53 not all bits are there, but what is compared with is far below.
  for (const value of [fileOffset, diskBytenr, diskNumBytes, offset, length]) {
    if (value % sectorsize !== 0) throw fail('place or size', `multiples of ${sectorsize}`, value)
    if (value > Number.MAX_SAFE_INTEGER) throw fail('place or size', 'numbers below 2^53', value)
  }
  if (length === 0) throw fail('num_bytes', 'some', length)
  if (diskBytenr === 0) return extent
  // Old kernels left other sizes in ram_bytes of plain extents.
  const room = isCompressed ? ramBytes : diskNumBytes
  if (offset + length > room) throw fail('offset and num_bytes', `at most ${room}`, offset + length)
  if (isCompressed && (diskNumBytes === 0 || diskNumBytes > MAX_COMPRESSED_RAM_BYTES)) {
    throw fail('disk_num_bytes', `1 to ${MAX_COMPRESSED_RAM_BYTES}`, diskNumBytes)
  }
  return extent
}

/** Whether it has bytes of its own: what is preallocated is zeros until it is written. */
export function holdsData({ type, diskBytenr }: FileExtent): boolean {
  return type === 'inline' || (type === 'regular' && diskBytenr !== 0)
}

/** The ranges of a file of `size` bytes that have content, given its extents in the order of their items. */
export function dataRanges(extents: readonly FileExtent[], size: number): DataRange[] {
  const ranges: DataRange[] = []
  let last: DataRange | undefined
  for (const extent of extents) {
    if (!holdsData(extent)) continue
    const end = Math.min(size, extent.fileOffset + extent.length)
    const lastEnd = last === undefined ? 0 : last.offset + last.length
    const offset = Math.max(extent.fileOffset, lastEnd)
    if (offset >= end) continue
    if (last !== undefined && offset === lastEnd) last.length = end - last.offset
    else ranges.push((last = { offset, length: end - offset }))
  }
  return ranges
}
