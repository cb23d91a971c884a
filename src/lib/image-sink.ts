/**
 * What format writers write to: one image, front to back.
 *
 * Offsets are bytes from the start of what the sink stands for (the image, or one partition of it).
 */
export interface ImageSink {
  /**
   * Writes at `offset`, which is never below the end of what was written or reserved before; what lies
   * between is zeros. (An image with two fronts is two such sequences, each on its side of an offset.) The bytes may be reused once the promise is settled; when none is returned, at once.
   *
   * @param packed the bytes are compressed already: trying to compress them again is wasted time
   */
  write(offset: number, bytes: Uint8Array, packed?: boolean): Promise<void> | void
  /** Writes the same bytes at `offset` and again `distance` bytes further on, at least as many as there are. */
  writeTwice(offset: number, bytes: Uint8Array, distance: number): Promise<void>
  /** Sets a small range aside, in order like a write, whose content is known only later: see `patch`. */
  reserve(offset: number, length: number): Promise<void> | void
  /** Fills a reserved range, whole, any time before the image is finished. */
  patch(offset: number, bytes: Uint8Array): Promise<void> | void
  /** Reads back what was written; reserved and unwritten ranges are zeros. */
  read(offset: number, length: number): Promise<Uint8Array>
}

/** The part of a sink that begins at `start`: a partition of an image. */
export function subSink(sink: ImageSink, start: number): ImageSink {
  return {
    write: (offset, bytes, packed) => sink.write(start + offset, bytes, packed),
    writeTwice: (offset, bytes, distance) => sink.writeTwice(start + offset, bytes, distance),
    reserve: (offset, length) => sink.reserve(start + offset, length),
    patch: (offset, bytes) => sink.patch(start + offset, bytes),
    read: (offset, length) => sink.read(start + offset, length),
  }
}
