/** A swap file: a header, and preallocated space. */
import type { ImageSink } from '../../lib/image-sink.ts'
import type { SwapfilePlan } from '../../spec/plan/plan.ts'
import type { DataAllocator } from './chunks.ts'
import type { DataExtents } from './data-extents.ts'
import type { FileData, FileTable } from './file-data.ts'
import { COMPRESS_NONE, MAX_EXTENT_BYTES } from '../format.ts'
import { SWAP_PAGE_SIZE } from '../../swap/format.ts'
import { encodeSwapHeader } from '../../swap/header.ts'

/** Where a swap file goes. */
export interface SwapfileSpace {
  sink: ImageSink
  allocator: DataAllocator
  extents: DataExtents
  files: FileTable
}

/**
 * Places a swap file and writes its header. The rest is preallocated and not written. The kernel swaps to the device
 * directly, past the file system, so that nothing may be compressed, shared or a hole.
 */
export async function placeSwapfile(
  { size, uuid }: SwapfilePlan,
  { sink, allocator, extents, files }: SwapfileSpace,
): Promise<FileData> {
  const file = files.add(size, { nodatacow: true })
  file.markPreallocated()
  const extent = (fileOffset: number, bytenr: number, length: number) => ({
    fileOffset,
    bytenr,
    diskNumBytes: length,
    ramBytes: length,
    compression: COMPRESS_NONE,
  })
  const header = allocator.allocate(SWAP_PAGE_SIZE)
  extents.append(file, extent(0, header, SWAP_PAGE_SIZE), undefined)
  await sink.write(header, encodeSwapHeader({ size, uuid }))
  for (let fileOffset = SWAP_PAGE_SIZE; fileOffset < size;) {
    const { bytenr, length } = allocator.allocateRun(Math.min(MAX_EXTENT_BYTES, size - fileOffset))
    extents.appendPreallocated(file, extent(fileOffset, bytenr, length))
    fileOffset += length
  }
  return file
}
