/** The content of a file that a stream makes: which bytes of the stream lie where. */

/** How the bytes of an extent are compressed. */
export interface StoredEncoding {
  algorithm: 'zlib' | 'lzo' | 'zstd'
  /** Bytes that the stream has of it. */
  storedLength: number
  /** Bytes that it decompresses to. */
  ramBytes: number
  /** Bytes of a segment of LZO, but the last. */
  sectorSize: number
}

/** Bytes that a stream has brought, kept somewhere. */
export interface StreamStore {
  /** @returns bytes that are valid until the next call */
  read(position: number, length: number): Promise<Uint8Array>
}

/** A run of content. */
export interface ContentExtent {
  /** Place in the file, in bytes. */
  offset: number
  length: number
  store: StreamStore
  /** Where in the store the run begins, or all of the compressed extent that it is a part of. */
  position: number
  encoding: StoredEncoding | undefined
  /** Offset of the run in what the compressed extent decompresses to. */
  from: number
  /** Offset in the stream of the command that brought it. */
  command: number
}

/** Extents in the order of their places. Everything else reads as zeros. */
export class SendFileContent {
  #extents: ContentExtent[]

  constructor(extents: ContentExtent[] = []) {
    this.#extents = extents
  }

  get extents(): readonly ContentExtent[] {
    return this.#extents
  }

  copy(): SendFileContent {
    return new SendFileContent(this.#extents.slice())
  }

  /** Puts an extent in the place of what is there. */
  write(extent: ContentExtent): void {
    const last = this.#extents.at(-1)
    if (last === undefined || endOf(last) <= extent.offset) {
      if (last !== undefined && continues(last, extent)) {
        this.#extents[this.#extents.length - 1] = { ...last, length: last.length + extent.length }
      } else this.#extents.push(extent)
      return
    }
    this.replace(extent.offset, extent.length, [extent])
  }

  /** Puts extents, which lie in the range, in the place of all that is there. */
  replace(offset: number, length: number, extents: readonly ContentExtent[]): void {
    const end = offset + length
    const first = this.#firstEndingBehind(offset)
    let next = first
    while (next < this.#extents.length && this.#extents[next].offset < end) next++
    if (first === next) {
      this.#extents.splice(first, 0, ...extents)
      return
    }
    const before = cut(this.#extents[first], -Infinity, offset)
    const after = cut(this.#extents[next - 1], end, Infinity)
    this.#extents.splice(
      first,
      next - first,
      ...(before ? [before] : []),
      ...extents,
      ...(after ? [after] : []),
    )
  }

  /** Takes away what lies behind `size`. */
  truncate(size: number): void {
    const first = this.#firstEndingBehind(size)
    if (first === this.#extents.length) return
    const kept = cut(this.#extents[first], -Infinity, size)
    this.#extents.length = first
    if (kept !== undefined) this.#extents.push(kept)
  }

  /** The content of a range, moved to `target`. */
  slice(offset: number, length: number, target: number): ContentExtent[] {
    const slice: ContentExtent[] = []
    for (let i = this.#firstEndingBehind(offset); i < this.#extents.length; i++) {
      const part = cut(this.#extents[i], offset, offset + length)
      if (part === undefined) break
      slice.push({ ...part, offset: part.offset - offset + target })
    }
    return slice
  }

  #firstEndingBehind(offset: number): number {
    let low = 0
    let high = this.#extents.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (endOf(this.#extents[middle]) > offset) high = middle
      else low = middle + 1
    }
    return low
  }
}

export function endOf({ offset, length }: { offset: number; length: number }): number {
  return offset + length
}

/** The part of an extent that lies in a range of the file. */
export function cut(extent: ContentExtent, start: number, end: number): ContentExtent | undefined {
  const from = Math.max(extent.offset, start)
  const to = Math.min(endOf(extent), end)
  if (from >= to) return undefined
  if (from === extent.offset && to === endOf(extent)) return extent
  const skipped = from - extent.offset
  const place =
    extent.encoding === undefined ? { position: extent.position + skipped } : { from: extent.from + skipped }
  return { ...extent, ...place, offset: from, length: to - from }
}

/** Whether an extent is the rest of another one, in the file as in the store. */
function continues(last: ContentExtent, next: ContentExtent): boolean {
  return (
    last.encoding === undefined &&
    next.encoding === undefined &&
    last.store === next.store &&
    endOf(last) === next.offset &&
    last.position + last.length === next.position
  )
}
