/** What the place that things are extracted to cannot hold: counted, and said once. */
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'

/** What could not be kept. */
export type Loss = 'socket' | 'fifo' | 'device' | 'owner' | 'setid' | 'xattr' | 'flags' | 'time' | 'link'

export interface NotKept {
  what: Loss
  /** The same in words, for one entry: `socket: left out`. */
  text: string
  /** Entries it is about. */
  count: number
  /** The first of them, as it is shown: UTF-8, with `\xNN` for other bytes. */
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
