/** The tables of trees, of links between subvolumes, and of their UUIDs. */
import { fromBytes, toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { hexText } from '../../lib/hex.ts'
import { id64 } from '../../lib/struct.ts'
import {
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
import type { SubvolumeEntryList } from './file-tree-digest.ts'
import { dropOf } from './root-item-rules.ts'
import { treeName } from './names.ts'
import { u64Of } from './numbers.ts'
import type { CheckedTree } from './tree-walk.ts'
import type { CheckContext } from './context.ts'

/** A tree as its root item has it. */
export interface RootOfTree extends CheckedTree {
  refs: number
  rootDirectory: number
  /** Undefined in root items of old kernels. */
  uuid: Uint8Array | undefined
  /** Offset of its item on the device. */
  place: number
}

/** The items that have a name of a subvolume. */
export type LinkItem = 'ROOT_REF' | 'ROOT_BACKREF' | 'DIR_ITEM' | 'DIR_INDEX'

/** A name of a subvolume. */
export interface RootLink {
  child: bigint
  parent: bigint
  directory: number
  name: ByteString
  index: number | undefined
  seen: Set<LinkItem>
  place: number
}

export class RootTable {
  readonly #context: CheckContext
  readonly trees: RootOfTree[] = []
  /** By child, parent, directory and name. */
  readonly links = new Map<string, RootLink>()
  /** By the child: trees that have a ROOT_REF or ROOT_BACKREF with it. */
  readonly parents = new Map<bigint, Set<bigint>>()
  /** By the tree that has them. */
  readonly entries: { parent: bigint; entries: SubvolumeEntryList }[] = []
  /** Trees with an orphan item. */
  readonly orphans = new Set<bigint>()

  constructor(context: CheckContext) {
    this.#context = context
  }

  /** Adds an item of the root tree, which is valid by itself. */
  add(leaf: TreeBlock, slot: number): void {
    const type = leaf.type(slot)
    if (type === ROOT_ITEM_KEY) this.trees.push(rootOf(leaf, slot))
    else if (type === ROOT_REF_KEY || type === ROOT_BACKREF_KEY) this.#addRef(leaf, slot, type)
    else if (type === ORPHAN_ITEM_KEY && leaf.objectid(slot) === ORPHAN_OBJECTID) {
      this.orphans.add(leaf.keyOffset(slot))
    }
  }

  /** Adds the entries of a file tree that lead to subvolumes. Snapshots share most of them. */
  addEntries(parent: bigint, entries: SubvolumeEntryList): void {
    this.entries.push({ parent, entries })
  }

  #addRef(leaf: TreeBlock, slot: number, type: number): void {
    const at = leaf.itemStart(slot)
    const isForward = type === ROOT_REF_KEY
    const [first, second] = [leaf.objectid(slot), leaf.keyOffset(slot)]
    const [parent, child] = isForward ? [first, second] : [second, first]
    this.link(isForward ? 'ROOT_REF' : 'ROOT_BACKREF', {
      child,
      parent,
      directory: u64Of(RootRef.at.dirid, leaf.view, at),
      index: u64Of(RootRef.at.sequence, leaf.view, at),
      name: fromBytes(leaf.bytes, at + RootRef.size, at + leaf.itemSize(slot)),
      place: leaf.physical + at,
    })
    const parents = this.parents.get(child) ?? new Set()
    this.parents.set(child, parents.add(parent))
  }

  /** Adds an item with a name of a subvolume, and reports contradictions between the items of one name. */
  link(as: LinkItem, link: Omit<RootLink, 'seen'>): void {
    const { child, parent, directory, name, index, place } = link
    const key = `${child} ${parent} ${directory} ${name}`
    const known = this.links.get(key)
    if (known === undefined) {
      this.links.set(key, { ...link, seen: new Set([as]) })
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
}

/** The items of the UUID tree. */
export class UuidTable {
  readonly entries: { uuid: string; id: bigint; place: number }[] = []

  /** Adds a UUID_KEY_SUBVOL item, which is valid by itself. */
  add(leaf: TreeBlock, slot: number): void {
    const uuid = hexText(UuidKey.encode({ objectid: leaf.objectid(slot), offset: leaf.keyOffset(slot) }))
    const end = leaf.itemStart(slot) + leaf.itemSize(slot)
    for (let at = leaf.itemStart(slot); at < end; at += id64.size) {
      this.entries.push({ uuid, id: id64.read(leaf.view, at), place: leaf.physical + at })
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

export function linkText({
  child,
  parent,
  name,
}: {
  child: bigint
  parent: bigint
  name: ByteString
}): string {
  return `subvolume ${child}, ${JSON.stringify(toDisplay(name))} of ${treeName(parent)}`
}
