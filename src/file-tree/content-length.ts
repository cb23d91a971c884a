/** Checks that the content of a file is as long as its entry declares. */
import { toDisplay } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import type { SourceEntry } from './entry.ts'
import { contentLength, type FileContent } from './file-content.ts'

/** A file's content and the entry it belongs to, for messages. */
export type NamedContent = FileContent & Pick<SourceEntry, 'path' | 'origin'>

/** Counts the bytes of content as they arrive. */
export class ContentLengthCheck {
  readonly #file: NamedContent
  readonly #expected: number
  #found = 0

  /** @param expected bytes that the content should have */
  constructor(file: NamedContent, expected = contentLength(file)) {
    this.#file = file
    this.#expected = expected
  }

  /** @throws InputError when there are more bytes than declared */
  add({ length }: Uint8Array): void {
    this.#found += length
    // The rest is not counted: the stream may be endless.
    if (this.#found > this.#expected) throw this.#error(`at least ${this.#found}`)
  }

  /** @throws InputError when there were fewer bytes than declared */
  end(): void {
    if (this.#found < this.#expected) throw this.#error(`${this.#found}`)
  }

  #error(found: string): InputError {
    const { path, origin, ranges } = this.#file
    const where = ranges === undefined ? '' : ' in the data ranges'
    return new InputError(`expected ${this.#expected} bytes of content${where}, found ${found}`, {
      source: origin.source,
      entry: toDisplay(path),
      offset: origin.offset,
    })
  }
}

/** The same content, checked while it is read. */
export async function* checkedContent(file: NamedContent): AsyncGenerator<Uint8Array, void, undefined> {
  const check = new ContentLengthCheck(file)
  for await (const piece of file.content) {
    check.add(piece)
    yield piece
  }
  check.end()
}
