/**
 * The inodes of one file tree with all their names, to find out which of them are wrong, and where they are. Only trees
 * whose digest is not balanced are read in this way. (check_inode_recs of btrfs check)
 */
import { columnOfSizes, columnOfU32 } from '../../lib/column.ts'
import { fromBytes, toDisplay } from '../../lib/byte-string.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { nameHash } from '../checksum.ts'
import type { Key } from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { BlockReader } from './block-reader.ts'
import type { CheckContext } from './context.ts'
import type { ContentServices } from './file-content.ts'
import { fileTypeOf } from './file-types.ts'
import { InodeScanner } from './inode-scanner.ts'
import type { InodeFault, InodeSink, ScannedInode } from './inode-sink.ts'
import { LostRanges } from './lost-ranges.ts'
import { NameTable, SEEN, type SeenName } from './name-table.ts'
import { treeName } from './names.ts'
import { lastAtMost } from './numbers.ts'
import type { CheckVisitor } from './tree-walk.ts'

const PARENT_HASH = nameHash('..')
/** Paths with more parts are left out of messages. */
const MAX_DEPTH = 64
const ITEMS_OF_NAMES = [
  { item: 'DIR_ITEM', seen: SEEN.entry },
  { item: 'DIR_INDEX', seen: SEEN.index },
  { item: 'INODE_REF', seen: SEEN.ref },
] as const

export class InodeRecords implements CheckVisitor, InodeSink {
  readonly #context: CheckContext
  readonly #tree: bigint
  readonly #rootDirectory: number
  readonly #scanner: InodeScanner
  readonly #lost = new LostRanges()
  readonly #names = new NameTable()
  readonly #orphans = new Set<number>()
  /** In ascending order. */
  readonly #inode = columnOfSizes()
  readonly #mode = columnOfU32()
  readonly #nlink = columnOfU32()
  /** How many DIR_ITEMs lead to it. */
  readonly #links = columnOfU32()
  readonly #place = columnOfSizes()
  #rootHasName = false
  readonly #faults: InodeFault[] = []
  /** How many leaves have been read. */
  leafCount = 0

  /** @param rootDirectory its inode (root_dirid) */
  constructor(services: ContentServices, tree: bigint, rootDirectory: number) {
    this.#context = services.context
    this.#tree = tree
    this.#rootDirectory = rootDirectory
    this.#scanner = new InodeScanner(services, tree, this)
  }

  lost(low: Key, high: Key | undefined): void {
    this.#lost.add(low, high)
  }

  leaf(block: TreeBlock, bad: ReadonlySet<number> | undefined): void {
    this.leafCount++
    this.#scanner.leaf(block, bad)
  }

  // ---- as a sink

  name(block: TreeBlock, name: SeenName): void {
    const problem = this.#names.add(block, name)
    if (problem === undefined) return
    const text = toDisplay(fromBytes(block.bytes, name.start, name.start + name.length))
    const what = `name ${JSON.stringify(text)} in directory ${name.directory}, ${problem.what}`
    this.#fault(name.inode, what, block.physical + name.start, problem.expected, problem.found)
  }

  /** The table of names finds it. */
  repeatedName(): void {}

  inode({ inode, mode, nlink, place }: ScannedInode): void {
    this.#inode.push(inode)
    this.#mode.push(mode)
    this.#nlink.push(nlink)
    this.#links.push(0)
    this.#place.push(place)
  }

  orphan(inode: number): void {
    this.#orphans.add(inode)
  }

  /** The digest has these. */
  subvolumeEntry(): void {}

  fault(fault: InodeFault): void {
    this.#faults.push(fault)
  }

  invalidItem(block: TreeBlock, slot: number): void {
    this.#lost.add(block.key(slot), { ...block.key(slot), offset: block.keyOffset(slot) + 1n })
  }

  /** A whole tree is read: no inode is continued. */
  continued(): void {}

  isLost(key: Key): boolean {
    return this.#lost.has(key)
  }

  isObjectLost(objectid: bigint): boolean {
    return this.#lost.hasObject(objectid)
  }

  // ---- when all leaves have been read

  /** @returns everything that is wrong */
  finish(): readonly InodeFault[] {
    this.#scanner.finish()
    this.#checkNames()
    this.#checkLinks()
    return this.#faults
  }

  #fault(inode: number, what: string, place: number, expected: unknown, found: unknown): void {
    this.#faults.push({ inode, what, place, expected, found })
  }

  #rowOf(inode: number): number | undefined {
    const row = lastAtMost(this.#inode.length, (at) => this.#inode.get(at), inode)
    return row >= 0 && this.#inode.get(row) === inode ? row : undefined
  }

  #checkNames(): void {
    for (let name = 0; name < this.#names.length; name++) {
      const inode = this.#names.inode(name)
      const row = this.#rowOf(inode)
      if (row !== undefined && this.#names.isSeen(name, SEEN.entry)) {
        this.#links.set(row, this.#links.get(row) + 1)
      }
      if (this.#isRootsOwn(name)) this.#rootHasName = true
      else if (row !== undefined) this.#checkName(name, row)
      else if (!this.#lost.hasObject(BigInt(Math.trunc(inode)))) {
        const place = this.#context.physical(this.#names.place(name).bytenr)
        const expected = `one, as directory ${this.#names.directory(name)} has it`
        this.#fault(inode, 'inode item', place, expected, 'none')
      }
    }
  }

  #checkName(name: number, row: number): void {
    const names = this.#names
    const [inode, directory, place] = [names.inode(name), names.directory(name), this.#place.get(row)]
    const what = `name at index ${names.index(name)} of directory ${directory}`
    for (const { item, seen } of names.isSound(name) ? [] : ITEMS_OF_NAMES) {
      const holder = seen === SEEN.ref ? inode : directory
      if (names.isSeen(name, seen) || this.#lost.hasObject(BigInt(holder))) continue
      this.#fault(inode, what, place, `a ${item}`, 'none')
    }
    const type = fileTypeOf(this.#mode.get(row))
    const hasType = names.isSeen(name, SEEN.entry | SEEN.index)
    if (type !== undefined && hasType && !names.isOdd(name) && names.type(name) !== type) {
      this.#fault(inode, `${what}, type`, place, `${type}, as of its mode`, names.type(name))
    }
  }

  /** `..` of the root directory, which is in no directory. */
  #isRootsOwn(name: number): boolean {
    return (
      this.#names.inode(name) === this.#rootDirectory &&
      this.#names.hash(name) === PARENT_HASH &&
      this.#names.place(name).length === 2 &&
      this.#names.index(name) === 0 &&
      this.#names.isSeen(name, SEEN.ref) &&
      !this.#names.isSeen(name, SEEN.entry | SEEN.index)
    )
  }

  #checkLinks(): void {
    let hasRoot = false
    for (let row = 0; row < this.#inode.length; row++) {
      if (this.#inode.get(row) !== this.#rootDirectory) this.#checkLinksOf(row)
      else {
        hasRoot = true
        this.#checkRootDirectory(row)
      }
    }
    if (hasRoot || this.#lost.any) return
    const what = `root directory ${this.#rootDirectory} of ${treeName(this.#tree)}`
    this.#context.fault(what, 0, 'an inode', 'none')
  }

  #checkRootDirectory(row: number): void {
    const [inode, nlink, links] = [this.#inode.get(row), this.#nlink.get(row), this.#links.get(row)]
    const place = this.#place.get(row)
    if (nlink !== 1 && this.#mode.get(row) !== 0) {
      this.#fault(inode, 'nlink', place, '1 of the root directory', nlink)
    }
    if (!this.#rootHasName && !this.#lost.hasObject(BigInt(inode))) {
      this.#fault(inode, 'names', place, 'an INODE_REF of `..` in itself', 'none')
    }
    if (links !== 0) this.#fault(inode, 'names', place, 'none of the root directory', links)
  }

  #checkLinksOf(row: number): void {
    const [inode, nlink, links] = [this.#inode.get(row), this.#nlink.get(row), this.#links.get(row)]
    if (this.#mode.get(row) === 0 || this.#lost.any) return
    const place = this.#place.get(row)
    if (nlink === 0 && !this.#orphans.has(inode)) {
      this.#fault(inode, 'nlink', place, 'an orphan item, as it has no name', 'none')
    }
    if (links !== nlink) this.#fault(inode, 'nlink', place, `${links}, as many as it has names`, nlink)
  }

  /** Inodes by what messages call them: with a path from the root of the tree, when they have one. */
  *describe(inodes: Iterable<number>, reader: BlockReader): ReadRoutine<Map<number, string>> {
    const nameOf = new Map<number, number>()
    for (let name = 0; name < this.#names.length; name++) {
      const inode = this.#names.inode(name)
      if (!nameOf.has(inode)) nameOf.set(inode, name)
    }
    const texts = new Map<number, string>()
    for (const inode of new Set(inodes)) {
      const path = yield* this.#pathOf(inode, nameOf, reader)
      const id = inode < 2 ** 63 ? inode : inode - 2 ** 64
      texts.set(inode, `inode ${id} of ${treeName(this.#tree)}${path === '' ? '' : ` (${path})`}`)
    }
    return texts
  }

  /** Path from the root of the tree; '' when there is none. */
  *#pathOf(inode: number, nameOf: ReadonlyMap<number, number>, reader: BlockReader): ReadRoutine<string> {
    const parts: string[] = []
    for (let at = inode; at !== this.#rootDirectory;) {
      const name = nameOf.get(at)
      if (name === undefined || parts.length > MAX_DEPTH) return ''
      const { bytenr, start, length } = this.#names.place(name)
      const [block] = yield* reader.read([bytenr], this.#tree)
      if (block === undefined) return ''
      parts.push(toDisplay(fromBytes(block.bytes, start, start + length)))
      at = this.#names.directory(name)
    }
    return parts.length === 0 ? '' : `/${parts.reverse().join('/')}`
  }
}
