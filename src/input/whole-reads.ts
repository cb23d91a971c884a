import { type ByteSource, isSync } from '../lib/byte-source.ts'
import { InputError } from '../lib/errors.ts'

/**
 * A source whose reads give all the bytes there are. A source of the caller may give fewer than asked for: the rest
 * is read, too, until a read gives none.
 *
 * @param name for messages
 * @throws InputError when its size is none
 * @throws Error from its reads when the source gives more bytes than asked for
 */
export function wholeReads(source: ByteSource, name: string): ByteSource {
  const { size } = source
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new InputError(`expected a size in bytes, found ${String(size)}`, { source: name })
  }
  const clip = (offset: number, length: number) => Math.max(0, Math.min(length, size - offset))
  const checked = (bytes: Uint8Array, wanted: number) => {
    if (bytes.length > wanted) throw new Error(`${name}: read ${bytes.length} bytes instead of ${wanted}`)
    return bytes
  }

  async function readAll(offset: number, length: number, first: Promise<Uint8Array> | Uint8Array) {
    const start = checked(await first, length)
    if (start.length === length) return start
    const pieces = new Pieces(start, length)
    while (pieces.missing > 0) {
      const { done, missing } = pieces
      if (!pieces.add(checked(await source.read(offset + done, missing), missing))) break
    }
    return pieces.bytes
  }

  return {
    size,
    read(offset, wanted, into) {
      const length = clip(offset, wanted)
      if (length === 0) return new Uint8Array(0)
      const answer = source.read(offset, length, into)
      // Without a promise where there is none: most reads are short.
      if (answer instanceof Uint8Array && answer.length === length) return answer
      return readAll(offset, length, answer)
    },
    ...(isSync(source) && {
      readSync(offset: number, wanted: number, into?: Uint8Array) {
        const length = clip(offset, wanted)
        const start = checked(source.readSync(offset, length, into), length)
        if (start.length === length) return start
        const pieces = new Pieces(start, length)
        while (pieces.missing > 0) {
          const { done, missing } = pieces
          if (!pieces.add(checked(source.readSync(offset + done, missing), missing))) break
        }
        return pieces.bytes
      },
    }),
  }
}

/** The pieces of one range, put together. */
class Pieces {
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
