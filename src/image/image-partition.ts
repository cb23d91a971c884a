import type { TablePartition } from '../gpt-mbr/read/table.ts'
import { subSource, type ByteSource } from '../lib/byte-source.ts'
import { CorruptError, InputError, UnsupportedError } from '../lib/errors.ts'
import { FindingLog } from '../lib/finding-log.ts'
import { findingOf, type Finding, type OnFinding } from '../lib/finding.ts'
import { drive } from '../lib/read-routine.ts'
import type { FileSystemDriver, Identity } from './drivers/driver.ts'
import { driverOf, type FileSystemType } from './drivers/table.ts'
import { FileSystem } from './file-system.ts'
import { identifyContent, type ContentType } from './identify.ts'

/** The place of a partition; `number` 0 is an image without a partition table. */
export type PartitionPlace = Pick<
  TablePartition,
  'number' | 'start' | 'size' | 'type' | 'bootable' | 'name'
> &
  Partial<TablePartition>

export interface IdentifyOptions {
  onFinding: OnFinding | undefined
  drivers: readonly FileSystemDriver[]
}

/** Reads its first bytes. A failure to read them is thrown when the partition is opened. */
export async function identifyPartition(
  image: ByteSource,
  place: PartitionPlace,
  { onFinding, drivers }: IdentifyOptions,
): Promise<ImagePartition> {
  const source = subSource(image, place.start, place.size)
  let identity: Identity | undefined
  let failure: Error | undefined
  try {
    identity = await drive(source, identifyContent(source.size, drivers))
  } catch (error) {
    failure = error as Error
  }
  const driver = identity && driverOf(identity.type, drivers)
  return new ImagePartition({ source, place, identity, driver, failure, onFinding })
}

interface PartitionParts {
  source: ByteSource
  place: PartitionPlace
  identity: Identity | undefined
  /** Undefined when it is no file system that can be opened. */
  driver: FileSystemDriver | undefined
  /** The error of reading its first bytes; undefined when there was none. */
  failure: Error | undefined
  onFinding: OnFinding | undefined
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
  /** Its bytes, up to the end of the image. */
  readonly source: ByteSource
  /** The file system or other format that it holds, whether it can be opened or not; undefined when it is unknown. */
  readonly contentType: ContentType | undefined
  /** The type of its file system; undefined when there is none that can be opened. */
  readonly fileSystemType: FileSystemType | undefined
  /** Of its file system; '' when it has none. */
  readonly label: string
  /** Of its file system, as `blkid` shows it; '' when it has none. */
  readonly uuid: string
  /**
   * The driver of its file system; undefined when there is none that can be opened.
   *
   * @internal
   */
  readonly driver: FileSystemDriver | undefined
  readonly #failure: Error | undefined
  readonly #log = new FindingLog()
  readonly #isTolerant: boolean
  #fileSystem: Promise<FileSystem> | undefined

  /**
   * Use `openImage`.
   *
   * @internal
   */
  constructor({ source, place, identity, driver, failure, onFinding }: PartitionParts) {
    this.number = place.number
    this.start = place.start
    this.size = place.size
    this.type = place.type
    this.bootable = place.bootable
    this.name = place.name
    this.entry = place.number === 0 ? undefined : (place as TablePartition)
    this.source = source
    this.contentType = identity?.type as ContentType | undefined
    this.fileSystemType = driver && (identity?.type as FileSystemType)
    this.label = identity?.label ?? ''
    this.uuid = identity?.uuid ?? ''
    this.driver = driver
    this.#failure = failure
    this.#isTolerant = onFinding !== undefined
    if (onFinding !== undefined) this.#log.subscribe(onFinding)
    if (failure instanceof InputError || failure instanceof CorruptError) this.report(findingOf(failure))
  }

  /** Labels by which it can be asked for. */
  get labels(): string[] {
    return [...new Set([this.label, this.name])].filter((label) => label !== '')
  }

  /** Damage that was found in it so far, and notices of the state of its file system. */
  get findings(): readonly Finding[] {
    return this.#log.findings
  }

  /**
   * Adds a finding to those of this partition.
   *
   * @param finding its offset counts from the start of the partition
   * @internal
   */
  report(finding: Finding): void {
    this.#log.report(this.place(finding))
  }

  /**
   * Calls `onFinding` with what is found from now on.
   *
   * @returns ends the subscription
   */
  subscribe(onFinding: OnFinding): () => void {
    return this.#log.subscribe(onFinding)
  }

  /**
   * A finding of this partition as one of the image: with its number and content, and the offset in the image.
   *
   * @internal
   */
  place(finding: Finding): Finding {
    return {
      ...finding,
      ...(finding.offset !== undefined && { offset: this.start + finding.offset }),
      ...(this.number !== 0 && { partition: this.number }),
      content: this.contentType ?? 'unknown',
    }
  }

  /**
   * Its file system; opened the first time.
   *
   * @throws UnsupportedError when there is none that can be opened here
   * @throws CorruptError when it is damaged where reading begins
   */
  open(): Promise<FileSystem> {
    return (this.#fileSystem ??= this.#open())
  }

  /**
   * @throws the error of reading its first bytes, when there was one
   * @internal
   */
  expectIdentified(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  async #open(): Promise<FileSystem> {
    this.expectIdentified()
    if (this.driver === undefined) throw this.#cannotOpen()
    const opened = await this.driver.open(this.source, (finding) => this.report(finding))
    return new FileSystem({
      opened,
      source: this.source,
      findings: this.#log,
      onDamage: this.#isTolerant ? (finding) => this.report(finding) : undefined,
    })
  }

  #cannotOpen(): UnsupportedError {
    const where = this.number === 0 ? 'the image' : `partition ${this.number}`
    const found = this.contentType ?? 'no known format'
    return new UnsupportedError(`${where}: expected a BTRFS or FAT file system, found ${found}`)
  }
}
