import { type Piece, pieceLength } from './zstd-frames.ts'

/** Bounds the memory that very small pieces take. */
const MAX_PIECES = 4096

/** Pieces of an image that wait to become frames, with their bytes. */
export class PieceBatch {
  readonly #arena: Uint8Array
  readonly #pieces: Piece[] = []
  /** Where in the arena the next bytes go. */
  #fill = 0
  #length = 0

  /** @param arena memory for the bytes; no batch stands for more of the image than that, zeros included */
  constructor(arena: Uint8Array) {
    this.#arena = arena
  }

  get pieces(): readonly Piece[] {
    return this.#pieces
  }

  /** Bytes of the image, zeros included. */
  get length(): number {
    return this.#length
  }

  /** Bytes of the image it can still take. */
  get room(): number {
    return this.#arena.length - this.#length
  }

  get full(): boolean {
    return this.room === 0 || this.#pieces.length >= MAX_PIECES
  }

  /** The last piece is one to be compressed. */
  get endsPlain(): boolean {
    return this.#pieces.at(-1)?.kind === 'plain'
  }

  /** Takes a copy of the bytes, at most `room` of them. */
  add(kind: 'plain' | 'packed', bytes: Uint8Array): void {
    this.#arena.set(bytes, this.#fill)
    this.#extend(kind, bytes.length)
  }

  /** Adds zeros that are to be compressed with what is around them. */
  addPlainZeros(length: number): void {
    this.#arena.fill(0, this.#fill, this.#fill + length)
    this.#extend('plain', length)
  }

  addZeros(length: number): void {
    const last = this.#pieces.at(-1)
    if (last?.kind === 'zeros') last.length += length
    else this.#pieces.push({ kind: 'zeros', length })
    this.#length += length
  }

  /** Adds the last `length` bytes of the last piece but zeros once more, `distance` bytes behind themselves. */
  addCopy(length: number, distance: number): void {
    const bytes = this.#arena.subarray(this.#fill - length, this.#fill)
    this.#pieces.push({ kind: 'copy', bytes, distance })
    this.#length += length
  }

  /** Adds a reserved piece. Its bytes are not copied: they may change until the batch is cleared. */
  addReserved(bytes: Uint8Array): void {
    this.#pieces.push({ kind: 'reserved', bytes })
    this.#length += bytes.length
  }

  /** Fills `into` with what the batch holds from `offset` on (0 is the batch's start). */
  copyTo(offset: number, into: Uint8Array): void {
    let start = 0
    for (const piece of this.#pieces) {
      const length = pieceLength(piece)
      const from = Math.max(start, offset)
      const to = Math.min(start + length, offset + into.length)
      if (from < to) {
        const target = into.subarray(from - offset, to - offset)
        if (piece.kind === 'zeros') target.fill(0)
        else target.set(piece.bytes.subarray(from - start, to - start))
      }
      start += length
    }
  }

  clear(): void {
    this.#pieces.length = 0
    this.#fill = 0
    this.#length = 0
  }

  /** Makes the next `length` bytes of the arena a piece, or part of the last one. */
  #extend(kind: 'plain' | 'packed', length: number): void {
    const end = this.#fill + length
    const last = this.#pieces.at(-1)
    if (last?.kind === kind) {
      last.bytes = this.#arena.subarray(this.#fill - last.bytes.length, end)
    } else {
      this.#pieces.push({ kind, bytes: this.#arena.subarray(this.#fill, end) })
    }
    this.#fill = end
    this.#length += length
  }
}
