/** The root tree: every tree there is, and how subvolumes hang together. (check_root_refs of btrfs check) */
import { fromBytes, toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { hexText } from '../../lib/hex.ts'
import { id64 } from '../../lib/struct.ts'
import {
  FS_TREE_OBJECTID,
  ORPHAN_ITEM_KEY,
  ORPHAN_OBJECTID,
  ROOT_BACKREF_KEY,
  ROOT_ITEM_KEY,
  ROOT_REF_KEY,
  RootItem,
  RootRef,
  UuidKey,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { SubvolumeEntry } from './file-tree.ts'
import { dropOf } from './root-item-rules.ts'
import { treeName } from './names.ts'
import { u64Of } from './numbers.ts'
import type { CheckedTree, LostRanges } from './tree-walk.ts'
import { isFreeId, type CheckContext } from './context.ts'

/** A tree as its root item has it. */
export interface RootOfTree extends CheckedTree {
  refs: number
  rootDirectory: number
  /** Undefined in root items of old kernels. */
  uuid: Uint8Array | undefined
  /** Where its item is on the device. */
  place: number
}

/** A name of a subvolume, which is on disk in four places. */
interface Link {
  child: bigint
  parent: bigint
  directory: number
  name: ByteString
  index: number | undefined
  seen: Set<'ROOT_REF' | 'ROOT_BACKREF' | 'DIR_ITEM' | 'DIR_INDEX'>
  place: number
}

const NO_UUID = new Uint8Array(UuidKey.size)

export class RootsCheck {
  readonly #context: CheckContext
  readonly trees: RootOfTree[] = []
  readonly #links = new Map<string, Link>()
  /** Children, and those who have a ROOT_REF or ROOT_BACKREF with them. */
  readonly #parents = new Map<bigint, Set<bigint>>()
  readonly #entries: SubvolumeEntry[] = []
  readonly #orphans = new Set<bigint>()

  constructor(context: CheckContext) {
    this.#context = context
  }

  /** Takes in an item of the root tree; it is as it should be. */
  add(leaf: TreeBlock, slot: number): void {
    const type = leaf.type(slot)
    if (type === ROOT_ITEM_KEY) this.trees.push(rootOf(leaf, slot))
    else if (type === ROOT_REF_KEY || type === ROOT_BACKREF_KEY) this.#addRef(leaf, slot, type)
    else if (type === ORPHAN_ITEM_KEY && leaf.objectid(slot) === ORPHAN_OBJECTID) {
      this.#orphans.add(leaf.keyOffset(slot))
    }
  }

  /** Takes in an entry of a directory that leads to a subvolume. */
  addEntry = (entry: SubvolumeEntry): void => {
    this.#entries.push(entry)
  }

  #addRef(leaf: TreeBlock, slot: number, type: number): void {
    const at = leaf.itemStart(slot)
    const isForward = type === ROOT_REF_KEY
    const [first, second] = [leaf.objectid(slot), leaf.keyOffset(slot)]
    const [parent, child] = isForward ? [first, second] : [second, first]
    this.#link(isForward ? 'ROOT_REF' : 'ROOT_BACKREF', {
      child,
      parent,
      directory: u64Of(RootRef.at.dirid, leaf.view, at),
      index: u64Of(RootRef.at.sequence, leaf.view, at),
      name: fromBytes(leaf.bytes, at + RootRef.size, at + leaf.itemSize(slot)),
      place: leaf.physical + at,
    })
    const parents = this.#parents.get(child) ?? new Set()
    this.#parents.set(child, parents.add(parent))
  }

  #link(as: 'ROOT_REF' | 'ROOT_BACKREF' | 'DIR_ITEM' | 'DIR_INDEX', link: Omit<Link, 'seen'>): void {
    const { child, parent, directory, name, index, place } = link
    const key = `${child} ${parent} ${directory} ${name}`
    const known = this.#links.get(key)
    if (known === undefined) {
      this.#links.set(key, { ...link, seen: new Set([as]) })
      return
    }
    const what = `${as} of ${linkText(link)}`
    if (known.seen.has(as)) this.#context.fault(what, place, 'one', 'another one')
    if (index !== undefined && known.index !== undefined && index !== known.index) {
      this.#context.fault(`${what}, index`, place, known.index, index)
    }
    known.index ??= index
    known.seen.add(as)
  }

  /** When all trees of files have been walked through. */
  check({ isIncomplete, lost }: { isIncomplete: boolean; lost: LostRanges }): void {
    if (lost.any) return
    for (const entry of this.#entries) {
      const parents = this.#parents.get(entry.child)
      // A snapshot has the entries of its origin, too, which lead nowhere.
      if (parents !== undefined && !parents.has(entry.parent)) continue
      // Nothing knows of this subvolume any more: such entries are in snapshots, too.
      if (parents === undefined) continue
      this.#link(entry.index === undefined ? 'DIR_ITEM' : 'DIR_INDEX', entry)
    }
    const roots = new Map(this.trees.map((tree) => [tree.objectid, tree]))
    const found = new Set<bigint>([FS_TREE_OBJECTID])
    for (const link of this.#links.values()) this.#checkLink(link, roots, isIncomplete, found)
    for (const { objectid, place, refs } of roots.values()) {
      if (!isFreeId(objectid) || found.has(objectid) || this.#orphans.has(objectid) || refs === 0) continue
      if (isIncomplete) continue
      this.#context.fault(treeName(objectid), place, 'a place in a directory, or an orphan item', 'neither')
    }
    for (const { objectid, place, refs } of roots.values()) {
      if (refs !== 0 || !isFreeId(objectid) || this.#orphans.has(objectid)) continue
      this.#context.fault(
        `${treeName(objectid)}, refs`,
        place,
        'an orphan item, as it is being deleted',
        'none',
      )
    }
    this.#checkReachable(found)
  }

  #checkLink(link: Link, roots: Map<bigint, RootOfTree>, isIncomplete: boolean, found: Set<bigint>): void {
    const { seen, child, parent, place } = link
    if (seen.has('ROOT_REF') && seen.has('DIR_ITEM')) found.add(child)
    if (isIncomplete) found.add(child)
    for (const as of ['ROOT_REF', 'ROOT_BACKREF', 'DIR_ITEM', 'DIR_INDEX'] as const) {
      if (seen.has(as) || (isIncomplete && as.startsWith('DIR'))) continue
      this.#context.fault(linkText(link), place, `a ${as}`, 'none')
    }
    for (const id of [child, parent]) {
      if (roots.has(id)) continue
      this.#context.fault(linkText(link), place, `a root item of ${treeName(id)}`, 'none')
    }
  }

  /** From the top level: subvolumes that lie in each other alone are nowhere. */
  #checkReachable(found: ReadonlySet<bigint>): void {
    const children = new Map<bigint, Link[]>()
    for (const link of this.#links.values()) {
      const links = children.get(link.parent)
      if (links === undefined) children.set(link.parent, [link])
      else links.push(link)
    }
    const reached = new Set([FS_TREE_OBJECTID])
    for (const parent of reached) for (const { child } of children.get(parent) ?? []) reached.add(child)
    for (const { objectid, place, refs } of this.trees) {
      if (!isFreeId(objectid) || refs === 0 || !found.has(objectid) || reached.has(objectid)) continue
      if (this.#orphans.has(objectid)) continue
      this.#context.fault(treeName(objectid), place, 'a place below the top level', 'none')
    }
  }
}

/** What the UUID tree says, beside what the root items do. */
export class UuidCheck {
  readonly #context: CheckContext
  readonly #entries: { uuid: string; id: bigint; place: number }[] = []

  constructor(context: CheckContext) {
    this.#context = context
  }

  /** Takes in a UUID_KEY_SUBVOL item, which is as it should be. */
  add(leaf: TreeBlock, slot: number): void {
    const uuid = hexText(UuidKey.encode({ objectid: leaf.objectid(slot), offset: leaf.keyOffset(slot) }))
    const end = leaf.itemStart(slot) + leaf.itemSize(slot)
    for (let at = leaf.itemStart(slot); at < end; at += id64.size) {
      this.#entries.push({ uuid, id: id64.read(leaf.view, at), place: leaf.physical + at })
    }
  }

  check(trees: readonly RootOfTree[]): void {
    const missing = new Map<string, RootOfTree>()
    for (const tree of trees) {
      if (tree.uuid === undefined || tree.refs === 0 || !isFreeId(tree.objectid)) continue
      if (!tree.uuid.every((byte, i) => byte === NO_UUID[i]))
        missing.set(`${hexText(tree.uuid)} ${tree.objectid}`, tree)
    }
    const sound = new Set(missing.keys())
    const all = new Set(trees.map(({ objectid, uuid }) => `${hexText(uuid ?? NO_UUID)} ${objectid}`))
    for (const { uuid, id, place } of this.#entries) {
      const key = `${uuid} ${id}`
      missing.delete(key)
      if (sound.has(key) || all.has(key)) continue
      this.#context.fault(`UUID tree, ${uuid}`, place, 'the id of a subvolume with this UUID', id)
    }
    for (const { objectid, place } of missing.values()) {
      this.#context.fault(`${treeName(objectid)}, uuid`, place, 'an entry of the UUID tree', 'none')
    }
  }
}

function rootOf(leaf: TreeBlock, slot: number): RootOfTree {
  const { view } = leaf
  const at = leaf.itemStart(slot)
  const drop = dropOf(leaf, slot)
  const hasUuid = leaf.itemSize(slot) === RootItem.size
  return {
    objectid: leaf.objectid(slot),
    offset: leaf.keyOffset(slot),
    bytenr: u64Of(RootItem.at.bytenr, view, at),
    level: RootItem.at.level.get(view, at),
    generation: u64Of(RootItem.at.generation, view, at),
    lastSnapshot: u64Of(RootItem.at.lastSnapshot, view, at),
    ...(drop !== undefined && { drop }),
    refs: RootItem.at.refs.get(view, at),
    rootDirectory: u64Of(RootItem.at.rootDirid, view, at),
    uuid: hasUuid ? RootItem.at.uuid.get(view, at) : undefined,
    place: leaf.physical + at,
  }
}

function linkText({ child, parent, name }: { child: bigint; parent: bigint; name: ByteString }): string {
  return `subvolume ${child}, ${JSON.stringify(toDisplay(name))} of ${treeName(parent)}`
}
