/**
 * Readers of formats are generators that do no input themselves: they yield the range they need, and are resumed with
 * its bytes. So one reader serves sources that answer at once (memory, files) and sources that answer later (a Blob, a
 * server), in Node and in browsers.
 */
import { CorruptError } from './errors.ts'
import type { ByteSource, SyncByteSource } from './byte-source.ts'
import type { Struct } from './struct.ts'

/** A range in bytes, from the start of the source: an image, or one partition of it. */
export interface ByteRange {
  offset: number
  length: number
  /** Memory for the bytes, which the source may use. */
  into?: Uint8Array | undefined
}

/** Yields the ranges that it needs, is resumed with their bytes, and returns its result. */
export type ReadRoutine<T> = Generator<ByteRange, T, Uint8Array>

/** Runs a routine on a source that answers at once. The routine can catch the errors of the source. */
export function driveSync<T>(source: SyncByteSource, routine: ReadRoutine<T>): T {
  let step = routine.next()
  while (!step.done) {
    const { offset, length, into } = step.value
    let bytes: Uint8Array
    try {
      bytes = source.readSync(offset, length, into)
    } catch (error) {
      step = routine.throw(error)
      continue
    }
    step = routine.next(bytes)
  }
  return step.value
}

/** Runs a routine on any source. The routine can catch the errors of the source. */
export async function drive<T>(source: ByteSource, routine: ReadRoutine<T>): Promise<T> {
  let step = routine.next()
  while (!step.done) {
    const { offset, length, into } = step.value
    let bytes: Uint8Array
    try {
      const answer = source.read(offset, length, into)
      bytes = answer instanceof Uint8Array ? answer : await answer
    } catch (error) {
      step = routine.throw(error)
      continue
    }
    step = routine.next(bytes)
  }
  return step.value
}

/**
 * All bytes of a range.
 *
 * @param what the name of the structure, for messages
 * @param into memory that the source may use for them
 * @throws CorruptError when the source ends before
 */
export function* readExactly(
  offset: number,
  length: number,
  what: string,
  into?: Uint8Array,
): ReadRoutine<Uint8Array> {
  const bytes = yield { offset, length, into }
  if (bytes.length === length) return bytes
  throw new CorruptError(what, offset, { expected: `${length} bytes`, found: `only ${bytes.length}` })
}

/**
 * The structure at `offset`.
 *
 * @throws CorruptError when the source ends before, or a field holds an impossible value
 */
export function* readStruct<F>(offset: number, what: string, type: Struct<F>) {
  const bytes = yield* readExactly(offset, type.size, what)
  return decodeChecked(type, bytes, 0, { what, offset })
}

/**
 * Decodes a structure of an image that may be damaged.
 *
 * @param where the name of the structure and the offset of `bytes`, for messages
 * @throws CorruptError when there are too few bytes, or a field holds an impossible value
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
