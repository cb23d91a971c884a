/** Reads the content of files from their extents. */
import type { StoredPiece } from '../../file-tree/reader.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import type { Cursor } from './cursor.ts'
import type { DataReader } from './data.ts'
import { decompressExtent, decompressInScratch, decompressInto, type Decompressor } from './decompress.ts'
import { MAX_COMPRESSED_RAM_BYTES } from '../format.ts'
import { holdsData, type FileExtent } from './file-extents.ts'

/** Bytes that are read at once, at most. */
const MAX_RUN = 1024 * 1024

/** The properties of a file that reading its content depends on. */
export interface FileOfContent {
  tree: number
  ino: number
  /** Bytes. */
  size: number
  /** Its data have no checksums. (BTRFS_INODE_NODATASUM) */
  nodatasum: boolean
}

/** A part of one extent that is read for a part of the file; all of the extent when it is compressed. */
interface Piece {
  extent: FileExtent
  /** Logical address and length: whole sectors. */
  bytenr: number
  length: number
  /** The part of the file that it gives. */
  from: number
  to: number
  /** Offset in the file of the first byte that is read or decompressed. */
  start: number
}

/** Called with the stored bytes of a piece. */
type TakeStored = (piece: Piece, bytes: Uint8Array) => void

interface PieceTaker {
  take: TakeStored
  /** Takes a piece that need not be read; returns false for any other. */
  takeKept: (piece: Piece) => boolean
  /** The bytes that `take` gets are kept. */
  keepsStored: boolean
}

export interface ContentReaderOptions {
  data: DataReader
  zstd: Decompressor
  sectorsize: number
  /** Works with a cursor over the checksum tree. */
  withSums: <T>(work: (cursor: Cursor) => ReadRoutine<T>) => ReadRoutine<T>
}

export class ContentReader {
  readonly #options: ContentReaderOptions
  /** The compressed extent that was read last, for callers that read a little at a time. */
  #last: { bytenr: number; content: Uint8Array } | undefined
  /** Memory for stored bytes that nobody keeps, while none are read into it. */
  #stored: Uint8Array | undefined
  /** Memory for the content of an extent of which a part is copied. */
  #scratch: Uint8Array | undefined

  constructor(options: ContentReaderOptions) {
    this.#options = options
  }

  /**
   * Bytes of a file; zeros where no extent has any.
   *
   * @param extents at least those that overlap with the range, in the order of their items
   * @param into memory for the bytes
   */
  *read(
    file: FileOfContent,
    extents: readonly FileExtent[],
    { offset, length }: { offset: number; length: number },
    into?: Uint8Array,
  ): ReadRoutine<Uint8Array> {
    const target = new Target(offset, length, into)
    const put: TakeStored = (piece, bytes) => {
      if (piece.extent.compression === 'none') target.put(piece, bytes)
      else this.#putDecompressed(file, piece, bytes, target)
    }
    const putKept = (piece: Piece): boolean => {
      const { extent } = piece
      if (extent.type === 'inline') target.put(piece, this.#inlineContent(file, extent))
      else if (extent.compression !== 'none' && this.#last?.bytenr === extent.diskBytenr) {
        target.put(piece, this.#last.content, { isKept: true })
      } else return false
      return true
    }
    const keepsStored = into === undefined
    yield* this.#readPieces(file, this.#pieces(extents, offset, offset + length), {
      take: put,
      takeKept: putKept,
      keepsStored,
    })
    return target.bytes
  }

  /**
   * The same part of a file as it is stored: without its holes, and compressed where it is.
   *
   * @param extents at least those that overlap with the range, in the order of their items
   */
  *readStored(
    file: FileOfContent,
    extents: readonly FileExtent[],
    { offset, length }: { offset: number; length: number },
  ): ReadRoutine<StoredPiece[]> {
    const stored: StoredPiece[] = []
    const put: TakeStored = ({ extent, from, to, start }, bytes) => {
      const isPlain = extent.compression === 'none'
      const encoding = isPlain ? '' : `${extent.compression} ${extent.ramBytes} ${start}`
      stored.push({
        offset: from,
        length: to - from,
        encoding,
        bytes: isPlain ? bytes.subarray(from - start, to - start) : bytes,
      })
    }
    const putInline = (piece: Piece): boolean => {
      if (piece.extent.type !== 'inline') return false
      put(piece, piece.extent.data!)
      return true
    }
    yield* this.#readPieces(file, this.#pieces(extents, offset, offset + length), {
      take: put,
      takeKept: putInline,
      keepsStored: true,
    })
    return stored
  }

  /** The pieces to read, in the order of the file. */
  *#pieces(extents: readonly FileExtent[], start: number, end: number): Generator<Piece> {
    const { sectorsize } = this.#options
    for (const extent of extents) {
      const { fileOffset, length, diskBytenr, diskNumBytes, offset } = extent
      let from = Math.max(start, fileOffset)
      const to = Math.min(end, fileOffset + length)
      if (from >= to || !holdsData(extent)) continue
      if (extent.type === 'inline' || extent.compression !== 'none') {
        yield { extent, bytenr: diskBytenr, length: diskNumBytes, from, to, start: fileOffset - offset }
        continue
      }
      // Extents begin at sectors, in the file as on the device.
      while (from < to) {
        const start = from - (from % sectorsize)
        const pieceEnd = Math.min(to, start + MAX_RUN)
        const size = Math.ceil((pieceEnd - start) / sectorsize) * sectorsize
        const bytenr = diskBytenr + offset + start - fileOffset
        yield { extent, bytenr, length: size, from, to: pieceEnd, start }
        from = pieceEnd
      }
    }
  }

  /** Reads pieces, those that lie one behind the other on the device at once. */
  *#readPieces(file: FileOfContent, pieces: Iterable<Piece>, taker: PieceTaker): ReadRoutine<void> {
    let run: Piece[] = []
    for (const piece of pieces) {
      if (taker.takeKept(piece)) continue
      if (run.length > 0 && !follows(run, piece)) {
        yield* this.#readRun(file, run, taker)
        run = []
      }
      run.push(piece)
    }
    if (run.length > 0) yield* this.#readRun(file, run, taker)
  }

  /** Reads pieces that lie one behind the other on the device. */
  *#readRun(
    file: FileOfContent,
    pieces: readonly Piece[],
    { take, keepsStored }: PieceTaker,
  ): ReadRoutine<void> {
    const { data, withSums } = this.#options
    const { bytenr } = pieces[0]
    const last = pieces[pieces.length - 1]
    const range = { bytenr, length: last.bytenr + last.length - bytenr }
    const what = (address: number) =>
      placeOf(file, pieces.findLast(({ bytenr }) => bytenr <= address)!.extent)
    const sums = file.nodatasum ? undefined : yield* withSums((cursor) => data.sums(cursor, range, what))
    const memory = keepsStored || range.length > MAX_RUN ? undefined : this.#takeMemory()
    const stored = yield* data.read(range, sums, what, memory)
    for (const piece of pieces) {
      const at = piece.bytenr - bytenr
      take(piece, pieces.length === 1 ? stored : stored.subarray(at, at + piece.length))
    }
    this.#stored ??= memory
  }

  /** Another file may be read meanwhile, which then gets memory of its own. */
  #takeMemory(): Uint8Array {
    const memory = this.#stored ?? new Uint8Array(MAX_RUN)
    this.#stored = undefined
    return memory
  }

  #putDecompressed(file: FileOfContent, piece: Piece, stored: Uint8Array, target: Target): void {
    const { extent } = piece
    const options = {
      ...this.#options,
      place: () => ({ what: placeOf(file, extent), offset: this.#options.data.placeOf(extent.diskBytenr) }),
    }
    const isCopied = !target.isAll(piece)
    if (isCopied && piece.from === piece.start) {
      if (decompressInto(extent, stored, target.room(piece), options)) return
    }
    // Read to the end, it is not needed again.
    const isRest = piece.to < Math.min(extent.fileOffset + extent.length, file.size)
    if (isCopied && !isRest) {
      const scratch = (this.#scratch ??= new Uint8Array(MAX_COMPRESSED_RAM_BYTES))
      this.#last = undefined
      return target.put(piece, decompressInScratch(extent, stored, scratch, options))
    }
    const content = decompressExtent(extent, stored, options)
    this.#last = isRest ? { bytenr: extent.diskBytenr, content } : undefined
    target.put(piece, content, { isKept: isRest })
  }

  #inlineContent(file: FileOfContent, extent: FileExtent): Uint8Array {
    // A copy: what is given to callers is theirs.
    if (extent.compression === 'none') return extent.data!.slice()
    const place = () => ({ what: placeOf(file, extent), offset: extent.itemOffset })
    return decompressExtent(extent, extent.data!, { ...this.#options, place })
  }
}

function follows(run: readonly Piece[], { bytenr, length }: Piece): boolean {
  const last = run[run.length - 1]
  return last.bytenr + last.length === bytenr && bytenr + length - run[0].bytenr <= MAX_RUN
}

function placeOf({ ino, tree }: FileOfContent, { fileOffset }: FileExtent): string {
  return `inode ${ino} of tree ${tree}, extent at ${fileOffset}`
}

/** The part of a file that was asked for. */
class Target {
  readonly #offset: number
  readonly #length: number
  /** Made when the first piece comes that is not all of it. */
  #bytes: Uint8Array | undefined

  constructor(offset: number, length: number, into: Uint8Array | undefined) {
    this.#offset = offset
    this.#length = length
    this.#bytes = into?.subarray(0, length).fill(0)
  }

  get bytes(): Uint8Array {
    return (this.#bytes ??= new Uint8Array(this.#length))
  }

  /** Whether a piece is all that was asked for, and nothing else was put. */
  isAll({ from, to }: Piece): boolean {
    return this.#bytes === undefined && from === this.#offset && to - from === this.#length
  }

  /** The bytes that a piece fills. */
  room({ from, to }: Piece): Uint8Array {
    return this.bytes.subarray(from - this.#offset, to - this.#offset)
  }

  /**
   * @param content of which the piece is a part; what is missing at its end stays zeros
   * @param isKept also elsewhere, so that the caller must get a copy
   */
  put(piece: Piece, content: Uint8Array, { isKept = false } = {}): void {
    const { from, to, start } = piece
    const part = content.subarray(from - start, to - start)
    if (part.length === to - from && !isKept && this.isAll(piece)) this.#bytes = part
    else this.room(piece).set(part)
  }
}
