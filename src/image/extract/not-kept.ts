/** Counts what the target of an extraction cannot hold. */
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'

/** A property that could not be kept. */
export type Loss = 'socket' | 'fifo' | 'device' | 'owner' | 'setid' | 'xattr' | 'flags' | 'time' | 'link'

export interface NotKept {
  what: Loss
  /** The same in words: `sockets: left out`. */
  text: string
  /** Number of entries. */
  count: number
  /** Path of the first of them, with `\xNN` for bytes that are not UTF-8. */
  example: string
}

export class Losses {
  readonly #texts: Partial<Record<Loss, string>>
  readonly #found = new Map<Loss, NotKept>()

  constructor(texts: Partial<Record<Loss, string>>) {
    this.#texts = texts
  }

  add(what: Loss, path: ByteString): void {
    const known = this.#found.get(what)
    if (known !== undefined) known.count++
    else this.#found.set(what, { what, text: this.#texts[what] ?? what, count: 1, example: toDisplay(path) })
  }

  list(): NotKept[] {
    return [...this.#found.values()]
  }
}
