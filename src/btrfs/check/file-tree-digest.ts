/**
 * Sums over the items of a file tree that are zero when its inodes, names and links agree. The sum of a tree is that of
 * its subtrees: one that many snapshots share is walked once, and each of them adds its sum.
 */
import { nameBytesHash, nameHash } from '../checksum.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { otherNameHash, SEEN, type SeenName } from './name-table.ts'
import { fileTypeOf } from './file-types.ts'
import type { InodeFault, ScannedInode, SubvolumeEntry } from './inode-sink.ts'

const PARENT_HASH = nameHash('..')

/**
 * The sums, each in two lanes of 32 bits:
 * DIR_ITEMs less DIR_INDEXes, DIR_INDEXes less INODE_REFs, DIR_ITEMs less nlinks, inodes without a link less orphan
 * items, and faults of single items and inodes.
 */
const [ITEMS, INDEXES, LINKS, ORPHANS, FAULTS] = [0, 2, 4, 6, 8]
const LANES = 10
const SEEDS = [0x9e3779b1, 0x7f4a7c15]

/** Entries that lead to other trees: those of a subtree are kept once. */
export interface SubvolumeEntryList {
  own: SubvolumeEntry[]
  parts: SubvolumeEntryList[]
}

export class FileTreeDigest {
  readonly #sums = new Int32Array(LANES)
  readonly #rootDirectory: number
  #rootInodes = 0
  #rootNames = 0
  readonly #entries: SubvolumeEntryList = { own: [], parts: [] }

  constructor(rootDirectory: number) {
    this.#rootDirectory = rootDirectory
  }

  get entries(): SubvolumeEntryList {
    return this.#entries
  }

  /** Adds the digest of a subtree. */
  add(other: FileTreeDigest): void {
    for (let lane = 0; lane < LANES; lane++) this.#sums[lane] += other.#sums[lane]
    this.#rootInodes += other.#rootInodes
    this.#rootNames += other.#rootNames
    const { own, parts } = other.#entries
    if (own.length > 0 || parts.length > 0) this.#entries.parts.push(other.#entries)
  }

  addName(block: TreeBlock, { directory, inode, seen, index = 0, type = 0, start, length }: SeenName): void {
    const hash = nameBytesHash(block.bytes, start, start + length)
    const otherHash = otherNameHash(block.bytes, start, start + length)
    // `..` of the root directory, which is in no directory.
    const isRoots = inode === this.#rootDirectory && hash === PARENT_HASH && length === 2
    if (isRoots && seen === SEEN.ref && index === 0) {
      this.#rootNames++
      return
    }
    for (let lane = 0; lane < 2; lane++) {
      const place = mixNumber(mixNumber(SEEDS[lane], directory), inode)
      const name = mix(mix(place, hash), otherHash)
      if (seen !== SEEN.ref) {
        const sign = seen === SEEN.entry ? 1 : -1
        this.#sums[ITEMS + lane] += sign * mix(name, type)
      }
      if (seen !== SEEN.entry) {
        const sign = seen === SEEN.index ? 1 : -1
        this.#sums[INDEXES + lane] += sign * mixNumber(name, index)
      } else this.#sums[LINKS + lane] += linkHash(lane, inode, type)
    }
  }

  addInode({ inode, mode, nlink, place }: ScannedInode): void {
    if (inode === this.#rootDirectory) {
      this.#rootInodes++
      if (mode !== 0 && nlink !== 1) this.addFault(place, 'nlink')
      return
    }
    if (mode === 0) return
    const type = fileTypeOf(mode)
    for (let lane = 0; lane < 2; lane++) {
      if (nlink === 0) this.#sums[ORPHANS + lane] += orphanHash(lane, inode)
      else this.#sums[LINKS + lane] -= Math.imul(nlink, linkHash(lane, inode, type))
    }
  }

  addOrphan(inode: number): void {
    for (let lane = 0; lane < 2; lane++) this.#sums[ORPHANS + lane] -= orphanHash(lane, inode)
  }

  addEntry(entry: SubvolumeEntry): void {
    this.#entries.own.push(entry)
  }

  /** @param place on the device, or the address of what could not be read */
  addFault(place: number, text: string): void {
    for (let lane = 0; lane < 2; lane++) {
      let hash = mixNumber(SEEDS[lane], place)
      for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i))
      this.#sums[FAULTS + lane] += hash
    }
  }

  addInodeFault({ inode, what, place, expected, found }: InodeFault): void {
    this.addFault(place, `${inode} ${what} ${String(expected)} ${String(found)}`)
  }

  /** Whether the tree is sound. */
  get isBalanced(): boolean {
    return this.#rootInodes === 1 && this.#rootNames === 1 && this.#sums.every((sum) => sum === 0)
  }

  /** Whether nothing is unbalanced but orphan items, which inodes that have links may have as well. */
  get isBalancedButOrphans(): boolean {
    const [first, second] = [ORPHANS, ORPHANS + 1]
    return (
      this.#rootInodes === 1 &&
      this.#rootNames === 1 &&
      this.#sums.every((sum, lane) => lane === first || lane === second || sum === 0)
    )
  }

  /** Equal for trees with the same faults. */
  get text(): string {
    return `${this.#rootInodes} ${this.#rootNames} ${this.#sums.join(' ')}`
  }
}

function linkHash(lane: number, inode: number, type: number | undefined): number {
  return mix(mixNumber(SEEDS[lane] ^ 1, inode), type ?? 0)
}

function orphanHash(lane: number, inode: number): number {
  return mixNumber(SEEDS[lane] ^ 2, inode)
}

/** The low, then the high half. */
function mixNumber(hash: number, value: number): number {
  return mix(mix(hash, value), Math.floor(value / 0x1_0000_0000))
}

/** A round of MurmurHash3's finalizer. */
function mix(hash: number, value: number): number {
  let h = Math.imul(hash ^ value, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
