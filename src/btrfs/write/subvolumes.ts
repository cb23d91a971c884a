/** Places subvolumes in each other, and makes the directories that lead there. */
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import type { Timestamp } from '../../file-tree/entry.ts'
import type { DirectoryNode } from '../../file-tree/tree.ts'
import type { BtrfsFileSystemPlan, StoragePlan, SubvolumePlan } from '../../spec/plan.ts'
import type { FileData } from './data-extents.ts'
import { SubvolumeTree } from './subvolume-tree.ts'

type Directory = DirectoryNode<FileData>

/**
 * All subvolumes except snapshots, the top level first, with the subvolumes and links that the description adds to the
 * entries of the sources. The directories are changed.
 *
 * @param sourceRoots root directories of the subvolumes that have a path
 * @throws InputError when the sources put something else where a subvolume or a link should lie
 */
export function placeSubvolumes(
  { time, subvolumes, links }: Pick<BtrfsFileSystemPlan, 'time' | 'subvolumes' | 'links'>,
  sourceRoots: ReadonlyMap<SubvolumePlan, Directory>,
): SubvolumeTree[] {
  const [top, ...others] = subvolumes
  const subvolumeTrees = new Map(
    subvolumes
      .filter(({ snapshotOf }) => snapshotOf === undefined)
      .map((plan) => {
        const root = sourceRoots.get(plan) ?? emptyDirectory(time, plan, plan)
        return [plan.id, { plan, root, inner: new Map<Directory, Map<ByteString, SubvolumePlan>>() }]
      }),
  )
  for (const plan of others) {
    const { root, inner, plan: container } = subvolumeTrees.get(plan.parent)!
    const names = plan.directory.split('/')
    const name = names.pop()!
    const directory = directoryAt(root, names, time)
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
    topRoot.children.set(name, { type: 'symlink', metadata, hardLinked: false, target })
  }
  return [...subvolumeTrees.values()].map((source) => new SubvolumeTree(source))
}

/** The directory of a subvolume at a path, made where it is missing; undefined when something else is in the way. */
function directoryAt(root: Directory, names: readonly ByteString[], time: Timestamp): Directory | undefined {
  let directory = root
  for (const name of names) {
    const child = directory.children.get(name)
    if (child !== undefined && child.type !== 'directory') return undefined
    if (child?.subvolume === undefined) {
      const next = child ?? emptyDirectory(time, directory.storage)
      directory.children.set(name, next)
      directory = next
    } else {
      // A mount point shares the directory of the subvolume that belongs there. From now on it has its own.
      const next = { ...emptyDirectory(time, root.subvolume!), metadata: child.metadata }
      directory.children.set(name, next)
      directory = next
    }
  }
  return directory
}

/** A directory that no source describes. */
function emptyDirectory(time: Timestamp, storage: StoragePlan, subvolume?: SubvolumePlan): Directory {
  const metadata = { mode: 0o755, uid: 0, gid: 0, mtime: time }
  const { nodatacow } = storage
  return {
    type: 'directory',
    metadata,
    children: new Map(),
    storage,
    nodatacow,
    rules: undefined,
    subvolume,
  }
}

function placeText({ name }: SubvolumePlan): string {
  return name === '' ? 'at the top level' : `in ${JSON.stringify(toDisplay(name))}`
}

function taken(what: string, path: ByteString): InputError {
  return new InputError('the sources put something else there', { source: what, entry: toDisplay(path) })
}
