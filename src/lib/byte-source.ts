/** Sources that images are read from. */
import type { FileLocation } from './file-location.ts'

/** Bytes that can be read anywhere. */
export interface ByteSource {
  /** Bytes in all. */
  readonly size: number
  /**
   * `length` bytes from `offset` on; fewer only where the source ends. The caller may keep them.
   *
   * @param into memory for `length` bytes, which may be shared. A source that uses it returns a part of it; any other one
   *   ignores it.
   */
  read(offset: number, length: number, into?: Uint8Array): Uint8Array | Promise<Uint8Array>
  /** The same, for sources that answer at once. */
  readSync?(offset: number, length: number, into?: Uint8Array): Uint8Array
  /** The place of a range in an open file, where others can read it; undefined when it lies in none. */
  locate?(offset: number, length: number): FileLocation | undefined
}

/** A source that answers at once. */
export interface SyncByteSource extends ByteSource {
  readSync(offset: number, length: number, into?: Uint8Array): Uint8Array
}

export function isSync(source: ByteSource): source is SyncByteSource {
  return source.readSync !== undefined
}

/** Bytes that are in memory. */
export function memorySource(bytes: Uint8Array): SyncByteSource {
  const readSync = (offset: number, length: number) => bytes.slice(offset, offset + length)
  return { size: bytes.length, read: readSync, readSync }
}

/** The part of a source that begins at `start`: a partition of an image. It ends where the source does, at the latest. */
export function subSource(source: ByteSource, start: number, size: number): ByteSource {
  const available = Math.max(0, Math.min(size, source.size - start))
  const clip = (offset: number, length: number) => Math.max(0, Math.min(length, available - offset))
  return {
    size: available,
    read: (offset, length, into) => source.read(start + offset, clip(offset, length), into),
    locate: (offset, length) =>
      offset + length <= available ? source.locate?.(start + offset, length) : undefined,
    ...(isSync(source) && {
      readSync: (offset: number, length: number, into?: Uint8Array) =>
        source.readSync(start + offset, clip(offset, length), into),
    }),
  }
}
