/** Where the content of files is. */
import { grown } from '../../lib/column.ts'
import type { StoragePlan } from '../../spec/plan/plan.ts'
import { COMPRESS_NONE } from '../format.ts'

/** Flags of a file. */
const NODATACOW = 1
const SPARSE = 2
const PREALLOCATED = 4
const INLINE = 8
const NODATASUM = 16

export type FileFlags = Pick<StoragePlan, 'nodatacow' | 'nodatasum'>

/** The content of all files of a file system, in columns of numbers: there may be millions. */
export class FileTable {
  #length = 0
  #sizes = new Float64Array(1024)
  #flags = new Uint8Array(1024)
  /** Position of inline content, or the row of the first extent. */
  #positions = new Float64Array(1024)
  /** Bytes of encoded inline content, or the number of extents. */
  #counts = new Uint32Array(1024)
  /** Of inline content. (COMPRESS_*) */
  #compressions = new Uint8Array(1024)

  /**
   * Adds a file without content so far.
   *
   * @param size in bytes
   * @param sparse the source declares where its data lie between holes
   */
  add(size: number, { nodatacow, nodatasum }: FileFlags, sparse = false): FileData {
    const id = this.#length++
    if (id === this.#sizes.length) this.#grow()
    this.#sizes[id] = size
    this.#flags[id] = (nodatacow ? NODATACOW : 0) | (nodatasum ? NODATASUM : 0) | (sparse ? SPARSE : 0)
    return new FileData(this, id)
  }

  get(id: number): FileData {
    return new FileData(this, id)
  }

  size(id: number): number {
    return this.#sizes[id]
  }

  has(id: number, flag: number): boolean {
    return (this.#flags[id] & flag) !== 0
  }

  mark(id: number, flag: number): void {
    this.#flags[id] |= flag
  }

  position(id: number): number {
    return this.#positions[id]
  }

  setPosition(id: number, position: number): void {
    this.#positions[id] = position
  }

  count(id: number): number {
    return this.#counts[id]
  }

  setCount(id: number, count: number): void {
    this.#counts[id] = count
  }

  compression(id: number): number {
    return this.#compressions[id]
  }

  setCompression(id: number, compression: number): void {
    this.#compressions[id] = compression
  }

  #grow(): void {
    this.#sizes = grown(this.#sizes)
    this.#flags = grown(this.#flags)
    this.#positions = grown(this.#positions)
    this.#counts = grown(this.#counts)
    this.#compressions = grown(this.#compressions)
  }
}

/** The content of one file: inline in the tree, or a run of rows of `DataExtents`. */
export class FileData {
  /** Its number in the table. */
  readonly id: number
  readonly #table: FileTable

  constructor(table: FileTable, id: number) {
    this.#table = table
    this.id = id
  }

  /** Bytes. */
  get size(): number {
    return this.#table.size(this.id)
  }

  get nodatacow(): boolean {
    return this.#table.has(this.id, NODATACOW)
  }

  /** Its content has no checksums. */
  get nodatasum(): boolean {
    return this.#table.has(this.id, NODATACOW | NODATASUM)
  }

  /** The source declares where its data lie between holes. */
  get sparse(): boolean {
    return this.#table.has(this.id, SPARSE)
  }

  /** Some of its extents are preallocated. */
  get preallocated(): boolean {
    return this.#table.has(this.id, PREALLOCATED)
  }

  markPreallocated(): void {
    this.#table.mark(this.id, PREALLOCATED)
  }

  /**
   * Position of inline content until the tree is written: in InlineContentStore, or when it was encoded in
   * EncodedInlineContent. Undefined when the content is not inline.
   */
  get inlineAt(): number | undefined {
    return this.#table.has(this.id, INLINE) ? this.#table.position(this.id) : undefined
  }

  /** Bytes of inline content in the tree, when it was encoded; 0: as many as in the file. */
  get inlineLength(): number {
    return this.#table.has(this.id, INLINE) ? this.#table.count(this.id) : 0
  }

  /** Of inline content. (COMPRESS_*) */
  get inlineCompression(): number {
    return this.#table.compression(this.id)
  }

  setInline(position: number, length = 0, compression = COMPRESS_NONE): void {
    this.#table.mark(this.id, INLINE)
    this.#table.setPosition(this.id, position)
    this.#table.setCount(this.id, length)
    this.#table.setCompression(this.id, compression)
  }

  /** Row of the first extent. */
  get firstExtent(): number {
    return this.#table.has(this.id, INLINE) ? 0 : this.#table.position(this.id)
  }

  get extentCount(): number {
    return this.#table.has(this.id, INLINE) ? 0 : this.#table.count(this.id)
  }

  setExtents(first: number, count: number): void {
    this.#table.setPosition(this.id, first)
    this.#table.setCount(this.id, count)
  }
}
