/**
 * Checks trees of files. Their digests tell which of them are sound, in time that grows with the blocks there are, not
 * with the trees that share them. A tree whose digest is not balanced is read once more, to name what is wrong with it.
 */
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { INODE_ITEM_KEY } from '../format.ts'
import { DigestVisitor, type SubtreeDigests } from './digest-visitor.ts'
import type { ContentServices } from './file-content.ts'
import type { FileTreeDigest } from './file-tree-digest.ts'
import { InodeRecords } from './inode-records.ts'
import type { InodeFault } from './inode-sink.ts'
import type { LostRanges } from './lost-ranges.ts'
import { treeName } from './names.ts'
import type { RootOfTree } from './root-table.ts'
import { searchTree } from './search-tree.ts'
import type { CheckVisitor, TreeWalker } from './tree-walk.ts'

/**
 * How often all leaves may be read once more to name faults. Trees with faults of their own that share all the rest
 * would make that endless.
 */
const MAX_EXTRA_WALKS = 4
/** Trees with the same digest have the same faults if so many of the inodes at fault are in the same leaves. */
const MAX_COMPARED_LEAVES = 16

/** Trees with the same digest whose faults have been reported. */
interface ReportedTrees {
  /** Inodes that are wrong. */
  inodes: readonly number[]
  /** The leaves in which these inodes are, of each tree. */
  leaves: Set<string>
}

export interface FileTreesCheckInput {
  services: ContentServices
  walker: TreeWalker
  /** Wraps a visitor so that pointers and uses of extents are noted. */
  noting: (visitor: CheckVisitor, root: RootOfTree) => CheckVisitor
}

export class FileTrees {
  readonly #services: ContentServices
  readonly #walker: TreeWalker
  readonly #noting: FileTreesCheckInput['noting']
  readonly #known: SubtreeDigests = new Map()
  /** By the texts of digests. */
  readonly #reportedTrees = new Map<string, ReportedTrees>()
  readonly #reportedFaults = new Set<string>()
  #extraLeaves = 0

  constructor({ services, walker, noting }: FileTreesCheckInput) {
    this.#services = services
    this.#walker = walker
    this.#noting = noting
  }

  /**
   * @param lost takes what could not be read
   * @returns the digest of the tree
   */
  *check(root: RootOfTree, lost: LostRanges): ReadRoutine<FileTreeDigest> {
    const { objectid: tree, rootDirectory } = root
    const visitor = new DigestVisitor(
      this.#services,
      { tree, rootDirectory, known: this.#known },
      (low, high) => lost.add(low, high),
    )
    yield* this.#walker.walk(root, this.#noting(visitor, root))
    const digest = visitor.finish()
    if (!digest.isBalanced && !(yield* this.#isReported(root, digest)))
      yield* this.#report(root, digest, lost)
    return digest
  }

  /** Whether the faults of a tree are those of another one, in the same blocks. */
  *#isReported(root: RootOfTree, digest: FileTreeDigest): ReadRoutine<boolean> {
    const reported = this.#reportedTrees.get(digest.text)
    return reported?.leaves.has(yield* this.#leavesOf(root, reported.inodes)) === true
  }

  /** The addresses of the leaves with some inodes. */
  *#leavesOf(root: RootOfTree, inodes: readonly number[]): ReadRoutine<string> {
    const leaves: (number | undefined)[] = []
    for (const inode of inodes) {
      const key = { objectid: BigInt(Math.trunc(inode)), type: INODE_ITEM_KEY, offset: 0n }
      leaves.push(yield* searchTree(this.#walker.reader, root, key, 0))
    }
    return leaves.join(' ')
  }

  *#report(root: RootOfTree, digest: FileTreeDigest, lost: LostRanges): ReadRoutine<void> {
    const { objectid: tree, rootDirectory, place } = root
    const { context, blocks, reader } = this.#walker
    if (this.#extraLeaves > MAX_EXTRA_WALKS * blocks.length) {
      // Lost parts have been reported, and may be all that is wrong.
      if (lost.any || digest.isBalancedButOrphans) return
      context.fault(treeName(tree), place, 'inodes, names and links that agree', 'others')
      return
    }
    const records = new InodeRecords(this.#services, tree, rootDirectory)
    yield* this.#walker.walk(root, records)
    this.#extraLeaves += records.leafCount
    const all = records.finish()
    const faults = all.filter((fault) => this.#isNew(fault))
    const texts = yield* records.describe(
      faults.map(({ inode }) => inode),
      reader,
    )
    for (const { inode, what, place, expected, found } of faults) {
      context.fault(`${texts.get(inode)!}, ${what}`, place, expected, found)
    }
    yield* this.#remember(root, digest, all)
  }

  *#remember(root: RootOfTree, { text }: FileTreeDigest, faults: readonly InodeFault[]): ReadRoutine<void> {
    let reported = this.#reportedTrees.get(text)
    if (reported === undefined) {
      const inodes = [...new Set(faults.map(({ inode }) => inode))].slice(0, MAX_COMPARED_LEAVES)
      this.#reportedTrees.set(text, (reported = { inodes, leaves: new Set() }))
    }
    reported.leaves.add(yield* this.#leavesOf(root, reported.inodes))
  }

  /** A fault in a block that several trees share is reported once. */
  #isNew({ inode, what, place, expected, found }: InodeFault): boolean {
    const text = `${place} ${inode} ${what} ${String(expected)} ${String(found)}`
    if (this.#reportedFaults.has(text)) return false
    this.#reportedFaults.add(text)
    return true
  }
}
