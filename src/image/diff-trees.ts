/** What differs between two trees: a walk through both at once, in the order of names. */
import type { Timestamp, Xattr } from '../file-tree/entry.ts'
import type { DataRange } from '../file-tree/file-content.ts'
import type { DirectoryEntry, FileSystemReader, Inode, InodeRef, OpenInode } from '../file-tree/reader.ts'
import { InodeSet, joinPath, severalNames, soundList } from '../file-tree/walk.ts'
import { isSync, type ByteSource } from '../lib/byte-source.ts'
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { hexText } from '../lib/hex.ts'
import { drive, driveSync, type ReadRoutine } from '../lib/read-routine.ts'

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

/** Bytes that are compared at a time. */
const PIECE = 1 << 20

/** One of the two. */
export class TreeSide {
  readonly reader: FileSystemReader
  readonly #source: ByteSource
  readonly #directories = new InodeSet()
  readonly #firstNames = new Map<string, ByteString>()

  constructor({ reader, source }: { reader: FileSystemReader; source: ByteSource }) {
    this.reader = reader
    this.#source = source
  }

  /** Answers at once where the source does. */
  perform<T>(reading: ReadRoutine<T>): T | Promise<T> {
    return isSync(this.#source) ? driveSync(this.#source, reading) : drive(this.#source, reading)
  }

  /** In the order of their names. */
  async list(directory: InodeRef, path: ByteString): Promise<DirectoryEntry[]> {
    const entries = await this.perform(soundList(this.reader, directory, path))
    if (entries.length > 0 && !this.#directories.add(directory)) throw severalNames(path, directory)
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** The name that came first of all names of the inode; only of those that say they have several. */
  firstName(path: ByteString, { tree, ino, nlink, type }: Inode): ByteString | undefined {
    if (nlink < 2 || type === 'directory') return undefined
    const key = `${tree} ${ino}`
    const first = this.#firstNames.get(key)
    if (first === undefined) this.#firstNames.set(key, path)
    return first
  }
}

/**
 * All differences below two directories. Of a directory that is on one side only, what is in it is not told. In memory
 * are the entries of the directories on the way, and inodes with several names.
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
  const openA = await a.perform(a.reader.open(refA))
  const openB = await b.perform(b.reader.open(refB))
  const [{ inode: inA }, { inode: inB }] = [openA, openB]
  const [firstA, firstB] = [a.firstName(path, inA), b.firstName(path, inB)]
  if (firstA !== firstB) yield { path, what: 'link', a: linkText(firstA), b: linkText(firstB) }
  // All the rest was compared with the first name.
  else if (firstA !== undefined) return

  for (const [what, show] of Object.entries(ATTRIBUTES)) {
    const [shownA, shownB] = [show(inA), show(inB)]
    if (shownA !== shownB) yield { path, what, a: shownA, b: shownB }
  }
  const xattrsA = await a.perform(openA.xattrs())
  const xattrsB = await b.perform(openB.xattrs())
  yield* diffXattrs(path, xattrsA, xattrsB)
  if (inA.type === 'symlink') {
    const [targetA, targetB] = [await a.perform(openA.target()), await b.perform(openB.target())]
    if (targetA !== targetB) yield { path, what: 'target', a: toDisplay(targetA), b: toDisplay(targetB) }
  }
  if (inA.type === 'file' && inA.size === inB.size && inA.size > 0) {
    const difference = await diffContent(a, b, openA, openB)
    if (difference !== undefined) yield { path, what: 'content', ...difference }
  }
  onEntry(inA.type === 'file' ? inA.size : 0)
}

/** How they are told. Sizes of directories are how the format has them. */
const ATTRIBUTES: Record<string, (inode: Inode) => string | undefined> = {
  mode: ({ mode }) => mode.toString(8).padStart(4, '0'),
  uid: ({ uid }) => String(uid),
  gid: ({ gid }) => String(gid),
  size: ({ size, type }) => (type === 'file' ? String(size) : undefined),
  device: ({ type, major, minor }) =>
    type === 'block' || type === 'character' ? `${major}:${minor}` : undefined,
  mtime: ({ mtime }) => secondsText(mtime),
  atime: ({ atime }) => secondsText(atime),
  ctime: ({ ctime }) => secondsText(ctime),
  birthtime: ({ birthtime }) => secondsText(birthtime),
  flags: ({ flags }) => (flags.length === 0 ? undefined : flags.join(',')),
}

function secondsText(time: Timestamp | undefined): string | undefined {
  return time && `${time.sec}.${String(time.nsec).padStart(9, '0')}`
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

/** The first byte that differs. Where both have holes nothing is read. */
async function diffContent(
  a: TreeSide,
  b: TreeSide,
  openA: OpenInode,
  openB: OpenInode,
): Promise<{ a: string; b: string } | undefined> {
  const { size } = openA.inode
  const parts =
    size <= PIECE
      ? [{ offset: 0, length: size }]
      : union(await a.perform(openA.ranges()), await b.perform(openB.ranges()))
  for (const { offset, length } of parts) {
    for (let at = offset; at < offset + length; at += PIECE) {
      const wanted = Math.min(PIECE, offset + length - at)
      const pieceA = await a.perform(openA.read(at, wanted))
      const pieceB = await b.perform(openB.read(at, wanted))
      const differs = firstDifference(pieceA, pieceB)
      if (differs === undefined) continue
      return { a: byteText(pieceA, differs, at), b: byteText(pieceB, differs, at) }
    }
  }
  return undefined
}

/** What either of them covers. Both ascend. */
function union(a: readonly DataRange[], b: readonly DataRange[]): DataRange[] {
  const joined: DataRange[] = []
  for (const range of [...a, ...b].sort((x, y) => x.offset - y.offset)) {
    const last = joined.at(-1)
    const end = range.offset + range.length
    if (last === undefined || range.offset > last.offset + last.length) joined.push({ ...range })
    else last.length = Math.max(last.length, end - last.offset)
  }
  return joined
}

export function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  if (a.length === b.length && Buffer.compare(a, b) === 0) return undefined
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  return at
}

/** A byte of a piece that lies at `start`: `0x7f at 4096`. */
export function byteText(piece: Uint8Array, at: number, start: number): string {
  const byte = at < piece.length ? `0x${hexText(piece.subarray(at, at + 1))}` : 'nothing'
  return `${byte} at ${start + at}`
}
