/** Where the content of streams is until the tree is known: in the file that the stream is, or in a temporary one. */
import { read } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { StreamStore } from '../../btrfs/send/apply/file-content.ts'
import { createNameless } from '../../lib/temporary-file.ts'

const readFile = promisify(read)

/** Bytes that are written or read at once. */
const BUFFER_SIZE = 1 << 20

/** A stream that is an open file itself, and stays that. */
export function storeOfFile(descriptor: number): StreamStore {
  return new FileStore(descriptor)
}

/** Keeps content one after the other: a little in memory, more in a temporary file. */
export class SpoolStore implements StreamStore {
  #handle: FileHandle | undefined
  #file: FileStore | undefined
  /** Bytes in the file. */
  #end = 0
  /** What is not written yet. */
  readonly #pending = Buffer.allocUnsafeSlow(BUFFER_SIZE)
  #pendingLength = 0

  /** @returns the position to read from, after `flush` */
  async add(content: Uint8Array): Promise<number> {
    const position = this.#end + this.#pendingLength
    for (let at = 0; at < content.length;) {
      if (this.#pendingLength === BUFFER_SIZE) await this.#write()
      const part = content.subarray(at, at + BUFFER_SIZE - this.#pendingLength)
      this.#pending.set(part, this.#pendingLength)
      this.#pendingLength += part.length
      at += part.length
    }
    return position
  }

  async flush(): Promise<void> {
    if (this.#handle !== undefined) await this.#write()
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    return this.#file?.read(position, length) ?? this.#pending.subarray(position, position + length)
  }

  async close(): Promise<void> {
    await this.#handle?.close()
  }

  async #write(): Promise<void> {
    if (this.#handle === undefined) {
      const { handle } = await createNameless()
      this.#handle = handle
      this.#file = new FileStore(handle.fd)
    }
    for (let at = 0; at < this.#pendingLength;) {
      const { bytesWritten } = await this.#handle.write(
        this.#pending,
        at,
        this.#pendingLength - at,
        this.#end,
      )
      at += bytesWritten
      this.#end += bytesWritten
    }
    this.#pendingLength = 0
  }
}

/** Reads ahead: most content is read in the order in which it came. */
class FileStore implements StreamStore {
  readonly #descriptor: number
  #buffer: Buffer | undefined
  #start = 0
  #length = 0

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const inside = position - this.#start
    if (inside < 0 || inside + length > this.#length) await this.#fill(position, length)
    const at = position - this.#start
    return this.#buffer!.subarray(at, at + length)
  }

  async #fill(position: number, length: number): Promise<void> {
    if (this.#buffer === undefined || this.#buffer.length < length) {
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(BUFFER_SIZE, length))
    }
    this.#start = position
    this.#length = 0
    while (this.#length < length) {
      const { buffer, length: size } = this.#buffer
      const into = new Uint8Array(buffer, this.#length, size - this.#length)
      const { bytesRead } = await readFile(this.#descriptor, into, 0, into.length, position + this.#length)
      if (bytesRead === 0) throw new Error(`expected ${length} bytes at ${position}, found ${this.#length}`)
      this.#length += bytesRead
    }
  }
}
