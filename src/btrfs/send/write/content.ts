/** What of the content of a file has to be sent. */
import { holdsData, type FileExtent } from '../../read/file-extents.ts'

/** A part of a file whose content is sent. */
export interface SentRange {
  /** In the file, in bytes. */
  start: number
  end: number
  /** The extent that has it; undefined: zeros, where the parent has something else. */
  extent: FileExtent | undefined
}

interface Extents {
  /** Bytes of the file. */
  size: number
  extents: readonly FileExtent[]
}

const NOTHING: Extents = { size: 0, extents: [] }

/** The ranges in which a file differs from what the receiver has, in the order of their places. */
export function* differingRanges(file: Extents, parent: Extents = NOTHING): Generator<SentRange> {
  const others = parent.extents.filter(holdsData)
  let next = 0
  let end = 0
  for (const extent of file.extents) {
    if (!holdsData(extent)) continue
    const start = Math.max(end, extent.fileOffset)
    const extentEnd = Math.min(file.size, extent.fileOffset + extent.length)
    if (start >= extentEnd) continue
    yield* holes(end, start)
    yield* differing(start, extentEnd, extent)
    end = extentEnd
  }
  yield* holes(end, file.size)

  /** Where this file has a hole, and the parent has content. */
  function* holes(start: number, end: number): Generator<SentRange> {
    for (const other of overlapping(start, Math.min(end, parent.size))) {
      const from = Math.max(start, other.fileOffset)
      const to = Math.min(end, parent.size, other.fileOffset + other.length)
      yield { start: from, end: to, extent: undefined }
    }
  }

  /** The parts of an extent that the parent does not have at the same place. */
  function* differing(start: number, end: number, extent: FileExtent): Generator<SentRange> {
    let from = start
    for (const other of overlapping(start, Math.min(end, parent.size))) {
      if (!isSameStored(extent, other)) continue
      const sameEnd = Math.min(end, parent.size, other.fileOffset + other.length)
      if (other.fileOffset > from) yield { start: from, end: other.fileOffset, extent }
      from = Math.max(from, sameEnd)
    }
    if (from < end) yield { start: from, end, extent }
  }

  /** Extents of the parent that overlap with a range; ranges come in their order. */
  function* overlapping(start: number, end: number): Generator<FileExtent> {
    if (start >= end) return
    while (next < others.length && others[next].fileOffset + others[next].length <= start) next++
    for (let i = next; i < others.length && others[i].fileOffset < end; i++) yield others[i]
  }
}

/** Whether two extents of a file have the same bytes wherever both lie. */
function isSameStored(a: FileExtent, b: FileExtent): boolean {
  if (a.type === 'inline' || b.type === 'inline') return false
  return a.diskBytenr === b.diskBytenr && a.offset - a.fileOffset === b.offset - b.fileOffset
}
