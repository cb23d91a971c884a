import type { ImageSink } from '../lib/image-sink.ts'

/** Writes to a file that may be under way: one that is done, and others that wait for it. */
export const MAX_WRITES = 4

/** A range of a file, in bytes; `end` is the first byte that is not in it. */
export interface FileRange {
  start: number
  end: number
}

/** A whole image that is written to an open file in one of the output formats. */
export interface ImageFile extends ImageSink {
  /**
   * Brings the image to its size and writes what is left to write.
   *
   * @returns the size of the file in bytes
   */
  finish(imageSize: number): Promise<number>
  /** The ranges of the finished file that may hold anything but zeros, in order. */
  dataRanges(): Iterable<FileRange>
  /** Ends what runs beside this thread, finished or not. */
  close(): Promise<void>
}

/** Writers go front to back; anything else is a mistake of the program. */
export function checkOrder(what: string, offset: number, written: number): void {
  if (!Number.isSafeInteger(offset) || offset < written) {
    throw new Error(`${what}: expected an offset of at least ${written}, found ${offset}`)
  }
}
