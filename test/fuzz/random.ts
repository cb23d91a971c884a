/** Random numbers that a seed decides. (sfc32 of PractRand) */
export class Random {
  #a: number
  #b: number
  #c = 0x9e3779b9
  #counter = 1

  constructor(seed: number) {
    this.#a = seed >>> 0
    this.#b = Math.floor(seed / 2 ** 32) >>> 0
    for (let i = 0; i < 12; i++) this.next()
  }

  /** 32 bits. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) >>> 0
    this.#counter = (this.#counter + 1) >>> 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) >>> 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0
    return sum
  }

  /** A whole number from 0 on, less than `limit`. */
  below(limit: number): number {
    return this.next() % limit
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]
  }

  /** A length from 1 to `limit`, small ones far more often than large ones. */
  length(limit: number): number {
    return 1 + this.below(Math.max(1, Math.min(limit, 2 ** this.below(1 + Math.ceil(Math.log2(limit + 1))))))
  }
}
