/** Computes the digest of one file tree; those of subtrees shared with other trees are computed once. */
import { DATA_RELOC_TREE_OBJECTID, type Key } from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { ContentServices } from './file-content.ts'
import { FileTreeDigest } from './file-tree-digest.ts'
import { InodeScanner } from './inode-scanner.ts'
import type { InodeSink, SubvolumeEntry } from './inode-sink.ts'
import { appendInode, cloneInode, continuationOf, stateKey, type PendingInode } from './open-inode.ts'
import type { SeenName } from './name-table.ts'
import type { CheckVisitor } from './tree-walk.ts'

/** The contribution of a subtree to every tree that leads to it. */
interface SubtreeDigest {
  digest: FileTreeDigest
  /** The part of the inode that was open where it began. */
  head: PendingInode | undefined
  /** Whether that inode ends in it. */
  endsHead: boolean
  /** The inode that is open where it ends; undefined as long as `head` is. */
  tail: PendingInode | undefined
}

/** Digests of shared subtrees, by their blocks and by the state of the inode that is open where they begin. */
export type SubtreeDigests = Map<string, SubtreeDigest>

/** A subtree that is being walked. */
interface Frame {
  key: string
  /** The inode that was open before. */
  before: PendingInode | undefined
  digest: FileTreeDigest
  head: PendingInode | undefined
}

export class DigestVisitor implements CheckVisitor, InodeSink {
  readonly #known: SubtreeDigests
  readonly #keyPrefix: string
  readonly #rootDirectory: number
  readonly #scanner: InodeScanner
  readonly #frames: Frame[] = []
  readonly #onLost: (low: Key, high: Key | undefined) => void
  digest: FileTreeDigest

  /**
   * @param rootDirectory its inode (root_dirid)
   * @param onLost called with ranges of keys that could not be read
   */
  constructor(
    services: ContentServices,
    { tree, rootDirectory, known }: { tree: bigint; rootDirectory: number; known: SubtreeDigests },
    onLost: (low: Key, high: Key | undefined) => void,
  ) {
    this.#known = known
    // The content of the data relocation tree has no checksums.
    this.#keyPrefix = `${tree === DATA_RELOC_TREE_OBJECTID} ${rootDirectory}`
    this.#rootDirectory = rootDirectory
    this.#scanner = new InodeScanner(services, tree, this)
    this.#onLost = onLost
    this.digest = new FileTreeDigest(rootDirectory)
  }

  // ---- as a visitor

  leaf(block: TreeBlock, bad: ReadonlySet<number> | undefined): void {
    if (bad !== undefined) this.#onLost(block.key(0), undefined)
    this.#scanner.leaf(block, bad)
  }

  lost(low: Key, high: Key | undefined): void {
    this.digest.addFault(
      Number(low.objectid),
      `lost ${low.type} ${low.offset} ${high?.objectid} ${high?.offset}`,
    )
    this.#onLost(low, high)
  }

  reuse(bytenr: number, firstKey: Key | undefined): boolean {
    this.#finishUnless(firstKey)
    const known = this.#known.get(this.#keyOf(bytenr))
    if (known === undefined) return false
    this.#append(known)
    return true
  }

  enter(bytenr: number, firstKey: Key | undefined): void {
    this.#finishUnless(firstKey)
    const before = this.#scanner.open
    this.#frames.push({ key: this.#keyOf(bytenr), before, digest: this.digest, head: undefined })
    this.digest = new FileTreeDigest(this.#rootDirectory)
    this.#scanner.open = before === undefined ? undefined : continuationOf(before)
  }

  leave(): void {
    const { key, before, digest: outer, head } = this.#frames.pop()!
    const { open } = this.#scanner
    const isStillOpen = open?.isContinued === true
    const subtree: SubtreeDigest = {
      digest: this.digest,
      head: isStillOpen ? open : head,
      endsHead: head !== undefined,
      tail: isStillOpen || open === undefined ? undefined : cloneInode(open),
    }
    this.#known.set(key, subtree)
    this.digest = outer
    this.#scanner.open = before
    this.#append(subtree)
  }

  #append({ digest, head, endsHead, tail }: SubtreeDigest): void {
    const scanner = this.#scanner
    if (head !== undefined && scanner.open !== undefined) appendInode(scanner.open, head)
    if (endsHead) scanner.finish()
    this.digest.add(digest)
    if (tail !== undefined) scanner.open = cloneInode(tail)
  }

  /** The open inode ends where items of another one begin. */
  #finishUnless(firstKey: Key | undefined): void {
    if (firstKey !== undefined && this.#scanner.open?.objectid !== firstKey.objectid) this.#scanner.finish()
  }

  #keyOf(bytenr: number): string {
    const { open } = this.#scanner
    return `${bytenr} ${this.#keyPrefix} ${open === undefined ? '' : stateKey(open)}`
  }

  /** When the whole tree has been walked. */
  finish(): FileTreeDigest {
    this.#scanner.finish()
    return this.digest
  }

  // ---- as a sink

  name(block: TreeBlock, name: SeenName): void {
    this.digest.addName(block, name)
  }

  repeatedName(place: number): void {
    this.digest.addFault(place, 'repeated name')
  }

  inode(inode: Parameters<InodeSink['inode']>[0]): void {
    this.digest.addInode(inode)
  }

  orphan(inode: number): void {
    this.digest.addOrphan(inode)
  }

  subvolumeEntry(entry: SubvolumeEntry): void {
    this.digest.addEntry(entry)
  }

  fault(fault: Parameters<InodeSink['fault']>[0]): void {
    this.digest.addInodeFault(fault)
  }

  invalidItem(block: TreeBlock, slot: number): void {
    this.digest.addFault(block.physical + block.itemStart(slot), `invalid ${slot}`)
  }

  continued(inode: PendingInode): void {
    this.#frames.at(-1)!.head = inode
  }

  /** Faults that follow from what could not be read are left to the walk that reports. */
  isLost(): boolean {
    return false
  }

  isObjectLost(): boolean {
    return false
  }
}
