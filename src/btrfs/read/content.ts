/** The content of files, put together from their extents. */
import type { Reading } from '../../lib/reading.ts'
import type { Cursor } from './cursor.ts'
import type { DataReader } from './data.ts'
import { decompressExtent, type Decompressor } from './decompress.ts'
import { holdsData, type FileExtent } from './file-extents.ts'

/** The most that is read at once. */
const MAX_RUN = 1024 * 1024

/** A file, as far as its content goes. */
export interface FileOfContent {
  tree: number
  ino: number
  /** Its data have no checksums. (BTRFS_INODE_NODATASUM) */
  nodatasum: boolean
}

/** Where bytes go that are read: a piece of one extent, all of it when it is compressed. */
interface Piece {
  extent: FileExtent
  /** Logical address and length: whole sectors. */
  bytenr: number
  length: number
  /** What the file has of it. */
  from: number
  to: number
}

export interface ContentReaderOptions {
  data: DataReader
  zstd: Decompressor
  sectorsize: number
  /** Works with a cursor over the checksum tree. */
  withSums: <T>(work: (cursor: Cursor) => Reading<T>) => Reading<T>
}

export class ContentReader {
  readonly #options: ContentReaderOptions
  /** The compressed extent that was read last, for those who read little at a time. */
  #last: { bytenr: number; content: Uint8Array } | undefined

  constructor(options: ContentReaderOptions) {
    this.#options = options
  }

  /**
   * Bytes of a file; zeros where no extent has any.
   *
   * @param extents at least those that overlap with the range, in the order of their items
   */
  *read(
    file: FileOfContent,
    extents: readonly FileExtent[],
    { offset, length }: { offset: number; length: number },
  ): Reading<Uint8Array> {
    const out = new Uint8Array(length)
    let run: Piece[] = []
    for (const piece of this.#pieces(extents, offset, offset + length)) {
      const { extent } = piece
      if (extent.type === 'inline') {
        const content =
          extent.compression === 'none' ? extent.data! : this.#decompressed(extent, extent.data!)
        copyTo(out, offset, piece, content, extent.fileOffset)
      } else if (extent.compression !== 'none' && this.#last?.bytenr === extent.diskBytenr) {
        copyTo(out, offset, piece, this.#last.content, extent.fileOffset - extent.offset)
      } else {
        if (run.length > 0 && !this.#follows(run, piece)) {
          yield* this.#readRun(file, run, out, offset)
          run = []
        }
        run.push(piece)
      }
    }
    if (run.length > 0) yield* this.#readRun(file, run, out, offset)
    return out
  }

  /** What must be read, in the order of the file. */
  *#pieces(extents: readonly FileExtent[], start: number, end: number): Generator<Piece> {
    const { sectorsize } = this.#options
    for (const extent of extents) {
      const { fileOffset, length, diskBytenr, diskNumBytes, offset } = extent
      let from = Math.max(start, fileOffset)
      const to = Math.min(end, fileOffset + length)
      if (from >= to || !holdsData(extent)) continue
      if (extent.type === 'inline') {
        yield { extent, bytenr: 0, length: 0, from, to }
      } else if (extent.compression !== 'none') {
        yield { extent, bytenr: diskBytenr, length: diskNumBytes, from, to }
      } else {
        // Extents begin at sectors, in the file as on the device.
        const base = diskBytenr + offset - fileOffset
        for (; from < to;) {
          const first = from - (from % sectorsize)
          const last = Math.min(to, first + MAX_RUN)
          const size = Math.ceil((last - first) / sectorsize) * sectorsize
          yield { extent, bytenr: base + first, length: size, from, to: last }
          from = last
        }
      }
    }
  }

  #follows(run: readonly Piece[], { bytenr, length }: Piece): boolean {
    const last = run[run.length - 1]
    return last.bytenr + last.length === bytenr && bytenr + length - run[0].bytenr <= MAX_RUN
  }

  /** Reads pieces that lie one behind the other on the device. */
  *#readRun(file: FileOfContent, pieces: readonly Piece[], out: Uint8Array, outStart: number): Reading<void> {
    const { data, withSums } = this.#options
    const [{ bytenr, extent }] = pieces
    const { length: lastLength, bytenr: lastBytenr } = pieces[pieces.length - 1]
    const range = { bytenr, length: lastBytenr + lastLength - bytenr }
    const what = `inode ${file.ino} of tree ${file.tree}, extent at ${extent.fileOffset}`
    const sums = file.nodatasum ? undefined : yield* withSums((cursor) => data.sums(cursor, range, what))
    const stored = yield* data.read(range, sums, what)
    for (const piece of pieces) {
      const start = piece.bytenr - bytenr
      const { extent } = piece
      if (extent.compression === 'none') {
        const first = piece.from - (piece.from % this.#options.sectorsize)
        const bytes = stored.subarray(start, start + piece.length)
        copyTo(out, outStart, piece, bytes, first)
      } else {
        const content = this.#decompressed(extent, stored.subarray(start, start + piece.length))
        copyTo(out, outStart, piece, content, extent.fileOffset - extent.offset)
        const isRest = piece.to < extent.fileOffset + extent.length
        this.#last = isRest ? { bytenr: extent.diskBytenr, content } : undefined
      }
    }
  }

  #decompressed(extent: FileExtent, stored: Uint8Array): Uint8Array {
    return decompressExtent(extent, stored, this.#options)
  }
}

/** @param start where in the file `content` begins; what is missing at its end stays zeros */
function copyTo(
  out: Uint8Array,
  outStart: number,
  { from, to }: Piece,
  content: Uint8Array,
  start: number,
): void {
  if (from - start < content.length) out.set(content.subarray(from - start, to - start), from - outStart)
}
