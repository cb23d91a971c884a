import { readTable, type PartitionTable } from '../gpt-mbr/read/table.ts'
import type { ImageBytes, ImageCompression, ReadStatistics } from '../input/open-stored.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import { afterFailure } from '../lib/clean-up.ts'
import { NotFoundError } from '../lib/errors.ts'
import { FindingLog } from '../lib/finding-log.ts'
import type { Finding, OnFinding } from '../lib/finding.ts'
import { observeSource } from '../lib/observe-source.ts'
import { drive } from '../lib/read-routine.ts'
import type { FileSystemDriver } from './drivers/driver.ts'
import { fileSystemDrivers } from './drivers/table.ts'
import type { ImagePartition } from './image-partition.ts'
import { identifyPartition, type PartitionPlace } from './image-partition.ts'
import { keepReads } from './kept-reads.ts'

export interface ReadOptions {
  /** Called with everything that is found to be damaged. */
  onFinding?: OnFinding | undefined
  signal?: AbortSignal | undefined
  /** The file systems that can be opened; the table, but for tests. */
  drivers?: readonly FileSystemDriver[] | undefined
}

/**
 * Reads the partition table, and the first bytes of the partitions. The image closes `bytes`, and so do errors.
 *
 * @throws CorruptError when the partition table is damaged beyond use
 */
export async function readDiskImage(
  bytes: ImageBytes,
  { onFinding, signal, drivers = fileSystemDrivers }: ReadOptions,
): Promise<DiskImage> {
  try {
    const { source } = bytes
    const tableSource = keepReads(source)
    const log = new FindingLog()
    if (onFinding !== undefined) log.subscribe(onFinding)
    const table = await drive(observeSource(tableSource, { signal }), readTable(source.size, log.report))
    const partitions: ImagePartition[] = []
    for (const place of table?.partitions ?? [wholeImage(source.size)]) {
      partitions.push(await identifyPartition(source, place, { onFinding, drivers }))
    }
    signal?.throwIfAborted()
    return new DiskImage({ bytes, table, tableSource, partitions, log })
  } catch (error) {
    throw await afterFailure(error, bytes.close)
  }
}

function wholeImage(size: number): PartitionPlace {
  return { number: 0, start: 0, size, type: '', bootable: false, name: '' }
}

interface DiskImageParts {
  bytes: ImageBytes
  table: PartitionTable | undefined
  tableSource: ByteSource
  partitions: readonly ImagePartition[]
  log: FindingLog
}

/**
 * An image that is open. It must be closed: it may hold a file, and the space of a temporary one.
 *
 * @example
 * const image = await openImage('disk.img.zst')
 * const root = await image.partition('ROOT').open()
 * await image.close()
 */
export class DiskImage {
  /** The image, uncompressed. */
  readonly source: ByteSource
  /** Undefined when the image is stored as it is. */
  readonly compression: ImageCompression | undefined
  /** Undefined when there is none. */
  readonly table: PartitionTable | undefined
  /**
   * The image, with what was read of the partition table kept, for a check of the table.
   *
   * @internal
   */
  readonly tableSource: ByteSource
  /** In the order of their numbers. Without a partition table there is one, number 0, as large as the image. */
  readonly partitions: readonly ImagePartition[]
  /** Counters of the reads so far. */
  readonly statistics: Readonly<ReadStatistics>
  readonly #log: FindingLog
  readonly #close: () => Promise<void>
  #closed: Promise<void> | undefined

  /**
   * Use `openImage`.
   *
   * @internal
   */
  constructor({ bytes, table, tableSource, partitions, log }: DiskImageParts) {
    this.source = bytes.source
    this.compression = bytes.compression
    this.statistics = bytes.statistics
    this.table = table
    this.tableSource = tableSource
    this.partitions = partitions
    this.#log = log
    this.#close = bytes.close
  }

  /** Bytes of the image, uncompressed. */
  get size(): number {
    return this.source.size
  }

  /** Damage of the partition table that reading could do without; partitions and file systems have their own. */
  get findings(): readonly Finding[] {
    return this.#log.findings
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

  /** For `await using`. Node 20.0 to 20.4 do not have the symbol. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function listOf(partitions: readonly ImagePartition[]): string {
  return partitions
    .map(({ number, labels }) => [number, ...labels.map((label) => JSON.stringify(label))].join(' '))
    .join(', ')
}
