import { CorruptError } from '../../lib/errors.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import type { FatTable } from './fat-table.ts'

/** Clusters of a chain that are remembered. */
const MAX_MARKS = 4096

/**
 * The clusters of a file or directory, with access to any of them without a walk from the first one: some are
 * remembered, evenly spread over the part of the chain that is known, and always the last one used.
 */
export class Chain {
  readonly first: number
  readonly #fat: FatTable
  readonly #what: string
  /** Cluster number `i * #stride` of the chain, for each `i`. */
  #marks: number[]
  #stride = 1
  /** The end of the known part of the chain. */
  #farthest: { index: number; cluster: number }
  #length: number | undefined
  #last: { index: number; cluster: number }
  /**
   * Brent's algorithm finds loops: the walk must not meet `cluster` again within `limit` steps, which double each
   * time.
   */
  #loop: { cluster: number; steps: number; limit: number }

  /**
   * @param place the owner of the chain, and the offset of the field that has its first cluster
   * @throws CorruptError when the volume has no such cluster
   */
  constructor(fat: FatTable, first: number, { what, offset }: { what: string; offset: number }) {
    this.first = fat.expectCluster(first, { what, offset })
    this.#fat = fat
    this.#what = what
    this.#marks = [first]
    this.#farthest = this.#last = { index: 0, cluster: first }
    this.#loop = { cluster: first, steps: 0, limit: 1 }
  }

  /**
   * Cluster number `index` of the chain, counted from 0; undefined after its end.
   *
   * @throws CorruptError when the chain loops or leads out of the volume before it
   */
  *at(index: number): ReadRoutine<number | undefined> {
    if (this.#length !== undefined && index >= this.#length) return undefined
    let { index: at, cluster } = this.#startFor(index)
    while (at < index) {
      const next: number | undefined = yield* this.#fat.next(cluster, this.#what)
      if (next === undefined) {
        this.#length = at + 1
        return undefined
      }
      if (at === this.#farthest.index) this.#extend(cluster, next)
      cluster = next
      at++
    }
    this.#last = { index, cluster }
    return cluster
  }

  #startFor(index: number): { index: number; cluster: number } {
    if (index >= this.#farthest.index) return this.#farthest
    const mark = Math.floor(index / this.#stride)
    const isNear = this.#last.index <= index && this.#last.index >= mark * this.#stride
    return isNear ? this.#last : { index: mark * this.#stride, cluster: this.#marks[mark] }
  }

  #extend(cluster: number, next: number): void {
    const loop = this.#loop
    if (next === loop.cluster) {
      throw new CorruptError(`cluster chain of ${this.#what}`, this.#fat.offsetOf(cluster), {
        expected: 'an end',
        found: `a loop back to cluster ${next}`,
      })
    }
    if (++loop.steps === loop.limit) this.#loop = { cluster: next, steps: 0, limit: loop.limit * 2 }
    const index = this.#farthest.index + 1
    this.#farthest = { index, cluster: next }
    if (index % this.#stride !== 0) return
    if (this.#marks.length === MAX_MARKS) {
      this.#marks = this.#marks.filter((_, i) => i % 2 === 0)
      this.#stride *= 2
    }
    if (index % this.#stride === 0) this.#marks.push(next)
  }
}
