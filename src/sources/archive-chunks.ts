/** An archive that is a file of this machine. */
import { Buffer } from 'node:buffer'
import { constants, readSync } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { compressionOf, LONGEST_MAGIC } from '../lib/compression-format.ts'
import { InputError } from '../lib/errors.ts'
import { systemMessageOf } from '../lib/system-message.ts'
import { yieldToEventLoop } from '../lib/yield.ts'
import type { FileChunks } from '../tar/read/chunk-reader.ts'
import { decompress, type DecompressOptions } from './decompress.ts'

/** Should it be a fifo, opening it must not wait for somebody who writes. */
export const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/** Bytes that are read at once: fewer after a seek, since the next one may follow soon. */
const MIN_READ = 1 << 16
const MAX_READ = 1 << 20

export interface ArchiveChunksOptions {
  /** The bytes of a path that is a fifo. */
  readFifo: () => AsyncIterable<Uint8Array>
  onRead?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
  decompression?: DecompressOptions | undefined
  /** Takes the open file over. Others may then read it, too, when it is not compressed. */
  retain?: ((file: FileHandle) => void) | undefined
}

/** The bytes of an archive, decompressed. It can be iterated once. */
export class ArchiveChunks implements FileChunks {
  file: FileChunks['file']
  readonly #path: string
  readonly #options: ArchiveChunksOptions
  /** Offset of the next read. */
  #next = 0
  #readSize = MAX_READ

  constructor(path: string, options: ArchiveChunksOptions) {
    this.#path = path
    this.#options = options
  }

  seek(offset: number): void {
    this.#next = offset
    this.#readSize = MIN_READ
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const { retain, readFifo } = this.#options
    if (await isFifo(this.#path)) {
      yield* readFifo()
      return
    }
    const handle = await this.#open()
    retain?.(handle)
    try {
      const stats = await handle.stat()
      const chunks = this.#read(handle, stats.isFile())
      if (retain !== undefined && stats.isFile() && !(await isCompressed(handle))) {
        this.file = { descriptor: handle.fd, size: stats.size }
        yield* chunks
      } else yield* decompress(chunks, this.#path, this.#options.decompression)
    } finally {
      if (retain === undefined) await handle.close()
    }
  }

  async #open(): Promise<FileHandle> {
    const source = this.#path
    try {
      const handle = await open(source, READ_FLAGS)
      if (!(await handle.stat()).isDirectory()) return handle
      await handle.close()
    } catch (error) {
      throw new InputError(systemMessageOf(error), { source }, { cause: error })
    }
    throw new InputError('expected a file, found a directory', { source })
  }

  /**
   * The bytes of the file in large pieces, in one buffer. A regular file is read synchronously: its bytes are usually in the
   * page cache, as the system reads ahead, and a thread that copies them takes longer to wake up than to copy. A fifo or a
   * device may have nothing to read for a long time.
   */
  async *#read(handle: FileHandle, isFile: boolean): AsyncGenerator<Uint8Array, void, undefined> {
    const { onRead, signal } = this.#options
    const buffer = Buffer.allocUnsafeSlow(MAX_READ)
    try {
      for (;;) {
        const bytesRead = isFile
          ? readSync(handle.fd, buffer, 0, this.#readSize, this.#next)
          : (await handle.read(buffer, 0, this.#readSize, null)).bytesRead
        if (bytesRead === 0) return
        // Nothing else in this loop waits.
        if (isFile) await yieldToEventLoop()
        signal?.throwIfAborted()
        this.#next += bytesRead
        this.#readSize = Math.min(2 * this.#readSize, MAX_READ)
        onRead?.(this.#next)
        yield buffer.subarray(0, bytesRead)
      }
    } catch (error) {
      if (signal?.aborted) throw error
      throw new InputError(systemMessageOf(error), { source: this.#path }, { cause: error })
    }
  }
}

async function isFifo(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined)
  return stats?.isFIFO() ?? false
}

/** Whether the bytes of a file are compressed: `size` of them, from `start` on. */
export async function isCompressed(handle: FileHandle, start = 0, size = Infinity): Promise<boolean> {
  const length = Math.min(LONGEST_MAGIC, size)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(LONGEST_MAGIC), 0, length, start)
  return compressionOf(buffer.subarray(0, bytesRead)) !== undefined
}
