import type { FileSystem, FileSystemType } from './file-system.ts'
import { readPartitionTable, type PartitionTable, type TablePartition } from '../gpt-mbr/read/table.ts'
import { canOpen, identifyContent, type Content, type ContentType } from './identify.ts'
import { openBytes, type ImageCompression, type ImageBytes, type InputOptions } from '../input/open-bytes.ts'
import type { ImageSource } from '../input/open-input.ts'
import type { ReadStatistics } from '../input/watched-source.ts'
import { subSource, type ByteSource } from '../lib/byte-source.ts'
import { NotFoundError, UnsupportedError } from '../lib/errors.ts'
import type { OnFinding } from '../lib/finding.ts'
import { drive } from '../lib/read-routine.ts'
import { openFileSystem } from './open-file-system.ts'

export interface OpenOptions extends InputOptions {
  /**
   * Is told of damage that could be done without: there was another copy, or something was left out. Offsets are
   * those in the image, or in the partition for what is found in a file system.
   */
  onFinding?: OnFinding | undefined
}

/**
 * Opens a disk image, or the image of a single file system, for reading. It may be compressed: zstd with a seek table
 * (which all of diskwright's have) is read as it is, without one it is decompressed into a temporary file first.
 *
 * @throws InputError when it cannot be read
 * @throws CorruptError when its partition table is damaged beyond use
 */
export async function openImage(image: ImageSource, options: OpenOptions = {}): Promise<DiskImage> {
  const bytes = await openBytes(image, options)
  try {
    const { source } = bytes
    const table = await drive(source, readPartitionTable(source.size, options.onFinding))
    const partitions = (table?.partitions ?? [wholeImage(source.size)]).map(
      (entry) => new ImagePartition(source, entry, options.onFinding),
    )
    // They can be asked for by their labels, so these are read at once.
    for (const partition of partitions) await partition.identify()
    options.signal?.throwIfAborted()
    return new DiskImage(bytes, table, partitions)
  } catch (error) {
    await bytes.close()
    throw error
  }
}

/** Where a partition is; `number` 0 is an image without a partition table. */
type PartitionPlace = Pick<TablePartition, 'number' | 'start' | 'size' | 'type' | 'bootable' | 'name'> &
  Partial<TablePartition>

function wholeImage(size: number): PartitionPlace {
  return { number: 0, start: 0, size, type: '', bootable: false, name: '' }
}

/** An image that is open. It must be closed: it may hold a file, and the space of a temporary one. */
export class DiskImage {
  /** The image, uncompressed. */
  readonly source: ByteSource
  /** Undefined when the image is stored as it is. */
  readonly compression: ImageCompression | undefined
  /** Undefined when there is none. */
  readonly table: PartitionTable | undefined
  /** In the order of their numbers. Without a partition table there is one, number 0, as large as the image. */
  readonly partitions: readonly ImagePartition[]
  /** What reading has taken so far. */
  readonly statistics: Readonly<ReadStatistics>
  readonly #close: () => Promise<void>
  #closed: Promise<void> | undefined

  /** Use `openImage`. */
  constructor(bytes: ImageBytes, table: PartitionTable | undefined, partitions: readonly ImagePartition[]) {
    this.source = bytes.source
    this.compression = bytes.compression
    this.statistics = bytes.statistics
    this.table = table
    this.partitions = partitions
    this.#close = bytes.close
  }

  /** Bytes of the image, uncompressed. */
  get size(): number {
    return this.source.size
  }

  /**
   * A partition by its number, as such or as digits, or else by its label: that of its file system or its own.
   *
   * @throws NotFoundError that names those there are
   */
  partition(which: number | string): ImagePartition {
    const byNumber = this.partitions.find(({ number }) => String(number) === String(which))
    if (byNumber !== undefined) return byNumber
    const found = this.partitions.filter((partition) => partition.labels.includes(String(which)))
    if (found.length === 1) return found[0]
    const wanted = JSON.stringify(which)
    if (found.length > 1) {
      throw new NotFoundError(`${found.length} partitions have the label ${wanted}: ${listOf(found)}`)
    }
    throw new NotFoundError(`there is no partition ${wanted}: found ${listOf(this.partitions) || 'none'}`)
  }

  /** Closes what was opened, and removes what is temporary. A second time it does nothing. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  /** For `await using`. Node 20.0 to 20.4 have no such symbol, and nobody calls it there. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** A partition of an image. */
export class ImagePartition {
  /** As Linux numbers them: from 1 on, logical ones from 5 on. 0 is an image without a partition table. */
  readonly number: number
  /** Byte offset in the image. */
  readonly start: number
  /** Bytes. */
  readonly size: number
  /** The type byte of an MBR, the type GUID of a GPT, '' without a table. */
  readonly type: number | string
  readonly bootable: boolean
  /** The label that a GPT gives it, or ''. */
  readonly name: string
  /** All that the partition table says; undefined without one. */
  readonly entry: TablePartition | undefined
  /** Its bytes. What would lie beyond the image is not there. */
  readonly source: ByteSource
  readonly #onFinding: OnFinding | undefined
  #content: Promise<Content | undefined> | undefined
  #fileSystem: Promise<FileSystem> | undefined
  #label = ''

  /** Use `openImage`. */
  constructor(image: ByteSource, place: PartitionPlace, onFinding: OnFinding | undefined) {
    this.number = place.number
    this.start = place.start
    this.size = place.size
    this.type = place.type
    this.bootable = place.bootable
    this.name = place.name
    this.entry = place.number === 0 ? undefined : (place as TablePartition)
    this.source = subSource(image, place.start, place.size)
    this.#onFinding = onFinding
  }

  /** Finds out what is in it. That it cannot be read is left to those who want to. */
  async identify(): Promise<void> {
    this.#label = await this.label().catch(() => '')
  }

  /** Labels by which it can be asked for. */
  get labels(): string[] {
    return [...new Set([this.#label, this.name])].filter((label) => label !== '')
  }

  /** What is in it, be it a file system that can be opened or not; undefined when that is nothing known. */
  async contentType(): Promise<ContentType | undefined> {
    return (await this.#identified())?.type
  }

  /** The type of its file system; undefined when there is none that can be opened. */
  async fileSystemType(): Promise<FileSystemType | undefined> {
    const type = await this.contentType()
    return type !== undefined && canOpen(type) ? type : undefined
  }

  /** Of its file system; '' when it has none. */
  async label(): Promise<string> {
    return (await this.#identified())?.label ?? ''
  }

  /**
   * Its file system; opened the first time.
   *
   * @throws UnsupportedError when there is none that can be opened here
   * @throws CorruptError when it is damaged where one must begin to read
   */
  open(): Promise<FileSystem> {
    return (this.#fileSystem ??= this.#open())
  }

  async #open(): Promise<FileSystem> {
    const type = await this.contentType()
    if (type !== undefined && canOpen(type)) {
      return openFileSystem(type, this.source, { onFinding: this.#onFinding })
    }
    const where = this.number === 0 ? 'the image' : `partition ${this.number}`
    throw new UnsupportedError(
      `${where}: expected a BTRFS or FAT file system, found ${type ?? 'nothing that is known here'}`,
    )
  }

  #identified(): Promise<Content | undefined> {
    return (this.#content ??= drive(this.source, identifyContent(this.source.size)))
  }
}

function listOf(partitions: readonly ImagePartition[]): string {
  return partitions
    .map(({ number, labels }) => [number, ...labels.map((label) => JSON.stringify(label))].join(' '))
    .join(', ')
}
