import type { CreateScratch, ScratchFile } from '../../lib/random-access.ts'

const READ_SIZE = 1 << 20

/** Keeps content that can be read once, so that it can be read later. */
export class ScratchSpool {
  readonly #create: CreateScratch
  #file: ScratchFile | undefined
  #end = 0

  constructor(create: CreateScratch) {
    this.#create = create
  }

  /** Stores the content. @returns a function that reads it again, any number of times */
  async add(content: AsyncIterable<Uint8Array>): Promise<() => AsyncIterable<Uint8Array>> {
    const file = (this.#file ??= await this.#create())
    const start = this.#end
    for await (const piece of content) {
      for (let at = 0; at < piece.length;) {
        const written = await file.write(piece.subarray(at), { at: this.#end })
        if (written === 0) throw new Error('temporary file: no space left')
        at += written
        this.#end += written
      }
    }
    const end = this.#end
    return () => readRange(file, start, end)
  }

  /** Frees the space; stored content can no longer be read. */
  async close(): Promise<void> {
    await this.#file?.close()
  }
}

async function* readRange(file: ScratchFile, start: number, end: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(READ_SIZE, end - start))
  for (let at = start; at < end;) {
    const read = await file.read(buffer.subarray(0, end - at), { at })
    if (read === 0) throw new Error(`temporary file: expected ${end} bytes, found ${at}`)
    yield buffer.subarray(0, read)
    at += read
  }
}
