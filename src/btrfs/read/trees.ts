/** Reads tree blocks, from a copy that is sound. */
import type { BlockHash } from '../../lib/block-hash.ts'
import { CorruptError, UnsupportedError } from '../../lib/errors.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import { LruCache } from '../../lib/lru-cache.ts'
import { readExactly, type ReadRoutine } from '../../lib/read-routine.ts'
import { checksumProblem } from '../checksum.ts'
import type { Superblock } from '../format.ts'
import type { ChunkMap } from './chunk-map.ts'
import { fsidOfBlocks } from './superblock.ts'
import { Cursor } from './cursor.ts'
import { blockProblem, linkProblem, TreeBlock, type BlockExpectation } from './tree-block.ts'

/** The root of a tree. */
export interface TreeRoot {
  /** Id of the tree, for messages. */
  owner: bigint
  bytenr: number
  level: number
  generation: number
}

export interface TreesOptions {
  superblock: Superblock
  hash: BlockHash
  chunks: ChunkMap
  /** Called with copies that are damaged while another one is sound. */
  onFinding: OnFinding
}

/** Bytes of blocks that are kept. */
const CACHE_BYTES = 32 * 1024 ** 2

/** All trees of one file system. */
export class Trees {
  readonly nodesize: number
  readonly #superblock: Superblock
  readonly #hash: BlockHash
  readonly #chunks: ChunkMap
  readonly #onFinding: OnFinding
  readonly #fsid: Uint8Array
  /** By their addresses. */
  readonly #cache: LruCache<number, TreeBlock>

  /** @internal Use `openBtrfs`. */
  constructor({ superblock, hash, chunks, onFinding }: TreesOptions) {
    this.nodesize = superblock.nodesize
    this.#superblock = superblock
    this.#hash = hash
    this.#chunks = chunks
    this.#onFinding = onFinding
    this.#fsid = fsidOfBlocks(superblock)
    this.#cache = new LruCache(Math.max(16, Math.floor(CACHE_BYTES / this.nodesize)))
  }

  /**
   * A block that is as it should be.
   *
   * @param owner of the tree, for messages
   * @throws CorruptError when no copy of it is
   * @throws UnsupportedError when it lies on other devices
   */
  *block(bytenr: number, expected: BlockExpectation, owner: bigint): ReadRoutine<TreeBlock> {
    const known = this.#cache.get(bytenr)
    if (known !== undefined && linkProblem(known, expected) === undefined) return known
    const block = yield* this.#readBlock(bytenr, expected, owner)
    this.#cache.set(bytenr, block)
    return block
  }

  /**
   * One copy of a block, without regard to the others.
   *
   * @param physical where on the device
   * @throws CorruptError when it is damaged
   */
  *copy(bytenr: number, physical: number, expected: BlockExpectation, owner: bigint): ReadRoutine<TreeBlock> {
    const what = `tree block ${bytenr} of tree ${owner}`
    const bytes = yield* readExactly(physical, this.nodesize, what)
    const wrongSum = checksumProblem(bytes, this.#hash)
    if (wrongSum !== undefined) throw new CorruptError(`${what}, csum`, physical, wrongSum)
    const block = new TreeBlock(bytes, { bytenr, physical })
    const { sectorsize } = this.#superblock
    const problem = blockProblem(block, { fsid: this.#fsid, sectorsize }) ?? linkProblem(block, expected)
    if (problem !== undefined) throw new CorruptError(`${what}, ${problem.what}`, physical, problem)
    return block
  }

  *#readBlock(bytenr: number, expected: BlockExpectation, owner: bigint): ReadRoutine<TreeBlock> {
    const copies = this.#chunks.copies(bytenr, this.nodesize)
    const errors: unknown[] = []
    for (const physical of copies) {
      try {
        const block = yield* this.copy(bytenr, physical, expected, owner)
        for (const error of errors) this.#onFinding(findingOf(error))
        return block
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
    if (this.#chunks.find(bytenr) !== undefined) {
      throw new UnsupportedError(
        `tree block ${bytenr} of tree ${owner} lies on another device, or is spread over several`,
      )
    }
    throw new CorruptError(`tree block ${bytenr} of tree ${owner}`, bytenr, {
      expected: 'an address in a chunk',
      found: 'none',
    })
  }

  /** A cursor over a tree, which stands nowhere yet. */
  cursor(root: TreeRoot): Cursor {
    return new Cursor(this, root)
  }
}
