/** One tree of files: inodes, their names and their content agree. (check_inode_recs of btrfs check) */
import { MODE_TYPE, MODE_TYPE_MASK } from '../../file-tree/mode-type.ts'
import { columnOfSizes, columnOfU32 } from '../../lib/column.ts'
import { fromBytes, toDisplay, type ByteString } from '../../lib/byte-string.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { nameHash } from '../checksum.ts'
import {
  DIR_INDEX_KEY,
  DIR_ITEM_KEY,
  DirItem,
  EXTENT_DATA_KEY,
  FileType,
  FREE_INO_OBJECTID,
  FREE_SPACE_OBJECTID,
  INODE_EXTREF_KEY,
  INODE_ITEM_KEY,
  INODE_REF_KEY,
  InodeExtref,
  InodeItem,
  InodeRef,
  ORPHAN_ITEM_KEY,
  ROOT_ITEM_KEY,
  type Key,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { BlockReader } from './block-reader.ts'
import { entrySize } from './entry-rules.ts'
import { FileContent, type ContentContext } from './file-content.ts'
import { NameTable, SEEN } from './name-table.ts'
import { treeName } from './names.ts'
import { lastAtMost, u64Of } from './numbers.ts'
import { LostRanges, type TreeVisitor } from './tree-walk.ts'
import type { CheckContext } from './context.ts'

/** An entry of a directory that leads to another tree. */
export interface SubvolumeEntry {
  child: bigint
  parent: bigint
  directory: number
  /** Of a DIR_INDEX; a DIR_ITEM has none. */
  index: number | undefined
  name: ByteString
  type: number
  place: number
}

export interface FileTreeContext extends ContentContext {
  volume: CheckContext
  reader: BlockReader
  addSubvolumeEntry(entry: SubvolumeEntry): void
}

/** The inode whose items come by. */
interface Current {
  inode: number
  objectid: bigint
  hasItem: boolean
  mode: number
  nlink: number
  size: number
  nbytes: number
  /** The names of a directory, in bytes: each of them twice. */
  namesSize: number
  hasEntries: boolean
  content: FileContent
  place: number
}

/** Types of entries by those of modes. (BTRFS_FT_* by S_IF*) */
const TYPE_OF_MODE = new Map<number, number>(
  (Object.keys(MODE_TYPE) as (keyof typeof MODE_TYPE)[]).map((type) => [MODE_TYPE[type], FileType[type]]),
)
const MAX_DEPTH = 64

export class FileTreeCheck implements TreeVisitor {
  readonly #context: FileTreeContext
  readonly #tree: bigint
  readonly #rootDirectory: number
  readonly #lost = new LostRanges()
  readonly #names = new NameTable()
  readonly #orphans = new Set<number>()
  /** In ascending order. */
  readonly #inode = columnOfSizes()
  readonly #mode = columnOfU32()
  readonly #nlink = columnOfU32()
  readonly #links = columnOfU32()
  readonly #place = columnOfSizes()
  #current: Current | undefined
  #rootHasName = false
  /** Kept until the paths are known. */
  readonly #faults: { inode: number; what: string; place: number; expected: unknown; found: unknown }[] = []

  /** @param rootDirectory inode of it (root_dirid) */
  constructor(context: FileTreeContext, tree: bigint, rootDirectory: number) {
    this.#context = context
    this.#tree = tree
    this.#rootDirectory = rootDirectory
  }

  lost(low: Key, high: Key | undefined): void {
    this.#lost.add(low, high)
  }

  leaf(block: TreeBlock, bad: ReadonlySet<number> | undefined): void {
    for (let slot = 0; slot < block.count; slot++) {
      const type = block.type(slot)
      const objectid = block.objectid(slot)
      if (type === ORPHAN_ITEM_KEY) {
        this.#orphans.add(Number(block.keyOffset(slot)))
        continue
      }
      if (objectid === FREE_SPACE_OBJECTID) continue
      if (this.#current?.objectid !== objectid) this.#begin(block, slot, objectid)
      const current = this.#current!
      if (bad?.has(slot) === true) {
        // What an item that is not sound would have told is not missed.
        this.#lost.add(block.key(slot), { ...block.key(slot), offset: block.keyOffset(slot) + 1n })
        if (type === INODE_ITEM_KEY) current.hasItem = true
        continue
      }
      this.#item(current, block, slot, type)
    }
  }

  #begin(block: TreeBlock, slot: number, objectid: bigint): void {
    this.#end()
    this.#current = {
      inode: Number(objectid),
      objectid,
      hasItem: false,
      mode: 0,
      nlink: 0,
      size: 0,
      nbytes: 0,
      namesSize: 0,
      hasEntries: false,
      content: new FileContent(this.#context, this.#tree),
      place: block.physical + block.itemStart(slot),
    }
  }

  #item(current: Current, block: TreeBlock, slot: number, type: number): void {
    const at = block.itemStart(slot)
    switch (type) {
      case INODE_ITEM_KEY: {
        const { view } = block
        current.hasItem = true
        current.mode = InodeItem.at.mode.get(view, at)
        current.nlink = InodeItem.at.nlink.get(view, at)
        current.size = u64Of(InodeItem.at.size, view, at)
        current.nbytes = u64Of(InodeItem.at.nbytes, view, at)
        current.place = block.physical + at
        const flags = Number(BigInt.asUintN(32, InodeItem.at.flags.get(view, at)))
        current.content.begin(flags, (current.mode & MODE_TYPE_MASK) === MODE_TYPE.symlink)
        if ((current.mode & MODE_TYPE_MASK) === MODE_TYPE.symlink && (flags & IMMUTABLE_OR_APPEND) !== 0) {
          this.#fault(
            current.inode,
            'flags',
            current.place,
            'neither IMMUTABLE nor APPEND on a symlink',
            `0x${flags.toString(16)}`,
          )
        }
        break
      }
      case INODE_REF_KEY:
      case INODE_EXTREF_KEY:
        this.#references(current, block, slot, type === INODE_EXTREF_KEY)
        break
      case DIR_ITEM_KEY:
      case DIR_INDEX_KEY:
        this.#entries(current, block, slot, type === DIR_INDEX_KEY)
        break
      case EXTENT_DATA_KEY:
        current.content.add(block, slot, (field, expected, found) =>
          this.#fault(
            current.inode,
            `extent at ${block.keyOffset(slot)}${field}`,
            block.physical + at,
            expected,
            found,
          ),
        )
        break
    }
  }

  #references(current: Current, block: TreeBlock, slot: number, isExtref: boolean): void {
    const head = isExtref ? InodeExtref : InodeRef
    const end = block.itemStart(slot) + block.itemSize(slot)
    for (let at = block.itemStart(slot); at < end;) {
      const length = head.at.nameLen.get(block.view, at)
      const directory = isExtref
        ? u64Of(InodeExtref.at.parentObjectid, block.view, at)
        : Number(block.keyOffset(slot))
      const index = u64Of(head.at.index, block.view, at)
      this.#name(block, {
        directory,
        inode: current.inode,
        seen: SEEN.ref,
        index,
        start: at + head.size,
        length,
      })
      at += head.size + length
    }
  }

  #entries(current: Current, block: TreeBlock, slot: number, isIndex: boolean): void {
    current.hasEntries = true
    // The entries of a directory that is gone go with it.
    if (current.hasItem && current.nlink === 0 && current.mode !== 0) return
    const end = block.itemStart(slot) + block.itemSize(slot)
    const index = isIndex ? Number(block.keyOffset(slot)) : undefined
    for (let at = block.itemStart(slot); at < end; at += entrySize(block, at)) {
      const start = at + DirItem.size
      const length = DirItem.at.nameLen.get(block.view, at)
      const type = DirItem.at.type.get(block.view, at)
      current.namesSize += length
      const directory = current.inode
      if (DirItem.at.location.at.type.get(block.view, at) === ROOT_ITEM_KEY) {
        this.#context.addSubvolumeEntry({
          child: DirItem.at.location.at.objectid.get(block.view, at),
          parent: this.#tree,
          directory,
          index,
          name: fromBytes(block.bytes, start, start + length),
          type,
          place: block.physical + at,
        })
        continue
      }
      const inode = u64Of(DirItem.at.location.at.objectid, block.view, at)
      const seen = isIndex ? SEEN.index : SEEN.entry
      this.#name(block, {
        directory,
        inode,
        seen,
        ...(index !== undefined && { index }),
        type,
        start,
        length,
      })
    }
  }

  #name(block: TreeBlock, name: Parameters<NameTable['add']>[1]): void {
    const problem = this.#names.add(block, name)
    if (problem === undefined) return
    const text = toDisplay(fromBytes(block.bytes, name.start, name.start + name.length))
    const what = `name ${JSON.stringify(text)} in directory ${name.directory}, ${problem.what}`
    this.#fault(name.inode, what, block.physical + name.start, problem.expected, problem.found)
  }

  #fault(inode: number, what: string, place: number, expected: unknown, found: unknown): void {
    this.#faults.push({ inode, what, place, expected, found })
  }

  /** What the items of one inode say together. */
  #end(): void {
    const current = this.#current
    if (current === undefined) return
    const { inode, objectid, mode, nlink, size, nbytes, content, place } = current
    this.#inode.push(inode)
    this.#mode.push(mode)
    this.#nlink.push(nlink)
    this.#links.push(0)
    this.#place.push(place)
    if (!current.hasItem) {
      if (!this.#lost.has({ objectid, type: INODE_ITEM_KEY, offset: 0n }))
        this.#fault(inode, 'inode item', place, 'one', 'none')
      return
    }
    if (objectid === FREE_INO_OBJECTID) {
      this.#fault(inode, 'cache of free inode numbers', place, 'none, as it is given up', 'one')
      // It has no name, and no orphan item.
      this.#mode.set(this.#mode.length - 1, 0)
    }
    if (mode === 0 || this.#lost.hasObject(objectid)) return
    const type = mode & MODE_TYPE_MASK
    if (type === MODE_TYPE.directory) {
      if (current.namesSize !== size) {
        this.#fault(inode, 'size', place, `${current.namesSize}, twice its names`, size)
      }
      if (content.hasExtents) this.#fault(inode, 'extents', place, 'none of a directory', 'some')
      return
    }
    if (type !== MODE_TYPE.file && type !== MODE_TYPE.symlink) return
    if (current.hasEntries) this.#fault(inode, 'entries', place, 'none, as it is no directory', 'some')
    // What is being deleted has lost a part of its extents.
    if (nlink > 0 && content.bytes !== nbytes) {
      this.#fault(inode, 'nbytes', place, `${content.bytes}, the sum of its extents`, nbytes)
    }
    if (nlink > 0) {
      const hole = content.holeBefore(size)
      if (hole !== undefined)
        this.#fault(inode, 'extents', place, 'no gap without NO_HOLES', `one at ${hole}`)
    }
    const sums = content.checksumProblem()
    if (sums !== undefined) this.#fault(inode, 'checksums', place, sums.expected, sums.found)
  }

  /** When all leaves have come by: reports what is wrong. */
  *finish(): ReadRoutine<void> {
    this.#end()
    this.#checkNames()
    this.#checkLinks()
    yield* this.#report()
  }

  #rowOf(inode: number): number | undefined {
    const row = lastAtMost(this.#inode.length, (at) => this.#inode.get(at), inode)
    return row >= 0 && this.#inode.get(row) === inode ? row : undefined
  }

  #checkNames(): void {
    for (let name = 0; name < this.#names.length; name++) {
      const inode = this.#names.inode(name)
      const directory = this.#names.directory(name)
      const row = this.#rowOf(inode)
      if (row !== undefined && this.#names.isSeen(name, SEEN.entry))
        this.#links.set(row, this.#links.get(row) + 1)
      if (this.#isRootsOwn(name)) {
        this.#rootHasName = true
        continue
      }
      const place = row === undefined ? 0 : this.#place.get(row)
      const what = `name at index ${this.#names.index(name)} of directory ${directory}`
      if (row === undefined) {
        if (this.#lost.hasObject(BigInt(Math.trunc(inode)))) continue
        this.#fault(
          inode,
          'inode item',
          this.#context.volume.physical(this.#names.place(name).bytenr),
          `one, as directory ${directory} has it`,
          'none',
        )
        continue
      }
      if (!this.#names.isSound(name)) {
        for (const [kind, seen] of Object.entries(SEEN)) {
          if (this.#names.isSeen(name, seen)) continue
          const holder = seen === SEEN.ref ? inode : directory
          if (this.#lost.hasObject(BigInt(holder))) continue
          const words = { entry: 'DIR_ITEM', index: 'DIR_INDEX', ref: 'INODE_REF' }
          this.#fault(inode, what, place, `a ${words[kind as keyof typeof words]}`, 'none')
        }
      }
      const type = TYPE_OF_MODE.get(this.#mode.get(row) & MODE_TYPE_MASK)
      const hasType = this.#names.isSeen(name, SEEN.entry | SEEN.index)
      if (type !== undefined && hasType && !this.#names.isOdd(name) && this.#names.type(name) !== type) {
        this.#fault(inode, `${what}, type`, place, `${type}, as of its mode`, this.#names.type(name))
      }
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
      const [inode, nlink, links] = [this.#inode.get(row), this.#nlink.get(row), this.#links.get(row)]
      const place = this.#place.get(row)
      if (inode === this.#rootDirectory) {
        hasRoot = true
        if (nlink !== 1 && this.#mode.get(row) !== 0)
          this.#fault(inode, 'nlink', place, '1 of the root directory', nlink)
        if (!this.#rootHasName && !this.#lost.hasObject(BigInt(inode))) {
          this.#fault(inode, 'names', place, 'an INODE_REF of `..` in itself', 'none')
        }
        if (links !== 0) this.#fault(inode, 'names', place, 'none of the root directory', links)
        continue
      }
      if (this.#mode.get(row) === 0) continue
      if (nlink === 0 && !this.#orphans.has(inode) && !this.#lost.any) {
        this.#fault(inode, 'nlink', place, 'an orphan item, as it has no name', 'none')
      }
      if (links === nlink || this.#lost.any) continue
      this.#fault(inode, 'nlink', place, `${links}, as many as it has names`, nlink)
    }
    if (hasRoot || this.#lost.any) return
    this.#context.volume.fault(
      `root directory ${this.#rootDirectory} of ${treeName(this.#tree)}`,
      0,
      'an inode',
      'none',
    )
  }

  *#report(): ReadRoutine<void> {
    if (this.#faults.length === 0) return
    const nameOf = new Map<number, number>()
    for (let name = 0; name < this.#names.length; name++) {
      const inode = this.#names.inode(name)
      if (!nameOf.has(inode)) nameOf.set(inode, name)
    }
    const paths = new Map<number, string>()
    for (const { inode, what, place, expected, found } of this.#faults) {
      let path = paths.get(inode)
      if (path === undefined) {
        path = yield* this.#pathOf(inode, nameOf)
        paths.set(inode, path)
      }
      const who = `inode ${inode < 2 ** 63 ? inode : inode - 2 ** 64} of ${treeName(this.#tree)}${path === '' ? '' : ` (${path})`}`
      this.#context.volume.fault(`${who}, ${what}`, place, expected, found)
    }
  }

  /** Path from the root of the tree; '' when there is none. */
  *#pathOf(inode: number, nameOf: ReadonlyMap<number, number>): ReadRoutine<string> {
    const parts: string[] = []
    for (let at = inode; at !== this.#rootDirectory;) {
      const name = nameOf.get(at)
      if (name === undefined || parts.length > MAX_DEPTH) return ''
      const { bytenr, start, length } = this.#names.place(name)
      const [block] = yield* this.#context.reader.read([bytenr], this.#tree)
      if (block === undefined) return ''
      parts.push(toDisplay(fromBytes(block.bytes, start, start + length)))
      at = this.#names.directory(name)
    }
    return parts.length === 0 ? '' : `/${parts.reverse().join('/')}`
  }
}

const PARENT_HASH = nameHash('..')
/** (BTRFS_INODE_IMMUTABLE and BTRFS_INODE_APPEND) */
const IMMUTABLE_OR_APPEND = (1 << 6) | (1 << 7)
