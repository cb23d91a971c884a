import { CorruptError } from '../../lib/errors.ts'
import { mismatch, type OnFinding } from '../../lib/finding.ts'
import { LruCache } from '../../lib/lru-cache.ts'
import { readExactly, type ReadRoutine } from '../../lib/read-routine.ts'
import { viewOf } from '../../lib/struct.ts'
import { isCluster, type VolumeHead } from './boot-sector.ts'
import { FAT_ENTRY_FORMS, FIRST_CLUSTER, type FatEntryForm } from '../format.ts'
import { fatOffset, type Geometry } from '../geometry.ts'

/**
 * Bytes that are read at once. No entry of 16 or 32 bits crosses a page, and a FAT of 12-bit entries has at most 6
 * KiB.
 */
const PAGE_SIZE = 65536
/** Pages that are kept: 4 MiB of a FAT that has at most 1 GiB. */
const MAX_PAGES = 64

/** The file allocation table: which cluster follows which. */
export class FatTable {
  readonly geometry: Geometry
  readonly form: FatEntryForm
  readonly #copies: readonly number[]
  readonly #onFinding: OnFinding
  readonly #pages = new LruCache<number, DataView>(MAX_PAGES)
  /** The page that was used last. */
  #page: { index: number; view: DataView } | undefined

  /** @param onFinding called for a copy that cannot be read when another copy can */
  constructor({ geometry, activeFats }: Pick<VolumeHead, 'geometry' | 'activeFats'>, onFinding: OnFinding) {
    this.geometry = geometry
    this.form = FAT_ENTRY_FORMS[geometry.type]
    this.#copies = activeFats
    this.#onFinding = onFinding
  }

  /** The entry of a cluster, or one of the two entries before those of clusters: FAT[0] and FAT[1]. */
  *entry(cluster: number): ReadRoutine<number> {
    const kept = this.kept(cluster)
    if (kept !== undefined) return kept
    yield* this.#readPage(Math.floor(this.#byteOf(cluster) / PAGE_SIZE))
    return this.kept(cluster)!
  }

  /** The same, from memory; undefined when it must be read. */
  kept(cluster: number): number | undefined {
    const byte = this.#byteOf(cluster)
    const index = Math.floor(byte / PAGE_SIZE)
    // Chains seldom leave their page.
    if (index !== this.#page?.index) {
      const view = this.#pages.get(index)
      if (view === undefined) return undefined
      this.#page = { index, view }
    }
    return this.form.get(this.#page.view, byte % PAGE_SIZE, cluster)
  }

  /**
   * The cluster that follows `cluster` in its chain; undefined at the end.
   *
   * @throws CorruptError when the entry is neither a cluster nor an end mark
   */
  *next(cluster: number, what: string): ReadRoutine<number | undefined> {
    const value = this.kept(cluster) ?? (yield* this.entry(cluster))
    if (value >= this.form.endMin) return undefined
    return this.expectCluster(value, { what, offset: this.offsetOf(cluster) })
  }

  /** @throws CorruptError when the volume has no such cluster */
  expectCluster(cluster: number, { what, offset }: { what: string; offset: number }): number {
    if (isCluster(cluster, this.geometry)) return cluster
    const last = FIRST_CLUSTER + this.geometry.clusters - 1
    throw new CorruptError(`cluster chain of ${what}`, offset, {
      expected: `a cluster from ${FIRST_CLUSTER} to ${last} or an end mark`,
      found: cluster,
    })
  }

  /** Byte offset from the start of the volume of a cluster's entry. */
  offsetOf(cluster: number): number {
    return fatOffset(this.geometry, this.#copies[0]) + this.#byteOf(cluster)
  }

  #byteOf(cluster: number): number {
    return Math.floor((cluster * this.form.bits) / 8)
  }

  *#readPage(index: number): ReadRoutine<void> {
    const { fatSectors, sectorSize } = this.geometry
    const start = index * PAGE_SIZE
    const length = Math.min(PAGE_SIZE, fatSectors * sectorSize - start)
    const problems: { copy: number; error: unknown }[] = []
    for (const copy of this.#copies) {
      let bytes: Uint8Array
      try {
        bytes = yield* readExactly(fatOffset(this.geometry, copy) + start, length, `FAT ${copy + 1}`)
      } catch (error) {
        problems.push({ copy, error })
        continue
      }
      for (const { copy, error } of problems) {
        const found = error instanceof Error ? error.message : String(error)
        const offset = fatOffset(this.geometry, copy) + start
        this.#onFinding(mismatch({ where: `FAT ${copy + 1}`, offset, expected: 'to be readable', found }))
      }
      this.#pages.set(index, viewOf(bytes))
      return
    }
    throw problems[0].error
  }
}
