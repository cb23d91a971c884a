/** Files of an image layout, wherever they lie: in a directory, or inside a tar archive. */
import { Buffer } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { InputError } from '../../lib/errors.ts'
import { withPlace } from '../with-place.ts'
import type { FileChunks } from '../../tar/read/chunk-reader.ts'

const READ_SIZE = 256 << 10

/** The files of a layout. */
export interface LayoutFiles {
  /** Name of the layout in messages. */
  readonly source: string
  /**
   * @param path without `..`, relative to the top of the layout
   * @returns undefined when there is no such file
   * @throws InputError when it is something else than a file, or cannot be read
   */
  find(path: string): Promise<StoredFile | undefined>
  close(): Promise<void>
}

export interface StoredFile {
  readonly path: string
  readonly size: number
  open(): Promise<OpenStoredFile>
}

/** A part of an open file of this machine. */
export interface OpenStoredFile {
  handle: FileHandle
  /** Offset of the first byte. */
  start: number
  size: number
  /** Name in messages. */
  source: string
  /** Hands the file over to who reads its content later. False when nobody does. */
  keep(): boolean
  /** Closes the file, unless it was handed over. */
  close(): Promise<void>
}

export interface StoredReadOptions {
  /** Called with the length of each piece that was read. */
  onBytes?: ((length: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** The bytes of a stored file, in pieces that are valid until the next one is asked for. */
export class StoredChunks implements FileChunks {
  readonly file: FileChunks['file']
  readonly #stored: OpenStoredFile
  readonly #options: StoredReadOptions
  #next = 0

  /** @param isLocated whether others may read the content of tar entries in it, by its place in the file */
  constructor(stored: OpenStoredFile, options: StoredReadOptions, isLocated: boolean) {
    const { handle, start, size } = stored
    this.#stored = stored
    this.#options = options
    this.file = isLocated ? { descriptor: handle.fd, start, size } : undefined
  }

  seek(offset: number): void {
    this.#next = offset
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const { handle, start, size, source } = this.#stored
    const { onBytes, signal } = this.#options
    const buffer = Buffer.allocUnsafeSlow(Math.min(READ_SIZE, size))
    while (this.#next < size) {
      signal?.throwIfAborted()
      const length = Math.min(buffer.length, size - this.#next)
      const { bytesRead } = await withPlace({ source }, () =>
        handle.read(buffer, 0, length, start + this.#next),
      )
      if (bytesRead === 0) {
        throw new InputError(
          `the file changed while it was read: expected ${size} bytes, found ${this.#next}`,
          {
            source,
          },
        )
      }
      this.#next += bytesRead
      onBytes?.(bytesRead)
      yield buffer.subarray(0, bytesRead)
    }
  }
}
