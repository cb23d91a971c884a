/** A set of cluster numbers, one bit each, as there may be 268 million. */
export class ClusterSet {
  readonly #bits: Uint8Array

  /** @param end one more than the largest number */
  constructor(end: number) {
    this.#bits = new Uint8Array(Math.ceil(end / 8))
  }

  has(cluster: number): boolean {
    return (this.#bits[cluster >>> 3] & (1 << (cluster & 7))) !== 0
  }

  add(cluster: number): void {
    this.#bits[cluster >>> 3] |= 1 << (cluster & 7)
  }
}
