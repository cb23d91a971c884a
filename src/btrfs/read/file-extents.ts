/** Where the content of files lies: the items of their extents. (struct btrfs_file_extent_item) */
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
  MAX_COMPRESSED_RAM_BYTES,
} from '../format.ts'
import { decodeItem, itemFault, itemPlace, type TreeBlock } from './tree-block.ts'

/** One run of a file's content. Sizes and addresses in bytes. */
export interface FileExtent {
  type: 'inline' | 'regular' | 'prealloc'
  /** Where in the file it begins. */
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
  /** Where in the (decompressed) extent the file's part begins. */
  offset: number
  /** What an inline extent stores. */
  data: Uint8Array | undefined
  /** Its item, for messages. */
  place: { what: string; offset: number }
}

const COMPRESSIONS = new Map<number, FileExtent['compression']>([
  [COMPRESS_NONE, 'none'],
  [COMPRESS_ZLIB, 'zlib'],
  [COMPRESS_LZO, 'lzo'],
  [COMPRESS_ZSTD, 'zstd'],
])

/**
 * Decodes an EXTENT_DATA item. (check_extent_data_item)
 *
 * @throws CorruptError when it is damaged
 */
export function decodeFileExtent(leaf: TreeBlock, slot: number, sectorsize: number): FileExtent {
  const head = decodeItem(FileExtentHead, leaf, slot)
  const expect = (what: string, isSound: boolean, expected: unknown, found: unknown) => {
    if (!isSound) throw itemFault(leaf, slot, { expected: `${what}: ${String(expected)}`, found })
  }
  const fileOffset = leaf.keyNumber(slot)
  const { ramBytes, generation, encryption, otherEncoding } = head
  const compression = COMPRESSIONS.get(head.compression)
  expect('compression', compression !== undefined, 'at most 3', head.compression)
  expect('encryption', encryption === 0 && otherEncoding === 0, 'none', encryption || otherEncoding)
  const isCompressed = compression !== 'none'
  if (isCompressed) {
    expect('ram_bytes', ramBytes <= MAX_COMPRESSED_RAM_BYTES, `at most ${MAX_COMPRESSED_RAM_BYTES}`, ramBytes)
  }
  const common = { fileOffset, generation, ramBytes, compression: compression!, place: itemPlace(leaf, slot) }
  if (head.type === FILE_EXTENT_INLINE) {
    expect('offset in the file', fileOffset === 0, 0, fileOffset)
    const data = leaf.itemData(slot).subarray(FileExtentHead.size)
    expect('ram_bytes', isCompressed || ramBytes === data.length, data.length, ramBytes)
    const nowhere = { diskBytenr: 0, diskNumBytes: 0, offset: 0 }
    return { type: 'inline', length: ramBytes, ...common, ...nowhere, data }
  }
  expect('type', head.type === FILE_EXTENT_REG || head.type === FILE_EXTENT_PREALLOC, 'at most 2', head.type)
  const tail = decodeItem(FileExtentTail, leaf, slot, FileExtentHead.size)
  const { diskBytenr, diskNumBytes, offset, numBytes } = tail
  const isAligned = (value: number) => value % sectorsize === 0
  for (const [name, value] of Object.entries({ fileOffset, ...tail })) {
    expect(name, isAligned(value), `a multiple of ${sectorsize}`, value)
  }
  expect('num_bytes', numBytes > 0, 'some', numBytes)
  expect('end', Number.isSafeInteger(fileOffset + numBytes), 'below 2^53', fileOffset + numBytes)
  if (diskBytenr !== 0) {
    // Old kernels left other sizes in ram_bytes of plain extents.
    const room = isCompressed ? ramBytes : diskNumBytes
    expect('offset and num_bytes', offset + numBytes <= room, `at most ${room}`, offset + numBytes)
    if (isCompressed) {
      const most = MAX_COMPRESSED_RAM_BYTES
      const isSound = diskNumBytes > 0 && diskNumBytes <= most
      expect('disk_num_bytes', isSound, `1 to ${most}`, diskNumBytes)
    }
  }
  const type = head.type === FILE_EXTENT_PREALLOC ? 'prealloc' : 'regular'
  return { type, length: numBytes, ...common, diskBytenr, diskNumBytes, offset, data: undefined }
}

/** Whether it has bytes of its own: what is preallocated is zeros until it is written. */
export function holdsData({ type, diskBytenr }: FileExtent): boolean {
  return type === 'inline' || (type === 'regular' && diskBytenr !== 0)
}

/** Where a file of `size` bytes has content, given its extents in the order of their items. */
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
