import type { Timestamp } from '../../file-tree/entry.ts'
import type { DirectoryNode, TreeNode } from '../../file-tree/tree.ts'
import { toDisplay, toText, type ByteString } from '../../lib/byte-string.ts'
import { entryError, placeOf, type EntryPlace, type EntryPlaces, type FatContent } from './content.ts'
import { caseKey, nameProblem, storedNames, type StoredName } from '../names.ts'

/** A run of clusters; `count` 0 means none, and then `first` is 0, too. */
export interface ClusterRun {
  first: number
  count: number
}

export interface PlannedDirectory {
  type: 'directory'
  path: ByteString
  time: Timestamp
  /** Undefined for the root. */
  parent: PlannedDirectory | undefined
  children: PlannedChild[]
  run: ClusterRun
  /** The directory of the collected tree. */
  node: DirectoryNode<FatContent>
}

export interface PlannedFile {
  type: 'file'
  path: ByteString
  time: Timestamp
  readOnly: boolean
  content: FatContent
  /** For messages. */
  place: EntryPlace
  run: ClusterRun
}

export interface PlannedChild {
  node: PlannedDirectory | PlannedFile
  name: StoredName
}

export interface PlannedTree {
  /** The root first, each before what lies in it. */
  directories: PlannedDirectory[]
  files: PlannedFile[]
}

/**
 * Decides the stored names of everything in a tree. Directories and files are in depth-first order. No run has clusters
 * yet.
 *
 * FAT has no owners, modes and extended attributes: they are dropped, but a file that nobody may write becomes
 * read-only. Each name of a file becomes a file of its own.
 *
 * @param time of the root: it is stored in the '..' of the directories in the root
 * @throws InputError naming an entry that is neither file nor directory, or whose name is impossible or equals
 *   another's but for case
 */
export function planTree(root: DirectoryNode<FatContent>, places: EntryPlaces, time: Timestamp): PlannedTree {
  const directories: PlannedDirectory[] = []
  const files: PlannedFile[] = []
  const open: PlannedChild['node'][] = [plannedDirectory('', root, undefined, time)]
  for (let next = open.pop(); next; next = open.pop()) {
    if (next.type === 'file') {
      files.push(next)
      continue
    }
    directories.push(next)
    next.children = planChildren(next, places)
    for (let i = next.children.length - 1; i >= 0; i--) open.push(next.children[i].node)
  }
  return { directories, files }
}

function planChildren(parent: PlannedDirectory, places: EntryPlaces): PlannedChild[] {
  const names = [...parent.node.children.keys()]
  /** By caseKey: names of one key are the same name to FAT. */
  const known = new Map<string, ByteString>()
  const nodes = names.map((name) => {
    const path = parent.path === '' ? name : `${parent.path}/${name}`
    const node = parent.node.children.get(name)!
    const fail = (message: string) => entryError(message, placeOf(path, node, places))

    const problem = nameProblem(name)
    if (problem) throw fail(`its name ${quote(name)} ${problem}`)
    const key = caseKey(toText(name)!)
    const same = known.get(key)
    if (same !== undefined)
      throw fail(`${quote(path)} and ${quote(same)} differ only in case, which FAT32 ignores`)
    known.set(key, path)
    return planned(path, node, parent, places)
  })
  const stored = storedNames(names)
  return nodes.map((node, i) => ({ node, name: stored[i] }))
}

function planned(
  path: ByteString,
  node: TreeNode<FatContent>,
  parent: PlannedDirectory,
  places: EntryPlaces,
): PlannedChild['node'] {
  const { mode, mtime } = node.metadata
  if (node.type === 'directory') return plannedDirectory(path, node, parent, mtime)
  const place = placeOf(path, node, places)
  if (node.type !== 'file') throw entryError(`is a ${node.type}, which FAT32 cannot hold`, place)
  return {
    type: 'file',
    path,
    time: mtime,
    readOnly: (mode & 0o222) === 0,
    content: node.content,
    place,
    run: { first: 0, count: 0 },
  }
}

function plannedDirectory(
  path: ByteString,
  node: DirectoryNode<FatContent>,
  parent: PlannedDirectory | undefined,
  time: Timestamp,
): PlannedDirectory {
  return { type: 'directory', path, time, parent, children: [], run: { first: 0, count: 0 }, node }
}

const quote = (path: ByteString) => JSON.stringify(toDisplay(path))
