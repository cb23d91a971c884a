/** Reads tree blocks, many at once, and verifies every copy of each. */
import { counted } from '../../lib/counted.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { checksumProblem } from '../checksum.ts'
import { blockProblem, TreeBlock } from '../read/tree-block.ts'
import { blockName, type CheckContext } from './context.ts'

/** Blocks that are so near each other are read in one go, with what lies between. */
const MAX_GAP = 64 * 1024
const MAX_RUN = 2 * 1024 ** 2

interface Copy {
  /** Index of the block that is asked for. */
  wanted: number
  /** Number of the copy. */
  copy: number
  physical: number
}

export class BlockReader {
  readonly #context: CheckContext
  /** Of blocks that have been verified: the first copy that is sound, -1 when none is. */
  readonly #sound = new Map<number, number>()
  readonly #onRead: (bytes: number) => void
  #chunksAreLost = false
  /** Addresses of which no chunk is known, when some are lost. */
  #unmappedCount = 0
  #firstUnmapped = 0

  /** @param onRead called with the bytes of blocks that are read for the first time */
  constructor(context: CheckContext, onRead: (bytes: number) => void) {
    this.#context = context
    this.#onRead = onRead
  }

  /**
   * All chunks are known now: what could not be read is tried anew.
   *
   * @param areLost whether some of them could not be read
   */
  onChunks(areLost: boolean): void {
    this.#chunksAreLost = areLost
    for (const [bytenr, copy] of this.#sound) if (copy < 0) this.#sound.delete(bytenr)
  }

  /**
   * Blocks by their addresses; undefined for those of which no copy is sound by itself. Faults of a block are
   * reported when it is read for the first time.
   *
   * @param tree they belong to, for messages
   */
  *read(bytenrs: readonly number[], tree: bigint): ReadRoutine<(TreeBlock | undefined)[]> {
    const { chunks, nodesize } = this.#context
    const blocks = new Array<TreeBlock | undefined>(bytenrs.length)
    const copies: Copy[] = []
    /** Blocks that are read for the first time. */
    const unknown = new Set<number>()
    bytenrs.forEach((bytenr, wanted) => {
      const known = this.#sound.get(bytenr)
      if (known === -1) return
      const places = chunks.copies(bytenr, nodesize)
      if (known !== undefined) copies.push({ wanted, copy: known, physical: places[known] })
      else if (places.length === 0) this.#unmapped(bytenr, tree)
      else if (!unknown.has(bytenr)) {
        unknown.add(bytenr)
        places.forEach((physical, copy) => copies.push({ wanted, copy, physical }))
      }
    })
    copies.sort((a, b) => a.physical - b.physical)
    for (let i = 0; i < copies.length;) {
      const start = copies[i].physical
      let end = start + nodesize
      let next = i + 1
      for (; next < copies.length; next++) {
        const { physical } = copies[next]
        if (physical > end + MAX_GAP || physical + nodesize > start + MAX_RUN) break
        end = Math.max(end, physical + nodesize)
      }
      const bytes = yield { offset: start, length: end - start }
      for (; i < next; i++) {
        const { wanted, copy, physical } = copies[i]
        const bytenr = bytenrs[wanted]
        const at = physical - start
        const block = this.#decode(
          bytes.subarray(at, at + nodesize),
          bytenr,
          physical,
          tree,
          unknown.has(bytenr),
        )
        const sooner = this.#sound.get(bytenr)
        if (block === undefined || (sooner !== undefined && sooner !== -1 && sooner < copy)) continue
        blocks[wanted] = block
        this.#sound.set(bytenr, copy)
      }
    }
    for (const bytenr of unknown) {
      if (!this.#sound.has(bytenr)) this.#sound.set(bytenr, -1)
      this.#onRead(nodesize)
    }
    // The same address may be asked for twice at once.
    if (unknown.size < bytenrs.length) {
      const byAddress = new Map(bytenrs.map((bytenr, i) => [bytenr, blocks[i] ?? undefined] as const))
      bytenrs.forEach((bytenr, i) => (blocks[i] ??= byAddress.get(bytenr)))
    }
    return blocks
  }

  #unmapped(bytenr: number, tree: bigint): void {
    this.#sound.set(bytenr, -1)
    if (this.#chunksAreLost) {
      if (this.#unmappedCount++ === 0) this.#firstUnmapped = bytenr
      return
    }
    this.#context.fault(blockName(bytenr, tree), bytenr, 'an address in a chunk on this device', 'none')
  }

  /** Says in one fault which blocks are missing as their chunks are. */
  reportUnmapped(): void {
    if (this.#unmappedCount === 0) return
    const what = `${counted(this.#unmappedCount, 'tree block')}, the first at ${this.#firstUnmapped}`
    this.#context.fault(
      what,
      this.#firstUnmapped,
      'addresses in chunks',
      'none, as not all chunks could be read',
    )
  }

  /** The block when it is sound; reports what it is not, the first time. */
  #decode(
    bytes: Uint8Array,
    bytenr: number,
    physical: number,
    tree: bigint,
    isNew: boolean,
  ): TreeBlock | undefined {
    const { hash, nodesize, fsid, sectorsize } = this.#context
    const what = blockName(bytenr, tree)
    if (bytes.length < nodesize) {
      if (isNew) this.#context.fault(what, physical, `${nodesize} bytes`, `only ${bytes.length}`)
      return undefined
    }
    const block = new TreeBlock(bytes, { bytenr, physical })
    if (!isNew) return block
    const wrongSum = checksumProblem(bytes, hash)
    if (wrongSum !== undefined) {
      this.#context.fault(`${what}, csum`, physical, wrongSum.expected, wrongSum.found)
      return undefined
    }
    const problem = blockProblem(block, { fsid, sectorsize })
    if (problem !== undefined) {
      this.#context.fault(`${what}, ${problem.what}`, physical, problem.expected, problem.found)
      return undefined
    }
    return block
  }
}
