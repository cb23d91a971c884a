/** How far the check has come. */
export class CheckProgress {
  readonly #onProgress: (done: number, total: number) => void
  #done = 0
  #total: number

  /** @param total bytes to check, as far as is known */
  constructor(total: number, onProgress: (done: number, total: number) => void = () => undefined) {
    this.#total = total
    this.#onProgress = onProgress
  }

  /** @param bytes that have been checked */
  add(bytes: number): void {
    this.#done += bytes
    this.#onProgress(Math.min(this.#done, this.#total), this.#total)
  }

  /** @param bytes that are still to be checked */
  expect(bytes: number): void {
    this.#total = Math.max(this.#total, this.#done + bytes)
  }

  finish(): void {
    this.#onProgress(this.#total, this.#total)
  }
}
