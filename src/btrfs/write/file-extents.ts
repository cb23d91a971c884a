/** The items of file extents. (struct btrfs_file_extent_item) */
import type { DataExtents, FileData } from './data-extents.ts'
import {
  COMPRESS_NONE,
  EXTENT_DATA_KEY,
  FILE_EXTENT_INLINE,
  FILE_EXTENT_PREALLOC,
  FILE_EXTENT_REG,
  FileExtentHead,
  FileExtentTail,
} from '../format.ts'
import type { TreeItem } from './tree.ts'

export interface FileContext {
  generation: number
  extents: DataExtents
  /** The bytes of a small file as they go into the tree; valid until the next call. */
  inlineContent: (file: FileData) => Uint8Array
  /** Called with every use of a data extent: its row, and the inode of the file. */
  onExtentUse: (row: number, ino: number) => void
}

/** The items of a file's data extents. */
export function* fileItems(ino: number, file: FileData, context: FileContext): Generator<TreeItem> {
  const { extents, generation, onExtentUse } = context
  for (let row = file.firstExtent; row < file.firstExtent + file.extentCount; row++) {
    onExtentUse(row, ino)
    const { fileOffset, bytenr, diskNumBytes, ramBytes, compression } = extents.get(row)
    yield {
      objectid: ino,
      type: EXTENT_DATA_KEY,
      offset: fileOffset,
      size: FileExtentHead.size + FileExtentTail.size,
      write: (block, at) => {
        FileExtentHead.write(block, at, {
          generation,
          ramBytes,
          compression,
          encryption: 0,
          otherEncoding: 0,
          type: extents.isPreallocated(row) ? FILE_EXTENT_PREALLOC : FILE_EXTENT_REG,
        })
        FileExtentTail.write(block, at + FileExtentHead.size, {
          diskBytenr: bytenr,
          diskNumBytes,
          offset: 0,
          numBytes: ramBytes,
        })
      },
    }
  }
}

/** The form of inline content. */
interface InlineForm {
  /** Bytes in the tree. */
  length: number
  /** Bytes in the file. */
  ramBytes: number
  /** (COMPRESS_*) */
  compression: number
}

export function plainForm(length: number): InlineForm {
  return { length, ramBytes: length, compression: COMPRESS_NONE }
}

export function inlineFormOf({ size, inlineLength, inlineCompression }: FileData): InlineForm {
  return inlineLength === 0
    ? plainForm(size)
    : { length: inlineLength, ramBytes: size, compression: inlineCompression }
}

/** The item of inline content. */
export function inlineExtentItem(
  ino: number,
  { length, ramBytes, compression }: InlineForm,
  content: () => Uint8Array,
  generation: number,
): TreeItem {
  return {
    objectid: ino,
    type: EXTENT_DATA_KEY,
    offset: 0,
    size: FileExtentHead.size + length,
    write: (block, at, bytes) => {
      FileExtentHead.write(block, at, {
        generation,
        ramBytes,
        compression,
        encryption: 0,
        otherEncoding: 0,
        type: FILE_EXTENT_INLINE,
      })
      bytes.set(content(), at + FileExtentHead.size)
    },
  }
}
