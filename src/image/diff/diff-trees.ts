/** Compares two trees by walking both at once, in the order of names. */
import type { Xattr } from '../../file-tree/entry.ts'
import type { DirectoryEntry, Inode, InodeRef } from '../../file-tree/reader.ts'
import { joinPath } from '../../file-tree/walk.ts'
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { hexText } from '../../lib/hex.ts'
import { exactTimeText } from '../../lib/time-text.ts'
import { diffContent } from './diff-content.ts'
import type { TreeSide } from './tree-side.ts'

/** One thing that is not the same. */
export interface TreeDifference {
  /** Below the top of the file system; '' is the top itself. */
  path: ByteString
  /** `entry`, `type`, `mode`, `uid`, `gid`, `mtime`, `xattr user.a`, `target`, `link`, `size`, `content` ... */
  what: string
  /** How it is on either side; undefined: not there. */
  a: string | undefined
  b: string | undefined
}

/**
 * All differences between two trees. A directory that is on one side alone is one difference, whatever is in it. In
 * memory are the entries of the directories on the way, and inodes with several names.
 *
 * @param onEntry called for every entry, with the bytes of content that were compared
 * @throws CorruptError when one of them is damaged
 */
export async function* diffTrees(
  a: TreeSide,
  b: TreeSide,
  onEntry: (bytes: number) => void = () => undefined,
): AsyncGenerator<TreeDifference, void, undefined> {
  const open: { path: ByteString; pairs: Iterator<Pair> }[] = []
  const enter = async (path: ByteString, refA: InodeRef, refB: InodeRef) => {
    const [listA, listB] = [await a.list(refA, path), await b.list(refB, path)]
    open.push({ path, pairs: pairsOf(listA, listB) })
  }
  yield* diffInodes(a, b, '', [a.reader.root, b.reader.root], onEntry)
  await enter('', a.reader.root, b.reader.root)
  for (let inner = open.at(-1); inner !== undefined; inner = open.at(-1)) {
    const next = inner.pairs.next()
    if (next.done) {
      open.pop()
      continue
    }
    const { inA, inB } = next.value
    const path = joinPath(inner.path, (inA ?? inB)!.name)
    if (inA === undefined || inB === undefined || inA.type !== inB.type) {
      const what = inA === undefined || inB === undefined ? 'entry' : 'type'
      yield { path, what, a: inA?.type, b: inB?.type }
      continue
    }
    yield* diffInodes(a, b, path, [inA, inB], onEntry)
    if (inA.type === 'directory') await enter(path, inA, inB)
  }
}

interface Pair {
  inA: DirectoryEntry | undefined
  inB: DirectoryEntry | undefined
}

/** Entries of the same name together, both lists being in the order of names. */
function* pairsOf(listA: readonly DirectoryEntry[], listB: readonly DirectoryEntry[]): Generator<Pair> {
  let [i, j] = [0, 0]
  while (i < listA.length || j < listB.length) {
    const inA = listA.at(i)
    const inB = listB.at(j)
    const order = i === listA.length ? 1 : j === listB.length ? -1 : compareNames(inA!.name, inB!.name)
    if (order <= 0) i++
    if (order >= 0) j++
    yield { inA: order <= 0 ? inA : undefined, inB: order >= 0 ? inB : undefined }
  }
}

function compareNames(a: ByteString, b: ByteString): number {
  return a === b ? 0 : a < b ? -1 : 1
}

async function* diffInodes(
  a: TreeSide,
  b: TreeSide,
  path: ByteString,
  [refA, refB]: readonly [InodeRef, InodeRef],
  onEntry: (bytes: number) => void,
): AsyncGenerator<TreeDifference, void, undefined> {
  const openA = await a.drive(a.reader.open(refA))
  const openB = await b.drive(b.reader.open(refB))
  const [{ inode: inA }, { inode: inB }] = [openA, openB]
  const [earlierA, earlierB] = [a.earlierName(path, inA), b.earlierName(path, inB)]
  if (earlierA !== earlierB) yield { path, what: 'link', a: linkText(earlierA), b: linkText(earlierB) }
  // Everything else was compared under the earlier name.
  else if (earlierA !== undefined) return

  for (const [what, show] of Object.entries(ATTRIBUTES)) {
    const [shownA, shownB] = [show(inA), show(inB)]
    if (shownA !== shownB) yield { path, what, a: shownA, b: shownB }
  }
  const xattrsA = await a.drive(openA.xattrs())
  const xattrsB = await b.drive(openB.xattrs())
  yield* diffXattrs(path, xattrsA, xattrsB)
  if (inA.type === 'symlink') {
    const [targetA, targetB] = [await a.drive(openA.target()), await b.drive(openB.target())]
    if (targetA !== targetB) yield { path, what: 'target', a: toDisplay(targetA), b: toDisplay(targetB) }
  }
  if (inA.type === 'file' && inA.size === inB.size && inA.size > 0) {
    const difference = await diffContent(a, b, openA, openB)
    if (difference !== undefined) yield { path, what: 'content', ...difference }
  }
  onEntry(inA.type === 'file' ? inA.size : 0)
}

/** Texts of the attributes. Sizes of directories depend on the format, and are left out. */
const ATTRIBUTES: Record<string, (inode: Inode) => string | undefined> = {
  mode: ({ mode }) => mode.toString(8).padStart(4, '0'),
  uid: ({ uid }) => String(uid),
  gid: ({ gid }) => String(gid),
  size: ({ size, type }) => (type === 'file' ? String(size) : undefined),
  device: ({ type, major, minor }) =>
    type === 'block' || type === 'character' ? `${major}:${minor}` : undefined,
  mtime: ({ mtime }) => mtime && exactTimeText(mtime),
  atime: ({ atime }) => atime && exactTimeText(atime),
  ctime: ({ ctime }) => ctime && exactTimeText(ctime),
  birthtime: ({ birthtime }) => birthtime && exactTimeText(birthtime),
  flags: ({ flags }) => (flags.length === 0 ? undefined : flags.join(',')),
}

function linkText(first: ByteString | undefined): string | undefined {
  return first === undefined ? undefined : `/${toDisplay(first)}`
}

function* diffXattrs(path: ByteString, a: readonly Xattr[], b: readonly Xattr[]): Generator<TreeDifference> {
  if (a.length === 0 && b.length === 0) return
  const textsOf = (xattrs: readonly Xattr[]) =>
    new Map(xattrs.map(({ name, value }) => [name, hexText(value)]))
  const [inA, inB] = [textsOf(a), textsOf(b)]
  for (const name of [...new Set([...inA.keys(), ...inB.keys()])].sort(compareNames)) {
    const [valueA, valueB] = [inA.get(name), inB.get(name)]
    if (valueA !== valueB) yield { path, what: `xattr ${toDisplay(name)}`, a: valueA, b: valueB }
  }
}
