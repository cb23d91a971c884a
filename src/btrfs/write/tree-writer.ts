import { yieldToEventLoop } from '../../lib/yield.ts'
import type { BlockHash } from '../../lib/block-hash.ts'
import type { ImageSink } from '../../lib/image-sink.ts'
import { sealBlock } from '../checksum.ts'
import type { TreeChunk } from './chunks.ts'
import { BlockList } from './block-list.ts'
import {
  buildTree,
  copyOfBlock,
  type BlockContext,
  type BuiltBlock,
  type TreeItem,
  type BuiltRoot,
} from './tree.ts'

/** The fields that all tree blocks share, and the function of their checksums. */
export type WriteContext = BlockContext & { hash: BlockHash }

/** Blocks written between two visits of the event loop. */
const BLOCKS_PER_YIELD = 512

/** The address of a tree block, and its chunk. */
interface BlockPlace {
  bytenr: number
  group: TreeChunk
}

/** The places of all blocks in some chunks, in order. */
function* places(groups: Iterable<TreeChunk>, nodeSize: number): Generator<BlockPlace> {
  for (const group of groups) {
    for (let i = 0; i < group.blocks; i++) yield { bytenr: group.chunk.logical + i * nodeSize, group }
  }
}

/**
 * Writes trees one after the other into chunks, each chunk as a whole and once for each of its stripes.
 *
 * The file trees are written before the number of blocks that follow is known: `continueIn` then sets the final
 * chunks.
 */
export class TreeWriter {
  readonly #sink: ImageSink
  readonly #context: WriteContext
  readonly #signal: AbortSignal | undefined
  #places: Iterator<BlockPlace>
  #next: BlockPlace | undefined
  /** The chunk that is being collected. */
  #group: TreeChunk | undefined
  #buffer = new Uint8Array(0)
  #used = 0
  /** The last block written. */
  #last: Uint8Array = new Uint8Array(0)
  /** Every block written, in order. */
  readonly blocks = new BlockList()

  constructor(sink: ImageSink, groups: Iterable<TreeChunk>, context: WriteContext, signal?: AbortSignal) {
    this.#sink = sink
    this.#signal = signal
    this.#context = context
    this.#places = places(groups, context.nodeSize)
  }

  /** Builds and writes one tree. */
  async write(owner: bigint, items: Iterable<TreeItem>): Promise<BuiltRoot> {
    const tree = buildTree(owner, items, this.#context, (level) => this.#allocate(owner, level))
    for (;;) {
      const next = tree.next()
      if (next.done === true) return next.value
      this.#last = next.value.block
      if (this.blocks.length % BLOCKS_PER_YIELD === 0) await yieldToEventLoop()
      const adding = this.#add(next.value)
      if (adding !== undefined) await adding
    }
  }

  /** Writes the root of the last tree again, as that of a snapshot, which shares all other blocks. */
  async copyRoot(owner: bigint, { level, blocks }: BuiltRoot): Promise<BuiltRoot> {
    const bytenr = this.#allocate(owner, level)
    await this.#add({ bytenr, block: copyOfBlock(this.#last, owner, bytenr) })
    return { bytenr, level, blocks }
  }

  /** Continues in the final chunks, whose first blocks are written already. */
  continueIn(groups: TreeChunk[]): void {
    this.#places = places(groups, this.#context.nodeSize)
    for (let i = 0; i < this.blocks.length; i++) this.#places.next()
    const current = this.#group
    if (current === undefined) return
    this.#group = groups.find(({ chunk }) => chunk.logical === current.chunk.logical)
  }

  /** Writes the collected chunk. */
  async flush(): Promise<void> {
    if (this.#group === undefined) return
    const content = this.#buffer.subarray(0, this.#used)
    const [first, second] = this.#group.chunk.stripes
    if (second === undefined) await this.#sink.write(first, content)
    else await this.#sink.writeTwice(first, content, second - first)
    this.#group = undefined
    this.#used = 0
  }

  #allocate(owner: bigint, level: number): number {
    this.blocks.push(owner, level)
    this.#next = this.#places.next().value as BlockPlace
    return this.#next.bytenr
  }

  #add(tree: BuiltBlock): Promise<void> | void {
    this.#signal?.throwIfAborted()
    const { group } = this.#next!
    if (group.chunk.logical === this.#group?.chunk.logical) return this.#collect(tree)
    return this.flush().then(() => {
      this.#group = group
      const size = group.blocks * this.#context.nodeSize
      if (this.#buffer.length < size) this.#buffer = new Uint8Array(size)
      this.#collect(tree)
    })
  }

  #collect({ bytenr, block }: BuiltBlock): void {
    sealBlock(block, this.#context.hash)
    this.#used = bytenr - this.#group!.chunk.logical
    this.#buffer.set(block, this.#used)
    this.#used += block.length
  }
}

/** Addresses of the blocks in some chunks, in order. */
export function* blockAddresses(groups: Iterable<TreeChunk>, nodeSize: number): Generator<number> {
  for (const { bytenr } of places(groups, nodeSize)) yield bytenr
}
