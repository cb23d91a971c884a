/** Files that are read and written at any place, where there are none of Node. */

/**
 * Bytes that can be read and written anywhere, and grow as they are written: what is used of the
 * `FileSystemSyncAccessHandle` of a browser. Calls may answer later.
 */
export interface RandomAccessFile {
  /**
   * Reads into all of `target`; less only where the file ends.
   *
   * @returns the bytes read
   */
  read(target: Uint8Array, options: { at: number }): number | Promise<number>
  /** @returns the bytes written: fewer where there is no more room */
  write(bytes: Uint8Array, options: { at: number }): number | Promise<number>
  /** Cuts the file off, or fills it up with zeros. */
  truncate(size: number): void | Promise<void>
}

/** One that is gone when it is closed. */
export interface ScratchFile extends RandomAccessFile {
  close(): void | Promise<void>
}

/** Makes room for what cannot be kept in memory. */
export type CreateScratch = () => ScratchFile | Promise<ScratchFile>

/** Bytes of a block: what was never written takes none. */
const BLOCK_SIZE = 1 << 20

/** A file in memory. What was not written takes none. */
export class MemoryFile implements ScratchFile {
  readonly #blocks = new Map<number, Uint8Array<ArrayBuffer>>()
  #size = 0

  /** Bytes. */
  get size(): number {
    return this.#size
  }

  read(target: Uint8Array, { at }: { at: number }): number {
    const length = Math.max(0, Math.min(target.length, this.#size - at))
    for (const { block, from, offset, size } of cut(at, length)) {
      const part = target.subarray(offset, offset + size)
      const bytes = this.#blocks.get(block)
      if (bytes === undefined) part.fill(0)
      else part.set(bytes.subarray(from, from + size))
    }
    return length
  }

  write(bytes: Uint8Array, { at }: { at: number }): number {
    for (const { block, from, offset, size } of cut(at, bytes.length)) {
      let target = this.#blocks.get(block)
      if (target === undefined) this.#blocks.set(block, (target = new Uint8Array(BLOCK_SIZE)))
      target.set(bytes.subarray(offset, offset + size), from)
    }
    this.#size = Math.max(this.#size, at + bytes.length)
    return bytes.length
  }

  truncate(size: number): void {
    const last = Math.floor(size / BLOCK_SIZE)
    for (const block of this.#blocks.keys()) if (block > last) this.#blocks.delete(block)
    this.#blocks.get(last)?.fill(0, size % BLOCK_SIZE)
    this.#size = size
  }

  close(): void {
    this.truncate(0)
  }

  /** All of it, as a browser saves it. */
  blob(): Blob {
    const zeros = new Uint8Array(BLOCK_SIZE)
    const parts = Array.from({ length: Math.ceil(this.#size / BLOCK_SIZE) }, (_, block) =>
      (this.#blocks.get(block) ?? zeros).subarray(0, this.#size - block * BLOCK_SIZE),
    )
    return new Blob(parts)
  }
}

/** A range as parts of blocks. */
function* cut(
  at: number,
  length: number,
): Generator<{ block: number; from: number; offset: number; size: number }> {
  for (let offset = 0; offset < length;) {
    const block = Math.floor((at + offset) / BLOCK_SIZE)
    const from = at + offset - block * BLOCK_SIZE
    const size = Math.min(BLOCK_SIZE - from, length - offset)
    yield { block, from, offset, size }
    offset += size
  }
}
