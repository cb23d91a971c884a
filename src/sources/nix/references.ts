import { BASE32_DIGITS } from './hash.ts'
import { HASH_PART, hashPartOf } from './store-path.ts'

/** 1 for the codes of the characters that a hash consists of. */
const IS_DIGIT = new Uint8Array(256)
for (const digit of BASE32_DIGITS) IS_DIGIT[digit.charCodeAt(0)] = 1

/** Index of two characters in a table. */
const pair = (first: number, second: number) => (first << 8) | second

/**
 * Finds references as Nix does after a build: the hash of a store path anywhere in the NAR of another is a reference to
 * it. (RefScanSink in Nix's references.cc)
 */
export class ReferenceScanner {
  /** Store paths by their hashes. */
  readonly #candidates: ReadonlyMap<string, string>
  /** 1 for the first two characters of a candidate: few places need a look-up. */
  readonly #starts = new Uint8Array(1 << 16)
  readonly #found = new Set<string>()
  /** The last bytes seen, with which a hash may begin. */
  #tail = new Uint8Array(0)

  /** @param candidates names of store paths */
  constructor(candidates: readonly string[]) {
    this.#candidates = new Map(candidates.map((path) => [hashPartOf(path), path]))
    for (const hash of this.#candidates.keys()) {
      this.#starts[pair(hash.charCodeAt(0), hash.charCodeAt(1))] = 1
    }
  }

  /** Looks at the next bytes of a NAR. */
  update(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const over = HASH_PART - 1
    if (this.#tail.length > 0) {
      const seam = new Uint8Array(this.#tail.length + Math.min(bytes.length, over))
      seam.set(this.#tail)
      seam.set(bytes.subarray(0, over), this.#tail.length)
      this.#search(seam)
    }
    this.#search(bytes)
    if (bytes.length >= over) this.#tail = new Uint8Array(bytes.subarray(-over))
    else {
      const tail = new Uint8Array(Math.min(over, this.#tail.length + bytes.length))
      const kept = this.#tail.subarray(this.#tail.length - (tail.length - bytes.length))
      tail.set(kept)
      tail.set(bytes, kept.length)
      this.#tail = tail
    }
  }

  /** The candidates seen, in the order of their names. */
  get found(): string[] {
    return [...this.#found].sort()
  }

  #search(bytes: Uint8Array): void {
    // Up to here all characters from `at` on are known to be digits.
    let known = 0
    for (let at = 0; at + HASH_PART <= bytes.length;) {
      let last = at + HASH_PART - 1
      while (last >= known && IS_DIGIT[bytes[last]] === 1) last--
      if (last >= known) {
        known = at = last + 1
        continue
      }
      known = at + HASH_PART
      if (this.#starts[pair(bytes[at], bytes[at + 1])] === 1) this.#lookUp(bytes, at)
      at++
    }
  }

  #lookUp(bytes: Uint8Array, at: number): void {
    const path = this.#candidates.get(String.fromCharCode(...bytes.subarray(at, at + HASH_PART)))
    if (path !== undefined) this.#found.add(path)
  }
}
