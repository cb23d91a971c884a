import { type ByteSource, isSync } from '../lib/byte-source.ts'
import { InputError } from '../lib/errors.ts'

/** What reading an image has taken so far. */
export interface ReadStatistics {
  /** Bytes read of the image as it is stored. */
  bytesRead: number
  /** Frames of a compressed image that were decompressed; one that is needed again later may count again. */
  framesDecompressed: number
}

/**
 * A source that can be stopped and whose reads are counted. Of sources that give fewer bytes than asked for the rest
 * is read, too.
 *
 * @throws InputError when its size is none; from its reads the signal's reason when that has aborted
 */
export function watchedSource(
  source: ByteSource,
  {
    name,
    statistics,
    signal,
  }: { name: string; statistics: ReadStatistics; signal?: AbortSignal | undefined },
): ByteSource {
  const { size } = source
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new InputError(`expected a size in bytes, found ${String(size)}`, { source: name })
  }
  const clip = (offset: number, length: number) => Math.max(0, Math.min(length, size - offset))
  const taken = (bytes: Uint8Array, wanted: number) => {
    if (bytes.length > wanted) throw new Error(`${name}: read ${bytes.length} bytes instead of ${wanted}`)
    statistics.bytesRead += bytes.length
    return bytes
  }

  async function readAll(offset: number, length: number, first: Promise<Uint8Array> | Uint8Array) {
    const start = taken(await first, length)
    if (start.length === length) return start
    const whole = new Whole(start, length)
    while (whole.missing > 0) {
      signal?.throwIfAborted()
      if (!whole.add(taken(await source.read(offset + whole.done, whole.missing), whole.missing))) break
    }
    return whole.bytes
  }

  return {
    size,
    read(offset, wanted) {
      signal?.throwIfAborted()
      const length = clip(offset, wanted)
      if (length === 0) return new Uint8Array(0)
      const answer = source.read(offset, length)
      // Without a promise where there is none: most reads are short.
      if (answer instanceof Uint8Array && answer.length === length) return taken(answer, length)
      return readAll(offset, length, answer)
    },
    ...(isSync(source) && {
      readSync(offset: number, wanted: number) {
        signal?.throwIfAborted()
        const length = clip(offset, wanted)
        const start = taken(source.readSync(offset, length), length)
        if (start.length === length) return start
        const whole = new Whole(start, length)
        while (whole.missing > 0) {
          if (!whole.add(taken(source.readSync(offset + whole.done, whole.missing), whole.missing))) break
        }
        return whole.bytes
      },
    }),
  }
}

/** Puts together what comes in pieces. */
class Whole {
  done = 0
  readonly #target: Uint8Array

  constructor(start: Uint8Array, length: number) {
    this.#target = new Uint8Array(length)
    this.add(start)
  }

  get missing(): number {
    return this.#target.length - this.done
  }

  get bytes(): Uint8Array {
    return this.#target.subarray(0, this.done)
  }

  /** False when the piece is empty: nothing more will come. */
  add(piece: Uint8Array): boolean {
    this.#target.set(piece, this.done)
    this.done += piece.length
    return piece.length > 0
  }
}
