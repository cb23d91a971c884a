import type { EntryChanges } from '../../file-tree/entry-changes.ts'
import { isExcluded, type EntryRules, type RuleScope } from '../../file-tree/entry-rules.ts'
import type { Timestamp } from '../../file-tree/entry.ts'
import type { DirectoryNode, FileNode, TreeNode } from '../../file-tree/tree.ts'
import type { DropLog } from '../../file-tree/unsupported.ts'
import { fromText, toDisplay, toText, type ByteString } from '../../lib/byte-string.ts'
import { attributesOf } from './attributes.ts'
import { entryError, placeOf, type EntryPlace, type EntryPlaces, type FatContent } from './content.ts'
import type { CodePage } from '../code-page.ts'
import { caseKey, inCase, nameProblem, storedNames, type StoredName } from '../names.ts'
import { followSymlink } from './symlinks.ts'

/** A run of clusters; `count` 0 means none, and then `first` is 0, too. */
export interface ClusterRun {
  first: number
  count: number
}

export interface PlannedDirectory {
  type: 'directory'
  path: ByteString
  time: Timestamp
  /** Bits of its directory entry. */
  attributes: number
  /** Undefined for the root. */
  parent: PlannedDirectory | undefined
  children: PlannedChild[]
  run: ClusterRun
  /** The directory of the collected tree, and its path there. Copies that symlinks ask for have another one of their own. */
  node: DirectoryNode<FatContent>
  treePath: ByteString
  /** Whether it is a copy, or lies in one. */
  isCopy: boolean
  /** Rules for what is in it. */
  rules: RuleScope | undefined
}

export interface PlannedFile {
  type: 'file'
  path: ByteString
  time: Timestamp
  /** Bits of its directory entry. */
  attributes: number
  content: FatContent
  /** For messages. */
  place: EntryPlace
  run: ClusterRun
}

export interface PlannedChild {
  node: PlannedDirectory | PlannedFile
  /** As it is to be read. */
  text: ByteString
  name: StoredName
}

export interface PlannedTree {
  /** The root first, each before what lies in it. */
  directories: PlannedDirectory[]
  files: PlannedFile[]
}

/** The content of a volume; see FatCollector. */
export interface FatTree {
  root: DirectoryNode<FatContent>
  /** For messages. */
  places: EntryPlaces
  rules: EntryRules | undefined
  /** Whether symlinks become copies of what they lead to; else they are errors. */
  followSymlinks: boolean
  /** Takes what is left out, where entries may be. */
  drops: DropLog
}

export interface PlanTreeOptions {
  /** Time of the root: it is stored in the '..' of the directories in the root. */
  time: Timestamp
  /** Of short names; undefined: what is not ASCII becomes `_`. */
  codePage: CodePage | undefined
  /** Called with each directory and file of a copy, so that copies of copies are no surprise. */
  onCopy: (copy: PlannedDirectory | PlannedFile) => void
}

/**
 * Decides the stored names of everything in a tree. Directories and files are in depth-first order. No run has clusters
 * yet.
 *
 * FAT has no owners, modes and extended attributes: they are dropped, but a file that nobody may write becomes
 * read-only. Each name of a file becomes a file of its own.
 *
 * @throws InputError naming an entry that is neither file nor directory, a symlink without an end to be copied, or an entry
 *   whose name is impossible or equals another's but for case
 */
export function planTree(tree: FatTree, { time, ...options }: PlanTreeOptions): PlannedTree {
  const directories: PlannedDirectory[] = []
  const files: PlannedFile[] = []
  const root: PlannedDirectory = {
    ...plannedDirectory({ path: '', treePath: '', isCopy: false }, tree.root, time),
    rules: tree.rules?.scope,
  }
  const open: PlannedChild['node'][] = [root]
  for (let next = open.pop(); next; next = open.pop()) {
    if (next.type === 'file') {
      files.push(next)
      continue
    }
    directories.push(next)
    next.children = planChildren(next, tree, options)
    for (let i = next.children.length - 1; i >= 0; i--) open.push(next.children[i].node)
  }
  return { directories, files }
}

function planChildren(
  parent: PlannedDirectory,
  tree: FatTree,
  { codePage, onCopy }: Omit<PlanTreeOptions, 'time'>,
): PlannedChild[] {
  const children: Omit<PlannedChild, 'name'>[] = []
  /** By caseKey: names of one key are the same name to FAT. */
  const known = new Map<string, ByteString>()
  for (const [name, node] of parent.node.children) {
    const changes = parent.rules?.changesOf(name)
    if (changes?.exclude) continue
    const path = join(parent.path, name)
    const treePath = join(parent.treePath, name)
    const problem = nameProblem(name)
    const key = problem === undefined ? caseKey(toText(name)!) : ''
    const same = known.get(key)
    if (problem !== undefined || same !== undefined) {
      const message =
        problem === undefined
          ? `${quote(path)} and ${quote(same!)} differ only in case, which FAT ignores`
          : `its name ${quote(name)} ${problem}`
      leaveOut({ treePath, node, parent, message }, tree)
      continue
    }
    const text = toText(name)!
    const nameCase = changes?.dos.case
    const child = planned({ name, path, treePath, node, parent, changes }, tree, onCopy)
    if (child === undefined) continue
    known.set(key, path)
    children.push({
      node: child,
      text: nameCase === undefined ? name : fromText(inCase(text, nameCase)),
    })
  }
  const stored = storedNames(
    children.map(({ text }) => text),
    codePage,
  )
  return children.map((child, i) => ({ ...child, name: stored[i] }))
}

/**
 * Leaves out an entry with all below it.
 *
 * @throws InputError with the message where an entry may not be left out
 */
function leaveOut(
  top: { treePath: ByteString; node: TreeNode<FatContent>; parent: PlannedDirectory; message: string },
  { places, drops }: FatTree,
): void {
  const open = [{ path: top.treePath, node: top.node }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { path, node } = next
    const place = placeOf(path, node, places)
    if (place.policy !== 'drop') throw entryError(top.message, place)
    // In the copies of a directory it is the same one.
    if (!top.parent.isCopy) drops.add('entries', `the ${node.type}`, { ...place, path })
    if (node.type !== 'directory') continue
    for (const [name, child] of node.children) open.push({ path: join(path, name), node: child })
  }
}

/** A name of the tree on its way to the volume. */
interface Child {
  name: ByteString
  path: ByteString
  treePath: ByteString
  node: TreeNode<FatContent>
  parent: PlannedDirectory
  changes: EntryChanges | undefined
}

function planned(
  { name, path, treePath, node, parent, changes }: Child,
  tree: FatTree,
  onCopy: PlanTreeOptions['onCopy'],
): PlannedChild['node'] | undefined {
  const end = endOf(treePath, node, parent, tree)
  if (end === undefined) return undefined
  const { mode, mtime } = end.node.metadata
  const attributes = attributesOf(end.node.type, mode, changes?.dos)
  const isCopy = parent.isCopy || node.type === 'symlink'
  const result: PlannedChild['node'] =
    end.node.type === 'directory'
      ? {
          ...plannedDirectory({ path, treePath: end.path, isCopy }, end.node, mtime),
          attributes,
          parent,
          rules: parent.rules?.below(name),
        }
      : {
          type: 'file',
          path,
          time: mtime,
          attributes,
          content: end.node.content,
          place: placeOf(treePath, node, tree.places),
          run: { first: 0, count: 0 },
        }
  if (isCopy) onCopy(result)
  return result
}

/** What is to be on the volume for a node of the tree; undefined: nothing. */
function endOf(
  path: ByteString,
  node: TreeNode<FatContent>,
  parent: PlannedDirectory,
  { root, places, rules, followSymlinks, drops }: FatTree,
): { path: ByteString; node: DirectoryNode<FatContent> | FileNode<FatContent> } | undefined {
  if (node.type === 'directory' || node.type === 'file') return { path, node }
  const place = placeOf(path, node, places)
  const end = node.type === 'symlink' && followSymlinks ? followSymlink(root, path, parent) : undefined
  if (end !== undefined && end.problem === undefined) return end
  if (place.policy === 'drop') {
    // In the copies of a directory it is the same one.
    if (!parent.isCopy) drops.add('entries', `the ${node.type}`, place)
    return undefined
  }
  if (node.type !== 'symlink') throw entryError(`is a ${node.type}, which FAT cannot hold`, place)
  if (end === undefined) {
    const hint = '("symlinks": "follow" copies what it points to)'
    throw entryError(`is a symlink, which FAT cannot hold ${hint}`, place)
  }
  const excluded =
    end.missing !== undefined && rules?.exclude && isExcluded(rules.scope, end.missing)
      ? `, because a rule leaves out ${quote(end.missing)}`
      : ''
  throw entryError(`is a symlink to ${quote(node.target)}, ${end.problem}${excluded}`, place)
}

function plannedDirectory(
  at: Pick<PlannedDirectory, 'path' | 'treePath' | 'isCopy'>,
  node: DirectoryNode<FatContent>,
  time: Timestamp,
): PlannedDirectory {
  return {
    ...at,
    type: 'directory',
    time,
    attributes: 0,
    parent: undefined,
    children: [],
    run: { first: 0, count: 0 },
    node,
    rules: undefined,
  }
}

function join(directory: ByteString, name: ByteString): ByteString {
  return directory === '' ? name : `${directory}/${name}`
}

const quote = (path: ByteString) => JSON.stringify(toDisplay(path))
