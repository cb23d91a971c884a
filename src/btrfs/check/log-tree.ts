/** Log trees: what was written since the last transaction. They have no extent items; their files have checksums. */
import {
  COMPRESS_NONE,
  EXTENT_CSUM_KEY,
  EXTENT_DATA_KEY,
  FILE_EXTENT_REG,
  FileExtentItem,
  INODE_ITEM_KEY,
  INODE_NODATASUM,
  InodeItem,
  TREE_LOG_OBJECTID,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { ChecksumRanges } from './checksum-ranges.ts'
import type { LoggedExtent } from './compare-checksums.ts'
import { u64Of } from './numbers.ts'
import { LostRanges } from './lost-ranges.ts'
import type { CheckVisitor } from './tree-walk.ts'
import type { CheckContext } from './context.ts'

/** The log of one subvolume. */
export class LogCheck implements CheckVisitor {
  readonly #context: CheckContext
  readonly #lost = new LostRanges()
  readonly #sums: ChecksumRanges
  readonly #ranges: { inode: bigint; from: number; length: number; place: number }[] = []
  /** All that its files have. */
  readonly extents: LoggedExtent[] = []
  #summedInode: bigint | undefined

  constructor(context: CheckContext) {
    this.#context = context
    this.#sums = new ChecksumRanges(context, TREE_LOG_OBJECTID)
  }

  lost: CheckVisitor['lost'] = (low, high) => this.#lost.add(low, high)

  leaf(block: TreeBlock, bad: ReadonlySet<number> | undefined): void {
    for (let slot = 0; slot < block.count; slot++) {
      if (bad?.has(slot) === true) continue
      const at = block.itemStart(slot)
      const type = block.type(slot)
      if (type === EXTENT_CSUM_KEY) this.#sums.add(block, slot)
      else if (type === INODE_ITEM_KEY) {
        const flags = InodeItem.at.flags.get(block.view, at)
        if ((flags & INODE_NODATASUM) === 0n) this.#summedInode = block.objectid(slot)
      } else if (type === EXTENT_DATA_KEY) this.#addExtent(block, slot)
    }
  }

  #addExtent(block: TreeBlock, slot: number): void {
    const { view } = block
    const at = block.itemStart(slot)
    if (FileExtentItem.at.type.get(view, at) !== FILE_EXTENT_REG) return
    const start = u64Of(FileExtentItem.at.diskBytenr, view, at)
    if (start === 0) return
    this.extents.push({ start, end: start + u64Of(FileExtentItem.at.diskNumBytes, view, at) })
    if (block.objectid(slot) !== this.#summedInode) return
    const isCompressed = FileExtentItem.at.compression.get(view, at) !== COMPRESS_NONE
    this.#ranges.push({
      inode: block.objectid(slot),
      from: isCompressed ? start : start + u64Of(FileExtentItem.at.offset, view, at),
      length: u64Of(isCompressed ? FileExtentItem.at.diskNumBytes : FileExtentItem.at.numBytes, view, at),
      place: block.physical + at,
    })
  }

  /** @param checksums of the checksum tree */
  finish(subvolume: bigint, checksums: ChecksumRanges): void {
    if (this.#lost.any) return
    for (const { inode, from, length, place } of this.#ranges) {
      if (this.#sums.covered(from, length) === length || checksums.covered(from, length) === length) continue
      const what = `log of tree ${subvolume}, inode ${inode}, checksums from ${from} on`
      this.#context.fault(what, place, `those of ${length} bytes`, 'not all')
    }
  }
}
