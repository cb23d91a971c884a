/** The content of files that streams have made. */
import { MAX_COMPRESSED_RAM_BYTES, SECTOR_SIZE } from '../../btrfs/format.ts'
import { cut, endOf, type ContentExtent } from '../../btrfs/send/apply/file-content.ts'
import type { ContentPart, DataRange, FileContent } from '../../file-tree/file-content.ts'
import type { ExtentDecoder } from './extent-decoder.ts'

/** Bytes of a piece, at most. */
const PIECE_SIZE = 1 << 20

/** @param extents in the order of their places */
export function receivedContent(
  size: number,
  extents: readonly ContentExtent[],
  decoder: ExtentDecoder,
): FileContent {
  const ranges = rangesOf(extents)
  const isWhole = size === 0 || (ranges.length === 1 && ranges[0].length === size)
  return {
    size,
    content: { [Symbol.asyncIterator]: () => contentOf(extents, decoder) },
    ...(!isWhole && { ranges }),
    ...(extents.some((extent) => mayStay(extent, size)) && { parts: () => partsOf(size, extents, decoder) }),
  }
}

function rangesOf(extents: readonly ContentExtent[]): DataRange[] {
  const ranges: DataRange[] = []
  for (const { offset, length } of extents) {
    const last = ranges.at(-1)
    if (last !== undefined && endOf(last) === offset) last.length += length
    else ranges.push({ offset, length })
  }
  return ranges
}

async function* contentOf(
  extents: readonly ContentExtent[],
  decoder: ExtentDecoder,
): AsyncGenerator<Uint8Array> {
  for (const extent of extents) {
    const { store, position, length, encoding, from } = extent
    if (encoding !== undefined) {
      const { content } = await decoder.decode(extent, encoding)
      yield content.subarray(from, from + length)
      continue
    }
    for (let at = 0; at < length; at += PIECE_SIZE) {
      yield await store.read(position + at, Math.min(PIECE_SIZE, length - at))
    }
  }
}

/** Whether an extent is compressed, covers whole sectors of its file with all that it has, and saves one at least. */
function mayStay({ offset, length, encoding, from }: ContentExtent, size: number): boolean {
  if (encoding === undefined || from !== 0 || offset % SECTOR_SIZE !== 0) return false
  if (length % SECTOR_SIZE !== 0 && offset + length !== size) return false
  const sectors = Math.ceil(length / SECTOR_SIZE)
  return (
    sectors === Math.ceil(encoding.ramBytes / SECTOR_SIZE) &&
    Math.ceil(encoding.storedLength / SECTOR_SIZE) < sectors
  )
}

async function* partsOf(
  size: number,
  extents: readonly ContentExtent[],
  decoder: ExtentDecoder,
): AsyncGenerator<ContentPart> {
  let plain: ContentExtent[] = []
  for (const extent of extents) {
    const { offset, length, encoding } = extent
    const decoded = mayStay(extent, size) ? await decoder.decode(extent, encoding!) : undefined
    if (decoded?.isWhole !== true) {
      plain.push(extent)
      continue
    }
    yield* plainParts(size, plain, decoder)
    plain = []
    // The extents before have been read meanwhile.
    const bytes = await extent.store.read(extent.position, encoding!.storedLength)
    yield { offset, length, bytes, compression: encoding!.algorithm }
  }
  yield* plainParts(size, plain, decoder)
}

/** Whole sectors with all that lies in the extents, cut at multiples of 128 KiB. */
async function* plainParts(
  size: number,
  extents: readonly ContentExtent[],
  decoder: ExtentDecoder,
): AsyncGenerator<ContentPart> {
  let bytes = new Uint8Array(0)
  let start = 0
  const part = (): ContentPart => ({ offset: start, length: bytes.length, bytes, compression: undefined })
  for (const extent of extents) {
    for (let at = extent.offset; at < endOf(extent);) {
      const boundary = at - (at % MAX_COMPRESSED_RAM_BYTES) + MAX_COMPRESSED_RAM_BYTES
      const piece = cut(extent, at, boundary)!
      const isNear = bytes.length > 0 && at <= start + bytes.length && endOf(piece) <= boundaryOf(start)
      if (!isNear) {
        if (bytes.length > 0) yield part()
        start = at - (at % SECTOR_SIZE)
        bytes = new Uint8Array(0)
      }
      const end = Math.min(size, Math.ceil(endOf(piece) / SECTOR_SIZE) * SECTOR_SIZE)
      if (end - start > bytes.length) {
        const longer = new Uint8Array(end - start)
        longer.set(bytes)
        bytes = longer
      }
      let to = piece.offset - start
      for await (const content of contentOf([piece], decoder)) {
        bytes.set(content, to)
        to += content.length
      }
      at = endOf(piece)
    }
  }
  if (bytes.length > 0) yield part()
}

function boundaryOf(offset: number): number {
  return offset - (offset % MAX_COMPRESSED_RAM_BYTES) + MAX_COMPRESSED_RAM_BYTES
}
