/** Many byte strings in one piece of memory. */
import { fromBytes, type ByteString } from './byte-string.ts'

/**
 * Byte strings in the order in which they were added, one after the other: a string as an object takes more memory
 * than a short name has bytes, and the garbage collector looks at each.
 */
export class ByteStringTable {
  #bytes = new Uint8Array(4096)
  /** By row: where the string begins; after the last one, where the next will. */
  #starts = new Float64Array(1024)
  #length = 0

  /** Number of strings. */
  get length(): number {
    return this.#length
  }

  /** Adds the part of `text` from `start` to before `end`. Returns its row. */
  push(text: ByteString, start = 0, end = text.length): number {
    const row = this.#length++
    if (this.#length === this.#starts.length) {
      const starts = new Float64Array(2 * this.#length)
      starts.set(this.#starts)
      this.#starts = starts
    }
    const at = this.#starts[row]
    const used = at + end - start
    if (used > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(used, 2 * this.#bytes.length))
      bytes.set(this.#bytes)
      this.#bytes = bytes
    }
    const bytes = this.#bytes
    for (let i = start; i < end; i++) bytes[at + i - start] = text.charCodeAt(i)
    this.#starts[this.#length] = used
    return row
  }

  get(row: number): ByteString {
    return fromBytes(this.#bytes, this.#starts[row], this.#starts[row + 1])
  }

  /** Bytes of a string. */
  lengthOf(row: number): number {
    return this.#starts[row + 1] - this.#starts[row]
  }

  /** Whether a string equals the part of `text` from `start` to before `end`. */
  equals(row: number, text: ByteString, start: number, end: number): boolean {
    const at = this.#starts[row]
    if (this.#starts[row + 1] - at !== end - start) return false
    const bytes = this.#bytes
    for (let i = start; i < end; i++) if (bytes[at + i - start] !== text.charCodeAt(i)) return false
    return true
  }

  /** Writes the bytes of a string at `at`; the target must have room for them. */
  copyTo(row: number, target: Uint8Array, at: number): void {
    const bytes = this.#bytes
    const end = this.#starts[row + 1]
    for (let from = this.#starts[row]; from < end; from++) target[at++] = bytes[from]
  }

  /** Calls `use` with the memory of a string: the bytes from `start` to before `end`, to be read at once. */
  with<T>(row: number, use: (bytes: Uint8Array, start: number, end: number) => T): T {
    return use(this.#bytes, this.#starts[row], this.#starts[row + 1])
  }
}
