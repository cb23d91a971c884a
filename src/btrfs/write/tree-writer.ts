import { yieldToEventLoop } from '../../lib/yield.ts'
import type { BlockHash } from '../../lib/block-hash.ts'
import type { ImageSink } from '../../lib/image-sink.ts'
import { sealBlock } from '../checksum.ts'
import type { TreeChunk } from './chunks.ts'
import { BlockList } from './block-list.ts'
import {
  fillTree,
  copyOfBlock,
  TreeBuilder,
  type BlockContext,
  type BuiltBlock,
  type TreeItem,
  type BuiltRoot,
} from './tree.ts'

/** The fields that all tree blocks share, and the function of their checksums. */
export type WriteContext = BlockContext & { hash: BlockHash }

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
  /** Chunks of the blocks that are allocated and not yet written, in order. */
  readonly #allocated: TreeChunk[] = []
  /** The chunk that is being collected. */
  #group: TreeChunk | undefined
  #buffer = new Uint8Array(0)
  #used = 0
  /** The root of the last tree. */
  #lastRoot: Uint8Array = new Uint8Array(0)
  /** Every block written, in order. */
  readonly blocks = new BlockList()

  constructor(sink: ImageSink, groups: Iterable<TreeChunk>, context: WriteContext, signal?: AbortSignal) {
    this.#sink = sink
    this.#signal = signal
    this.#context = context
    this.#places = places(groups, context.nodeSize)
  }

  /** Builds and writes a tree of items in ascending key order. */
  write(owner: bigint, items: Iterable<TreeItem>): Promise<BuiltRoot> {
    return this.build(owner, (tree) => fillTree(tree, items))
  }

  /**
   * Builds and writes a tree.
   *
   * @param fill adds the items, and pauses when the tree is full
   */
  async build(owner: bigint, fill: (tree: TreeBuilder) => Iterator<void>): Promise<BuiltRoot> {
    const tree = new TreeBuilder(owner, this.#context, (level) => this.#allocate(owner, level))
    const filling = fill(tree)
    while (filling.next().done !== true) {
      await this.#takeFrom(tree)
      await yieldToEventLoop()
    }
    const root = tree.finish()
    await this.#takeFrom(tree)
    return root
  }

  /** Writes the root of the last tree again, as that of a snapshot, which shares all other blocks. */
  async copyRoot(owner: bigint, { level, blocks }: BuiltRoot): Promise<BuiltRoot> {
    const bytenr = this.#allocate(owner, level)
    await this.#add({ bytenr, block: copyOfBlock(this.#lastRoot, owner, bytenr) })
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
    const { bytenr, group } = this.#places.next().value as BlockPlace
    this.#allocated.push(group)
    return bytenr
  }

  /** Writes the finished blocks of a tree. */
  async #takeFrom(tree: TreeBuilder): Promise<void> {
    for (let built = tree.take(); built !== undefined; built = tree.take()) {
      const adding = this.#add(built)
      if (adding !== undefined) await adding
      this.#lastRoot = built.block
      tree.giveBack(built.block)
    }
  }

  #add(built: BuiltBlock): Promise<void> | void {
    this.#signal?.throwIfAborted()
    const group = this.#allocated.shift()!
    if (group.chunk.logical === this.#group?.chunk.logical) return this.#collect(built)
    return this.flush().then(() => {
      this.#group = group
      const size = group.blocks * this.#context.nodeSize
      if (this.#buffer.length < size) this.#buffer = new Uint8Array(size)
      this.#collect(built)
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
