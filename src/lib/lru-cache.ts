/** The values used last, up to a total weight; the one set last is kept whatever it weighs. */
export class LruCache<K, V> {
  /** The one used last comes last. */
  readonly #values = new Map<K, V>()
  readonly #capacity: number
  readonly #weigh: (value: V) => number
  readonly #onEvict: ((key: K, value: V) => void) | undefined
  #weight = 0

  /**
   * @param capacity sum of the weights
   * @param weigh of one value, the same each time; default: 1
   * @param onEvict called with each value that is removed to make room
   */
  constructor(
    capacity: number,
    { weigh = () => 1, onEvict }: { weigh?: (value: V) => number; onEvict?: (key: K, value: V) => void } = {},
  ) {
    this.#capacity = capacity
    this.#weigh = weigh
    this.#onEvict = onEvict
  }

  /** Does not count as a use. */
  has(key: K): boolean {
    return this.#values.has(key)
  }

  get(key: K): V | undefined {
    const value = this.#values.get(key)
    if (value !== undefined) {
      this.#values.delete(key)
      this.#values.set(key, value)
    }
    return value
  }

  set(key: K, value: V): void {
    this.delete(key)
    this.#values.set(key, value)
    this.#weight += this.#weigh(value)
    for (const [oldest, old] of this.#values) {
      if (this.#weight <= this.#capacity || oldest === key) break
      this.delete(oldest)
      this.#onEvict?.(oldest, old)
    }
  }

  delete(key: K): void {
    const value = this.#values.get(key)
    if (value === undefined) return
    this.#values.delete(key)
    this.#weight -= this.#weigh(value)
  }

  clear(): void {
    this.#values.clear()
    this.#weight = 0
  }
}
