/** The items of file extents. (struct btrfs_file_extent_item) */
import type { DataExtents } from './data-extents.ts'
import type { FileData } from './file-data.ts'
import {
  COMPRESS_NONE,
  EXTENT_DATA_KEY,
  FILE_EXTENT_INLINE,
  FILE_EXTENT_PREALLOC,
  FILE_EXTENT_REG,
  FileExtentHead,
  FileExtentTail,
} from '../format.ts'
import type { TreeBuilder } from './tree.ts'

export interface FileContext {
  generation: number
  extents: DataExtents
  /** The bytes of a small file as they go into the tree; valid until the next call. */
  inlineContent: (file: FileData) => Uint8Array
  /** Called with every use of a data extent: its row, and the inode of the file. */
  onExtentUse: (row: number, ino: number) => void
}

const {
  generation: GENERATION,
  ramBytes: RAM_BYTES,
  compression: COMPRESSION,
  type: TYPE,
} = FileExtentHead.at
const { diskBytenr: DISK_BYTENR, diskNumBytes: DISK_NUM_BYTES, numBytes: NUM_BYTES } = FileExtentTail.at

/** Adds the items of a file's data extents. Pauses when the tree is full. */
export function* addFileExtents(
  tree: TreeBuilder,
  ino: number,
  file: FileData,
  { extents, generation, onExtentUse }: FileContext,
): Generator<void> {
  const first = file.firstExtent
  const end = first + file.extentCount
  for (let row = first; row < end; row++) {
    onExtentUse(row, ino)
    const { fileOffset, bytenr, diskNumBytes, ramBytes, compression } = extents.get(row)
    const at = tree.item(ino, EXTENT_DATA_KEY, fileOffset, FileExtentHead.size + FileExtentTail.size)
    const type = extents.isPreallocated(row) ? FILE_EXTENT_PREALLOC : FILE_EXTENT_REG
    writeHead(tree.view, at, { generation, ramBytes, compression, type })
    const tail = at + FileExtentHead.size
    DISK_BYTENR.set(tree.view, tail, bytenr)
    DISK_NUM_BYTES.set(tree.view, tail, diskNumBytes)
    NUM_BYTES.set(tree.view, tail, ramBytes)
    if (tree.isFull) yield
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

/** Adds the item of inline content. Returns where the content is to be written in the open leaf. */
export function addInlineExtent(
  tree: TreeBuilder,
  ino: number,
  { length, ramBytes, compression }: InlineForm,
  generation: number,
): number {
  const at = tree.item(ino, EXTENT_DATA_KEY, 0, FileExtentHead.size + length)
  writeHead(tree.view, at, { generation, ramBytes, compression, type: FILE_EXTENT_INLINE })
  return at + FileExtentHead.size
}

/** Writes the fields that are not zero. */
function writeHead(
  view: DataView,
  at: number,
  {
    generation,
    ramBytes,
    compression,
    type,
  }: { generation: number; ramBytes: number; compression: number; type: number },
): void {
  GENERATION.set(view, at, generation)
  RAM_BYTES.set(view, at, ramBytes)
  COMPRESSION.set(view, at, compression)
  TYPE.set(view, at, type)
}
