import type { FileHandle } from 'node:fs/promises'
import { createNameless } from '../lib/temporary-file.ts'

const READ_SIZE = 1 << 20

/** Keeps content that can be read once in a temporary file, so that it can be read later. */
export class FileSpool {
  #handle: FileHandle | undefined
  #end = 0

  /** Stores the content. @returns a function that reads it again, any number of times */
  async add(content: AsyncIterable<Uint8Array>): Promise<() => AsyncIterable<Uint8Array>> {
    const handle = (this.#handle ??= (await createNameless()).handle)
    const start = this.#end
    const end = (this.#end = await writePieces(handle, content, start))
    return () => readRange(handle, start, end)
  }

  /** Frees the space; stored content can no longer be read. */
  async close(): Promise<void> {
    await this.#handle?.close()
  }
}

/** Writes pieces one after the other, from `position` on. @returns the position behind them */
export async function writePieces(
  handle: FileHandle,
  pieces: AsyncIterable<Uint8Array>,
  position: number,
): Promise<number> {
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const { bytesWritten } = await handle.write(piece, at, piece.length - at, position)
      at += bytesWritten
      position += bytesWritten
    }
  }
  return position
}

async function* readRange(handle: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(READ_SIZE, end - start))
  for (let at = start; at < end;) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, end - at), at)
    if (bytesRead === 0) throw new Error(`temporary file: expected ${end} bytes, found ${at}`)
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}
