import { checkOrder, MAX_WRITES, type FileRange, type ImageFile } from './image-file.ts'
import type { OpenFile } from './open-file.ts'
import { checkReserved } from './reserved-ranges.ts'
import { splitZeroBlocks } from './zero-runs.ts'

/** Writes are collected up to this size. */
const BUFFER_SIZE = 1024 * 1024
/** Zeros are left out in blocks of this size, which is a multiple of any file system's block. */
const HOLE_SIZE = 64 * 1024
/** Over a gap up to this size it is cheaper to write zeros than to begin another write. */
const SMALL_GAP = 16 * 1024

/** An image as it is, in a sparse file. `file` must be new: what is not written is taken to be zeros. */
export function rawFile(file: OpenFile): ImageFile {
  // One is being filled while others are being written.
  const buffers = [new Uint8Array(BUFFER_SIZE)]
  let current = 0
  let start = 0
  let fill = 0
  /** End of what was written or reserved. */
  let written = 0
  const reserved = new Map<number, number>()
  const ranges: FileRange[] = []

  async function emit(): Promise<void> {
    if (fill === 0) return
    const full = buffers[current].subarray(0, fill)
    fill = 0
    await file.start(start, [full])
    // The write that took the next buffer the last time has ended by now.
    current = (current + 1) % (MAX_WRITES + 1)
    buffers[current] ??= new Uint8Array(BUFFER_SIZE)
  }

  function noteData(from: number, to: number): void {
    const last = ranges.at(-1)
    if (last !== undefined && from - last.end <= HOLE_SIZE) last.end = Math.max(last.end, to)
    else ranges.push({ start: from, end: to })
  }

  /** Takes bytes into the buffer when they fit behind what is there. */
  function buffered(offset: number, bytes: Uint8Array): boolean {
    if (fill === 0) start = offset
    const gap = offset - (start + fill)
    if (gap < 0 || gap > SMALL_GAP || fill + gap + bytes.length > BUFFER_SIZE) return false
    buffers[current].fill(0, fill, fill + gap)
    buffers[current].set(bytes, fill + gap)
    fill += gap + bytes.length
    return true
  }

  async function unbuffered(offset: number, bytes: Uint8Array): Promise<void> {
    await emit()
    if (!buffered(offset, bytes)) await file.write(offset, bytes)
  }

  /** Writes bytes that are not zeros. */
  function put(offset: number, bytes: Uint8Array): Promise<void> | void {
    noteData(offset, offset + bytes.length)
    if (!buffered(offset, bytes)) return unbuffered(offset, bytes)
  }

  async function putRuns(offset: number, bytes: Uint8Array): Promise<void> {
    for (const run of splitZeroBlocks(offset, bytes, HOLE_SIZE)) {
      if (!run.zero) await put(offset + run.start, bytes.subarray(run.start, run.end))
    }
  }

  function write(offset: number, bytes: Uint8Array, packed = false): Promise<void> | void {
    checkOrder('write', offset, written)
    written = offset + bytes.length
    return packed || bytes.length < HOLE_SIZE ? put(offset, bytes) : putRuns(offset, bytes)
  }

  return {
    write,
    async writeTwice(offset, bytes, distance) {
      await write(offset, bytes)
      await write(offset + distance, bytes)
    },
    reserve(offset, length) {
      checkOrder('reserve', offset, written)
      written = offset + length
      reserved.set(offset, length)
      noteData(offset, written)
    },
    async patch(offset, bytes) {
      checkReserved(reserved.get(offset), offset, bytes.length)
      // A buffer may span the range with zeros.
      await emit()
      await file.write(offset, bytes)
    },
    read(offset, length) {
      const end = offset + length
      if (offset >= start && end <= start + fill) return buffers[current].slice(offset - start, end - start)
      const isWritten = fill === 0 || end <= start
      return isWritten ? file.read(offset, length) : emit().then(() => file.read(offset, length))
    },
    async finish(imageSize) {
      checkOrder('finish', imageSize, written)
      await emit()
      await file.truncate(imageSize)
      return imageSize
    },
    dataRanges: () => ranges,
    close: () => Promise.resolve(),
  }
}
