/**
 * Readers of formats are computations that ask for bytes: they yield the range they want, and go on with what they
 * are given. They do no input themselves. So one reader serves sources that answer at once (memory, files) and those
 * that do not (a Blob, something at the other end of a network), and runs in a browser, too.
 */
import { CorruptError } from './errors.ts'
import type { ByteSource, SyncByteSource } from './byte-source.ts'
import type { Struct } from './struct.ts'

/** Where the bytes lie, from the start of what is being read (an image, or one partition of it). */
export interface ByteRange {
  offset: number
  length: number
}

/** Reads ranges, and returns what it makes of them. */
export type ReadRoutine<T> = Generator<ByteRange, T, Uint8Array>

/** Runs a reading on a source that answers at once. What the source throws, the reading may catch. */
export function driveSync<T>(source: SyncByteSource, reading: ReadRoutine<T>): T {
  let step = reading.next()
  while (!step.done) {
    const { offset, length } = step.value
    let bytes: Uint8Array
    try {
      bytes = source.readSync(offset, length)
    } catch (error) {
      step = reading.throw(error)
      continue
    }
    step = reading.next(bytes)
  }
  return step.value
}

/**
 * Runs a reading on any source. What the source throws, the reading may catch.
 *
 * @throws the reason of `signal`, before the next read after it was aborted
 */
export async function drive<T>(
  source: ByteSource,
  reading: ReadRoutine<T>,
  signal?: AbortSignal,
): Promise<T> {
  let step = reading.next()
  while (!step.done) {
    signal?.throwIfAborted()
    const { offset, length } = step.value
    let bytes: Uint8Array
    try {
      const answer = source.read(offset, length)
      bytes = answer instanceof Uint8Array ? answer : await answer
    } catch (error) {
      step = reading.throw(error)
      continue
    }
    step = reading.next(bytes)
  }
  return step.value
}

/**
 * All bytes of a range.
 *
 * @param what they are, for messages
 * @throws CorruptError when the source ends before
 */
export function* readExactly(offset: number, length: number, what: string): ReadRoutine<Uint8Array> {
  const bytes = yield { offset, length }
  if (bytes.length === length) return bytes
  throw new CorruptError(what, offset, { expected: `${length} bytes`, found: `only ${bytes.length}` })
}

/**
 * A structure that lies at `offset`.
 *
 * @throws CorruptError when the source ends before, or a field cannot be what it holds
 */
export function* readStruct<F>(offset: number, what: string, type: Struct<F>) {
  const bytes = yield* readExactly(offset, type.size, what)
  return decodeChecked(type, bytes, 0, { what, offset })
}

/**
 * Decodes a structure of an image that may be damaged.
 *
 * @param where the bytes lie, for messages
 * @throws CorruptError when there are too few bytes, or a field cannot be what it holds
 */
export function decodeChecked<F>(
  type: Struct<F>,
  bytes: Uint8Array,
  at: number,
  where: { what: string; offset: number },
) {
  try {
    return type.decode(bytes, at)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CorruptError(where.what, where.offset + at, {
      expected: `a sound ${type.name}`,
      found: error.message,
    })
  }
}
