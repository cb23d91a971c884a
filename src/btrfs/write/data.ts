/** File content on its way to disk: cut into pieces, encoded in batches, placed in order. */
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { checkedContent, ContentLengthCheck, type NamedContent } from '../../file-tree/content-length.ts'
import { contentLength, wholeContent, zeros, type DataRange } from '../../file-tree/file-content.ts'
import { InputError } from '../../lib/errors.ts'
import type { FileLocation } from '../../lib/file-location.ts'
import type { EntryOrigin } from '../../file-tree/entry.ts'
import { lacksChecksums } from '../../file-tree/storage.ts'
import type { StoragePlan } from '../../spec/plan/plan.ts'
import { alignUp } from './chunks.ts'
import { COMPRESSION_TYPES, type DecompressExtent } from './compression.ts'
import type { DataSink } from './data-copies.ts'
import { FileTable, type FileData } from './file-data.ts'
import {
  COMPRESS_NONE,
  COMPRESS_ZSTD,
  MAX_COMPRESSED_RAM_BYTES,
  MAX_INLINE_BYTES,
  SECTOR_SIZE,
} from '../format.ts'
import { INLINE_BLOCK_BYTES, InlineContentStore } from './inline-content.ts'
import { EncodedInlineContent } from './encoded-inline.ts'
import {
  BATCH_BYTES,
  type BatchMemory,
  type EncodedPiece,
  type LocatedContent,
  type PieceOptions,
} from './batch-memory.ts'
import type { ExtentEncoder } from './extent-encoder.ts'
import type { ExtentPlacer, Piece } from './place.ts'
import { storedContent, type StoredRuns } from './sparse.ts'
import { copyBytes, zeroBytes } from '../../lib/copy-bytes.ts'

/** A piece of a file, or a block of small files; and the name of a file, for messages. */
type NamedPiece = {
  name: ByteString
  length: number
  /** The origin of content that is read when it is encoded. */
  origin?: EntryOrigin
} & (Piece | { inlineBlock: number })

/** Blocks of small files are only kept in memory: compressed fast, never holes, without checksums. */
const INLINE_BLOCK: PieceOptions = {
  length: INLINE_BLOCK_BYTES,
  compression: COMPRESS_ZSTD,
  level: 1,
  nodatasum: true,
  keepZeros: true,
  mayBeInline: false,
}

/** Pieces in one memory of the encoder. */
interface Batch {
  memory: number
  pieces: NamedPiece[]
  /** Bytes of content in the memory. */
  used: number
}

export interface DataWriterOptions {
  sink: DataSink
  placer: ExtentPlacer
  encoder: ExtentEncoder
  decompress: DecompressExtent
  /** Files of up to a sector go into the tree when they are small enough once compressed. */
  inlineCompression?: boolean
}

export class DataWriter {
  /** The files that were added. */
  readonly files = new FileTable()
  readonly #sink: DataSink
  readonly #placer: ExtentPlacer
  readonly #encoder: ExtentEncoder
  readonly #decompress: DecompressExtent
  readonly #inlineCompression: boolean
  readonly #free: number[]
  /** Batches that are being encoded, in the order of their content. */
  readonly #submitted: Batch[] = []
  #batch: Batch
  #content: Uint8Array
  readonly #inline: InlineContentStore
  readonly #encodedInline = new EncodedInlineContent()

  constructor({ sink, placer, encoder, decompress, inlineCompression = false }: DataWriterOptions) {
    this.#inlineCompression = inlineCompression
    this.#sink = sink
    this.#placer = placer
    this.#encoder = encoder
    this.#decompress = decompress
    this.#inline = new InlineContentStore(decompress)
    this.#free = [...encoder.memories.keys()]
    this.#batch = { memory: this.#free.pop()!, pieces: [], used: 0 }
    this.#content = this.#memory(this.#batch).content
  }

  /**
   * Stores the content of one file. Its extents are known after the next `flush`.
   *
   * @throws InputError when there is more or less content than the file declares
   */
  add(file: NamedContent, storage: StoragePlan): Promise<FileData> | FileData {
    const { size, path: name } = file
    if (
      file.parts !== undefined &&
      size > MAX_INLINE_BYTES &&
      !lacksChecksums(storage) &&
      !storage.bootFiles
    ) {
      return this.#addParts({ ...file, parts: file.parts }, storage)
    }
    const isSparse = file.ranges !== undefined
    const options = this.#optionsOf(size, storage)
    const isInline = size <= MAX_INLINE_BYTES && (size === 0 || !options.mayBeInline)
    const data = this.files.add(size, storage, isSparse)
    if (!isSparse && file.location === undefined && !storage.bootFiles) {
      const whole = file.content.takeWhole?.()
      if (whole !== undefined) {
        if (whole.length !== size) refuseLength(file, whole)
        const adding = isInline
          ? this.#keepWhole(data, name, whole)
          : this.#addWhole({ name, file: data }, options, whole)
        return adding === undefined ? data : adding.then(() => data)
      }
    }
    return this.#addStream(file, data, { storage, options, isInline })
  }

  /** Stores the parts of a file that are compressed as they are. Files of equal content do not find each other here. */
  async #addParts(
    { path: name, size, parts }: NamedContent & { parts: NonNullable<NamedContent['parts']> },
    storage: StoragePlan,
  ): Promise<FileData> {
    const file = this.files.add(size, storage, true)
    const plain = this.#optionsOf(size, storage)
    for await (const { offset: fileOffset, length, bytes, compression } of parts()) {
      const options = compression === undefined ? plain : encodedOptions(COMPRESSION_TYPES[compression])
      options.length = alignUp(bytes.length, SECTOR_SIZE)
      const piece = { name, file, fileOffset, length: alignUp(length, SECTOR_SIZE) }
      const opening = this.#openPiece(piece, options)
      if (opening !== undefined) await opening
      this.#fillPiece(bytes)
    }
    return file
  }

  async #addStream(
    file: NamedContent,
    data: FileData,
    { storage, options, isInline }: { storage: StoragePlan; options: PieceOptions; isInline: boolean },
  ): Promise<FileData> {
    const { size, path: name } = file
    const isSparse = data.sparse
    let source = file
    if (isSparse) {
      source = { ...file, content: checkedContent(file) }
      if (isInline || options.mayBeInline || storage.bootFiles) {
        source = { ...source, content: wholeContent(source), ranges: undefined }
      }
    }
    if (isInline) {
      await this.#keepInline(data, source)
      return data
    }
    const { runs, content } = storedContent(source)
    // Boot files end with a sector that is not compressed.
    const isSplit = storage.bootFiles && options.compression !== COMPRESS_NONE
    const tail = isSplit ? size - (size % SECTOR_SIZE) : size
    if (file.location !== undefined && !isSparse) {
      await this.#addLocated({ ...file, location: file.location }, data, options, tail)
      return data
    }
    const check = new ContentLengthCheck(file, contentLength({ size, ranges: runs }))
    await this.#addPieces({ name, file: data, runs, content, tail }, options, check)
    return data
  }

  /** Cuts content that is at hand into pieces, from `fileOffset` on. Without a promise it is done. */
  #addWhole(
    { name, file }: { name: ByteString; file: FileData },
    options: PieceOptions,
    whole: Uint8Array,
    fileOffset = 0,
  ): Promise<void> | void {
    while (fileOffset < whole.length) {
      const end = Math.min(whole.length, fileOffset + MAX_COMPRESSED_RAM_BYTES)
      const length = alignUp(end - fileOffset, SECTOR_SIZE)
      options.length = options.mayBeInline ? whole.length : length
      const submitting = this.#openPiece({ name, file, fileOffset, length }, options)
      if (submitting !== undefined) {
        return submitting.then(() => {
          this.#fillPiece(whole.subarray(fileOffset, end))
          return this.#addWhole({ name, file }, options, whole, end)
        })
      }
      this.#fillPiece(whole.subarray(fileOffset, end))
      fileOffset = end
    }
  }

  /** Fills the open piece. */
  #fillPiece(content: Uint8Array): void {
    copyBytes(this.#content, this.#batch.used, content)
    this.#batch.used += content.length
    this.#padToSector()
  }

  /** Cuts content into pieces: at multiples of 128 KiB, at `tail`, and where a run ends. */
  async #addPieces(
    { name, file, runs, content, tail }: StoredRuns & { name: ByteString; file: FileData; tail: number },
    options: PieceOptions,
    check: ContentLengthCheck,
  ): Promise<void> {
    let run = -1
    let runEnd = 0
    let fileOffset = 0
    let pieceLeft = 0
    for await (const chunk of content) {
      check.add(chunk)
      for (let at = 0; at < chunk.length;) {
        if (pieceLeft === 0) {
          if (fileOffset === runEnd) {
            fileOffset = runs[++run].offset
            runEnd = fileOffset + runs[run].length
          }
          const toBoundary = MAX_COMPRESSED_RAM_BYTES - (fileOffset % MAX_COMPRESSED_RAM_BYTES)
          const toTail = fileOffset < tail ? tail - fileOffset : Infinity
          pieceLeft = Math.min(toBoundary, toTail, runEnd - fileOffset)
          const length = alignUp(pieceLeft, SECTOR_SIZE)
          options.length = options.mayBeInline ? file.size : length
          const opening = this.#openPiece({ name, file, fileOffset, length }, options)
          if (opening !== undefined) await opening
        }
        const length = Math.min(pieceLeft, chunk.length - at)
        copyBytes(this.#content, this.#batch.used, chunk.subarray(at, at + length))
        this.#batch.used += length
        at += length
        fileOffset += length
        pieceLeft -= length
      }
    }
    check.end()
    this.#padToSector()
  }

  /** Cuts content into pieces, at multiples of 128 KiB and at `tail`, which are read when they are encoded. */
  async #addLocated(
    { path: name, origin, size, location: { descriptor, offset } }: NamedContent & { location: FileLocation },
    file: FileData,
    options: PieceOptions,
    tail: number,
  ): Promise<void> {
    for (let fileOffset = 0; fileOffset < size;) {
      const end = fileOffset < tail ? tail : size
      const contentLength = Math.min(MAX_COMPRESSED_RAM_BYTES, end - fileOffset)
      const length = alignUp(contentLength, SECTOR_SIZE)
      options.length = length
      const located = { descriptor, offset: offset + fileOffset, length: contentLength }
      const opening = this.#openPiece({ name, origin, file, fileOffset, length }, options, located)
      if (opening !== undefined) await opening
      this.#batch.used += length
      fileOffset += contentLength
    }
  }

  /** Encodes and places everything that was added. */
  async flush(): Promise<void> {
    if (this.#batch.pieces.length > 0) await this.#submit()
    while (this.#submitted.length > 0) await this.#placeOldest()
  }

  /** Stores the content of an added file a second time. */
  async copy(file: FileData, storage: StoragePlan): Promise<FileData> {
    const ranges = await this.#rangesOf(file)
    const source = { path: '', origin: { source: 'the image' } }
    return this.add({ ...source, size: file.size, content: this.read(file), ranges }, storage)
  }

  /** The stored ranges of a sparse file; undefined for any other file, and for content in the tree. */
  async #rangesOf(file: FileData): Promise<DataRange[] | undefined> {
    if (!file.sparse) return undefined
    await this.flush()
    if (file.inlineAt !== undefined) return undefined
    const { extents } = this.#placer
    return Array.from({ length: file.extentCount }, (_, i) => {
      const { fileOffset, ramBytes } = extents.get(file.firstExtent + i)
      return { offset: fileOffset, length: Math.min(ramBytes, file.size - fileOffset) }
    })
  }

  /** The content of an added file, holes included, read back from the image. */
  async *readWhole(file: FileData): AsyncGenerator<Uint8Array> {
    const ranges = await this.#rangesOf(file)
    yield* wholeContent({ size: file.size, ranges, content: this.read(file) })
  }

  /** The content of an added file, read back from the image; without the holes of a sparse file. */
  async *read(file: FileData): AsyncGenerator<Uint8Array> {
    if (!this.#holds(file)) await this.flush()
    if (file.inlineAt !== undefined) {
      const kept = this.readInline(file)
      const { size, inlineCompression } = file
      yield inlineCompression === COMPRESS_NONE ? kept : this.#decompress(kept, size, inlineCompression)
      return
    }
    let at = 0
    for (let row = file.firstExtent; row < file.firstExtent + file.extentCount; row++) {
      const { fileOffset, bytenr, diskNumBytes, ramBytes, compression } = this.#placer.extents.get(row)
      if (!file.sparse) yield* zeros(fileOffset - at)
      at = Math.min(file.size, fileOffset + ramBytes)
      if (compression === COMPRESS_NONE) {
        for (let from = 0; from < at - fileOffset; from += BATCH_BYTES) {
          yield this.#sink.read(bytenr + from, Math.min(BATCH_BYTES, at - fileOffset - from))
        }
      } else {
        const stored = await this.#sink.read(bytenr, diskNumBytes)
        yield this.#decompress(stored, ramBytes, compression).subarray(0, at - fileOffset)
      }
    }
    if (!file.sparse) yield* zeros(file.size - at)
  }

  /** The bytes of a small file as they go into the tree, after `flush`; valid until the next call. */
  readInline({ inlineAt, size, inlineLength }: FileData): Uint8Array {
    if (inlineLength === 0) return this.#inline.read(inlineAt!, size)
    return this.#encodedInline.read(inlineAt!, inlineLength)
  }

  /** Whether the content of a file is kept here, and can be read without encoding more. */
  #holds({ inlineAt, inlineLength }: FileData): boolean {
    return inlineAt !== undefined && (inlineLength > 0 || this.#inline.holds(inlineAt))
  }

  #memory({ memory }: Batch): BatchMemory {
    return this.#encoder.memories[memory]
  }

  /** How the pieces of a file of `size` bytes are stored. */
  #optionsOf(size: number, storage: StoragePlan): PieceOptions {
    const { nodatacow, compression, bootFiles = false } = storage
    const nodatasum = lacksChecksums(storage)
    const isCompressed = !nodatasum && compression !== undefined
    return {
      length: size,
      compression: isCompressed ? COMPRESSION_TYPES[compression.algorithm] : COMPRESS_NONE,
      level: isCompressed ? compression.level : 0,
      nodatasum,
      keepZeros: nodatacow || bootFiles,
      mayBeInline: this.#inlineCompression && isCompressed && size <= SECTOR_SIZE,
    }
  }

  #openPiece(piece: NamedPiece, options: PieceOptions, located?: LocatedContent): Promise<void> | void {
    if (this.#batch.used + alignUp(options.length, SECTOR_SIZE) > BATCH_BYTES) {
      return this.#submit().then(() => this.#openPiece(piece, options, located))
    }
    this.#memory(this.#batch).setPiece(this.#batch.pieces.length, options, located)
    this.#batch.pieces.push(piece)
  }

  #padToSector(): void {
    const padded = alignUp(this.#batch.used, SECTOR_SIZE)
    zeroBytes(this.#content, this.#batch.used, padded)
    this.#batch.used = padded
  }

  /** Starts encoding the open batch, and opens the next one when a memory is free. */
  async #submit(): Promise<void> {
    this.#submitted.push(this.#batch)
    this.#encoder.start(this.#batch.memory, this.#batch.pieces.length)
    while (this.#free.length === 0) await this.#placeOldest()
    this.#batch = { memory: this.#free.pop()!, pieces: [], used: 0 }
    this.#content = this.#memory(this.#batch).content
  }

  async #placeOldest(): Promise<void> {
    const batch = this.#submitted.shift()!
    const { memory, pieces } = batch
    try {
      const finished = this.#encoder.finish(memory)
      if (finished !== undefined) await finished
    } catch (error) {
      const failed = this.#memory(batch).failedPiece(pieces.length)
      const { name, origin } = pieces[Math.max(0, failed)]
      // Errors with a code are those of the system.
      if (origin !== undefined && (error as { code?: unknown }).code !== undefined) {
        const { source, offset } = origin
        const where = { source, entry: toDisplay(name), ...(offset !== undefined && { offset }) }
        throw new InputError((error as Error).message, where, { cause: error })
      }
      throw new Error(`encoding ${JSON.stringify(toDisplay(name))}: ${(error as Error).message}`, {
        cause: error,
      })
    }
    let index = 0
    for (const encoded of this.#memory(batch).encoded(pieces.length)) {
      const piece = pieces[index++]
      if ('inlineBlock' in piece) {
        this.#inline.keep(piece.inlineBlock, encoded)
        continue
      }
      if (encoded.inline) {
        this.#keepEncoded(piece.file, encoded)
        continue
      }
      const placed = this.#placer.place(piece, encoded)
      if (placed !== undefined) await placed
    }
    this.#free.push(memory)
  }

  #keepEncoded(file: FileData, { stored, compression }: EncodedPiece): void {
    file.setInline(this.#encodedInline.append(stored!), stored!.length, compression)
    this.#placer.extents.compressions.add(compression)
  }

  async #keepInline(data: FileData, file: NamedContent): Promise<void> {
    await this.#makeRoomInline(data.size, file.path)
    const check = new ContentLengthCheck(file)
    for await (const chunk of file.content) {
      check.add(chunk)
      if (chunk.length === 0) continue
      const position = this.#inline.append(chunk)
      if (data.inlineAt === undefined) data.setInline(position)
    }
    check.end()
  }

  /** Keeps content that is at hand. Without a promise it is done. */
  #keepWhole(data: FileData, name: ByteString, whole: Uint8Array): Promise<void> | void {
    if (whole.length === 0) return
    const making = this.#makeRoomInline(whole.length, name)
    if (making !== undefined) return making.then(() => data.setInline(this.#inline.append(whole)))
    data.setInline(this.#inline.append(whole))
  }

  /** Sees to it that the open block of small files has room. */
  #makeRoomInline(size: number, name: ByteString): Promise<void> | void {
    if (this.#inline.hasRoomFor(size) || this.#inline.closePlain()) return
    const piece = { name, inlineBlock: this.#inline.openBlock, length: INLINE_BLOCK_BYTES }
    const close = () => {
      this.#inline.close(this.#content.subarray(this.#batch.used))
      this.#batch.used += INLINE_BLOCK_BYTES
    }
    const opening = this.#openPiece(piece, INLINE_BLOCK)
    if (opening !== undefined) return opening.then(close)
    close()
  }
}

/** @param compression of content that is compressed already (COMPRESS_*) */
function encodedOptions(compression: number): PieceOptions {
  const flags = { nodatasum: false, keepZeros: true, mayBeInline: false, isEncoded: true }
  return { length: 0, compression, level: 0, ...flags }
}

/** @throws InputError about content that is not as long as its entry declares */
function refuseLength(file: NamedContent, whole: Uint8Array): void {
  const check = new ContentLengthCheck(file)
  check.add(whole)
  check.end()
}
