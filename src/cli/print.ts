/** Writes to standard output and waits until the data is flushed. */
export function print(text: string | Uint8Array): Promise<void> {
  return new Promise((done, failed) => {
    process.stdout.write(text, (error) => (error ? failed(error) : done()))
  })
}

export function printJson(value: unknown): Promise<void> {
  return print(`${JSON.stringify(value, null, 2)}\n`)
}

/** Buffers text and prints it in large pieces. */
export class Printer {
  #text = ''

  async add(text: string): Promise<void> {
    this.#text += text
    if (this.#text.length >= 65536) await this.flush()
  }

  async flush(): Promise<void> {
    const text = this.#text
    this.#text = ''
    if (text !== '') await print(text)
  }
}

/** Prints a JSON list item by item, as it may not fit into memory. */
export class JsonListPrinter {
  readonly #printer = new Printer()
  #isFirst = true

  add(item: unknown): Promise<void> {
    const before = this.#isFirst ? '[\n' : ',\n'
    this.#isFirst = false
    return this.#printer.add(`${before}  ${JSON.stringify(item)}`)
  }

  async end(): Promise<void> {
    await this.#printer.add(this.#isFirst ? '[]\n' : '\n]\n')
    await this.#printer.flush()
  }
}
