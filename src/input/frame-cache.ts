/** Keeps what frames hold, those that were used last, up to so many bytes; the last one in any case. */
export class FrameCache {
  /** By the frame's index; the one used last is the last. */
  readonly #contents = new Map<number, Uint8Array>()
  readonly #capacity: number
  #size = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  has(index: number): boolean {
    return this.#contents.has(index)
  }

  get(index: number): Uint8Array | undefined {
    const content = this.#contents.get(index)
    if (content !== undefined) {
      this.#contents.delete(index)
      this.#contents.set(index, content)
    }
    return content
  }

  set(index: number, content: Uint8Array): void {
    this.#size += content.length - (this.#contents.get(index)?.length ?? 0)
    this.#contents.delete(index)
    this.#contents.set(index, content)
    for (const [oldest, { length }] of this.#contents) {
      if (this.#size <= this.#capacity || oldest === index) break
      this.#contents.delete(oldest)
      this.#size -= length
    }
  }
}
