/** Compares the links between subvolumes, and their UUIDs, with the trees there are. (check_root_refs of btrfs check) */
import { hexText } from '../../lib/hex.ts'
import { FS_TREE_OBJECTID, UuidKey } from '../format.ts'
import { isFreeId, type CheckContext } from './context.ts'
import type { SubvolumeEntryList } from './file-tree-digest.ts'
import { treeName } from './names.ts'
import { linkText, type RootOfTree, type RootTable, type RootLink, type UuidTable } from './root-table.ts'

const NO_UUID = new Uint8Array(UuidKey.size)

/** @param isIncomplete whether some tree could not be read in full */
export function compareRoots(context: CheckContext, table: RootTable, isIncomplete: boolean): void {
  new RootComparer(context, table, isIncomplete).run()
}

class RootComparer {
  readonly #context: CheckContext
  readonly #table: RootTable
  readonly #isIncomplete: boolean

  constructor(context: CheckContext, table: RootTable, isIncomplete: boolean) {
    this.#context = context
    this.#table = table
    this.#isIncomplete = isIncomplete
  }

  run(): void {
    const table = this.#table
    const parents = new Set([...this.#table.parents.values()].flatMap((ids) => [...ids]))
    for (const { parent, entries } of table.entries) {
      // A snapshot has the entries of its source, too, which lead nowhere.
      if (parents.has(parent)) this.#linkEntries(parent, entries)
    }
    const roots = new Map(this.#table.trees.map((tree) => [tree.objectid, tree]))
    const found = new Set<bigint>([FS_TREE_OBJECTID])
    for (const link of this.#table.links.values()) this.#checkLink(link, roots, found)
    for (const { objectid, place, refs } of roots.values()) {
      if (!isFreeId(objectid) || found.has(objectid) || this.#table.orphans.has(objectid) || refs === 0)
        continue
      if (this.#isIncomplete) continue
      this.#context.fault(treeName(objectid), place, 'a place in a directory, or an orphan item', 'neither')
    }
    for (const { objectid, place, refs } of roots.values()) {
      if (refs !== 0 || !isFreeId(objectid) || this.#table.orphans.has(objectid)) continue
      this.#context.fault(
        `${treeName(objectid)}, refs`,
        place,
        'an orphan item, as it is being deleted',
        'none',
      )
    }
    this.#checkReachable(found)
  }

  #linkEntries(parent: bigint, { own, parts }: SubvolumeEntryList): void {
    for (const entry of own) {
      if (this.#table.parents.get(entry.child)?.has(parent) !== true) continue
      this.#table.link(entry.index === undefined ? 'DIR_ITEM' : 'DIR_INDEX', { ...entry, parent })
    }
    for (const part of parts) this.#linkEntries(parent, part)
  }

  #checkLink(link: RootLink, roots: Map<bigint, RootOfTree>, found: Set<bigint>): void {
    const { seen, child, parent, place } = link
    if (seen.has('ROOT_REF') && seen.has('DIR_ITEM')) found.add(child)
    if (this.#isIncomplete) found.add(child)
    for (const as of ['ROOT_REF', 'ROOT_BACKREF', 'DIR_ITEM', 'DIR_INDEX'] as const) {
      if (seen.has(as) || (this.#isIncomplete && as.startsWith('DIR'))) continue
      this.#context.fault(linkText(link), place, `a ${as}`, 'none')
    }
    for (const id of [child, parent]) {
      if (roots.has(id)) continue
      this.#context.fault(linkText(link), place, `a root item of ${treeName(id)}`, 'none')
    }
  }

  /** From the top level: subvolumes that lie in each other alone are nowhere. */
  #checkReachable(found: ReadonlySet<bigint>): void {
    const children = new Map<bigint, RootLink[]>()
    for (const link of this.#table.links.values()) {
      const links = children.get(link.parent)
      if (links === undefined) children.set(link.parent, [link])
      else links.push(link)
    }
    const reached = new Set([FS_TREE_OBJECTID])
    for (const parent of reached) for (const { child } of children.get(parent) ?? []) reached.add(child)
    for (const { objectid, place, refs } of this.#table.trees) {
      if (!isFreeId(objectid) || refs === 0 || !found.has(objectid) || reached.has(objectid)) continue
      if (this.#table.orphans.has(objectid)) continue
      this.#context.fault(treeName(objectid), place, 'a place below the top level', 'none')
    }
  }
}

export function compareUuids(context: CheckContext, uuids: UuidTable, trees: readonly RootOfTree[]): void {
  const missing = new Map<string, RootOfTree>()
  for (const tree of trees) {
    if (tree.uuid === undefined || tree.refs === 0 || !isFreeId(tree.objectid)) continue
    if (!tree.uuid.every((byte, i) => byte === NO_UUID[i]))
      missing.set(`${hexText(tree.uuid)} ${tree.objectid}`, tree)
  }
  const sound = new Set(missing.keys())
  const all = new Set(trees.map(({ objectid, uuid }) => `${hexText(uuid ?? NO_UUID)} ${objectid}`))
  for (const { uuid, id, place } of uuids.entries) {
    const key = `${uuid} ${id}`
    missing.delete(key)
    if (sound.has(key) || all.has(key)) continue
    context.fault(`UUID tree, ${uuid}`, place, 'the id of a subvolume with this UUID', id)
  }
  for (const { objectid, place } of missing.values()) {
    context.fault(`${treeName(objectid)}, uuid`, place, 'an entry of the UUID tree', 'none')
  }
}
