/**
 * The interface that format writers write to: one image, front to back.
 *
 * Offsets are bytes from the start of the image, or of one partition of it.
 */
export interface ImageSink {
  /**
   * Writes at `offset`, which is never below the end of what was written or reserved before; the gap between them is
   * zeros. The bytes may be reused once the promise is settled; when none is returned, at once.
   *
   * @param incompressible the bytes are compressed already: trying to compress them again is wasted time
   */
  write(offset: number, bytes: Uint8Array, incompressible?: boolean): Promise<void> | void
  /** Writes the same bytes at `offset` and again `distance` bytes further on, at least as many as there are. */
  writeTwice(offset: number, bytes: Uint8Array, distance: number): Promise<void>
  /** Sets a small range aside, in order like a write, whose content is known only later: see `patch`. */
  reserve(offset: number, length: number): Promise<void> | void
  /** Fills a reserved range, whole, any time before the image is finished. */
  patch(offset: number, bytes: Uint8Array): Promise<void> | void
  /** Reads back what was written, at once when it can; reserved and unwritten ranges are zeros. */
  read(offset: number, length: number): Promise<Uint8Array> | Uint8Array
}

/** Makes one call of a sink: `call` is to be called with a sink and the offset in it. */
type Forward = <T>(offset: number, call: (sink: ImageSink, offset: number) => T) => T

/**
 * A sink that leaves its calls to others.
 *
 * @example
 * const measured = forwardingSink((offset, call) => measure(() => call(sink, offset)))
 */
export function forwardingSink(forward: Forward): ImageSink {
  return {
    write: (offset, bytes, incompressible) =>
      forward(offset, (sink, at) => sink.write(at, bytes, incompressible)),
    writeTwice: (offset, bytes, distance) =>
      forward(offset, (sink, at) => sink.writeTwice(at, bytes, distance)),
    reserve: (offset, length) => forward(offset, (sink, at) => sink.reserve(at, length)),
    patch: (offset, bytes) => forward(offset, (sink, at) => sink.patch(at, bytes)),
    read: (offset, length) => forward(offset, (sink, at) => sink.read(at, length)),
  }
}

/** The part of a sink that begins at `start`: a partition of an image. */
export function subSink(sink: ImageSink, start: number): ImageSink {
  return forwardingSink((offset, call) => call(sink, start + offset))
}

/** A sink of which some methods are replaced; `overrides` may call those of `sink`. */
export function wrapSink<Overrides extends Partial<ImageSink>>(
  sink: ImageSink,
  overrides: Overrides,
): ImageSink & Overrides {
  return { ...forwardingSink((offset, call) => call(sink, offset)), ...overrides }
}
