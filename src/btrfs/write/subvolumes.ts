/** Places subvolumes in each other, and makes the directories that lead there. */
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import type { Timestamp } from '../../file-tree/entry.ts'
import { NONE } from '../../file-tree/node-names.ts'
import type { NodeTable } from '../../file-tree/node-table.ts'
import type { DirectoryNode } from '../../file-tree/tree.ts'
import type { BtrfsFileSystemPlan, StoragePlan, SubvolumePlan } from '../../spec/plan/plan.ts'
import { SubvolumeTree, type CollectedContent } from './subvolume-tree.ts'

/** Files are numbers of the file table. */
type Directory = DirectoryNode<number>

/**
 * All subvolumes except snapshots, the top level first, with the subvolumes and links that the description adds to the
 * entries of the sources. The directories are changed.
 *
 * @param content the entries of the sources
 * @param sourceRoots root directories of the subvolumes that have a path
 * @throws InputError when the sources put something else where a subvolume or a link should lie
 */
export function placeSubvolumes(
  { time, subvolumes, links }: Pick<BtrfsFileSystemPlan, 'time' | 'subvolumes' | 'links'>,
  content: CollectedContent,
  sourceRoots: ReadonlyMap<SubvolumePlan, Directory>,
): SubvolumeTree[] {
  const { nodes } = content
  const [top, ...others] = subvolumes
  const subvolumeTrees = new Map(
    subvolumes
      .filter(({ snapshotOf }) => snapshotOf === undefined)
      .map((plan) => {
        const root = sourceRoots.get(plan) ?? emptyDirectory(nodes, time, plan, plan)
        return [plan.id, { plan, root, inner: new Map<Directory, Map<ByteString, SubvolumePlan>>() }]
      }),
  )
  for (const plan of others) {
    const { root, inner, plan: container } = subvolumeTrees.get(plan.parent)!
    const names = plan.directory.split('/')
    const name = names.pop()!
    const directory = directoryAt(nodes, root, names, time)
    const entry = directory?.children.get(name)
    const isItself = entry?.type === 'directory' && entry.subvolume === plan
    if (directory === undefined || (entry !== undefined && !isItself)) {
      throw taken(`subvolume ${placeText(container)}`, plan.directory)
    }
    const siblings = inner.get(directory)
    if (siblings === undefined) inner.set(directory, new Map([[name, plan]]))
    else siblings.set(name, plan)
  }
  const topRoot = subvolumeTrees.get(top.id)!.root
  for (const [name, target] of links) {
    if (topRoot.children.has(name)) throw taken('link at the top level', name)
    const metadata = { mode: 0o777, uid: 0, gid: 0, mtime: time }
    nodes.put(topRoot.id, nodes.addSymlink(metadata, target), name)
  }
  return [...subvolumeTrees.values()].map((source) => new SubvolumeTree(content, source))
}

/** The directory of a subvolume at a path, made where it is missing; undefined when something else is in the way. */
function directoryAt(
  nodes: NodeTable<number>,
  root: Directory,
  names: readonly ByteString[],
  time: Timestamp,
): Directory | undefined {
  let directory = root
  for (const name of names) {
    const child = nodes.find(directory.id, name)
    let next: Directory
    if (child === NONE) next = emptyDirectory(nodes, time, directory.storage)
    else if (nodes.typeOf(child) !== 'directory') return undefined
    else {
      next = nodes.directory(child)
      if (next.subvolume !== undefined) {
        // A mount point shares the directory of the subvolume that belongs there. From now on it has its own.
        const { metadata } = next
        next = emptyDirectory(nodes, time, root.subvolume!)
        nodes.setMetadata(next.id, metadata)
      }
    }
    nodes.put(directory.id, next.id, name)
    directory = next
  }
  return directory
}

/** A directory that no source describes. */
function emptyDirectory(
  nodes: NodeTable<number>,
  time: Timestamp,
  storage: StoragePlan,
  subvolume?: SubvolumePlan,
): Directory {
  const metadata = { mode: 0o755, uid: 0, gid: 0, mtime: time }
  return nodes.addDirectory({
    metadata,
    storage,
    nodatacow: storage.nodatacow,
    rules: undefined,
    subvolume,
  })
}

function placeText({ name }: SubvolumePlan): string {
  return name === '' ? 'at the top level' : `in ${JSON.stringify(toDisplay(name))}`
}

function taken(what: string, path: ByteString): InputError {
  return new InputError('the sources put something else there', { source: what, entry: toDisplay(path) })
}
