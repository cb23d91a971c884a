/** Goes through a tree that is read, entry by entry. Trees of damaged images end, too. */
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { CorruptError, UnsupportedError } from '../lib/errors.ts'
import type { ReadRoutine } from '../lib/read-routine.ts'
import type { DirectoryEntry, FileSystemReader, Inode, InodeRef, OpenInode } from './reader.ts'

/** Longer ones are of use to nobody: Linux takes paths of 4096 bytes at once. */
const MAX_PATH = 65_535

export interface Walked {
  /** Relative to where the walk began, which is ''. */
  path: ByteString
  inode: Inode
  /** The same, to read what belongs to it. */
  opened: OpenInode
}

/** Inodes, told apart. */
export class InodeSet {
  readonly #trees = new Map<number, Set<number>>()

  /** @returns whether it was not there yet */
  add({ tree, ino }: InodeRef): boolean {
    let inodes = this.#trees.get(tree)
    if (inodes === undefined) this.#trees.set(tree, (inodes = new Set()))
    const before = inodes.size
    return inodes.add(ino).size > before
  }
}

/**
 * A tree in depth, directories before what is in them, entries in the order in which their directory has them.
 * `next` gives one after the other. In memory are the entries of the directories on the way to the current one, and
 * the numbers of all directories so far.
 */
export class TreeWalk {
  readonly #reader: FileSystemReader
  readonly #open: { path: ByteString; entries: DirectoryEntry[]; next: number }[] = []
  readonly #directories = new InodeSet()
  #start: InodeRef | undefined

  constructor(reader: FileSystemReader, start: InodeRef) {
    this.#reader = reader
    this.#start = start
  }

  /**
   * @returns undefined at the end
   * @throws CorruptError for what no tree has: a directory with two names, a name that is none
   */
  *next(): ReadRoutine<Walked | undefined> {
    if (this.#start !== undefined) {
      const start = this.#start
      this.#start = undefined
      return yield* this.#enter('', start)
    }
    for (let inner = this.#open.at(-1); inner !== undefined; inner = this.#open.at(-1)) {
      if (inner.next < inner.entries.length) {
        const entry = inner.entries[inner.next++]
        return yield* this.#enter(joinPath(inner.path, entry.name), entry)
      }
      this.#open.pop()
    }
    return undefined
  }

  *#enter(path: ByteString, ref: InodeRef): ReadRoutine<Walked> {
    const opened = yield* this.#reader.open(ref)
    const { inode } = opened
    if (inode.type === 'directory') {
      const entries = yield* soundList(this.#reader, ref, path)
      // Empty ones may stand for each other, and lead nowhere.
      if (entries.length > 0 && !this.#directories.add(ref)) throw severalNames(path, ref)
      this.#open.push({ path, entries, next: 0 })
    }
    return { path, inode, opened }
  }
}

/**
 * The entries of a directory, whose names can be those of files.
 *
 * @param path for messages
 * @throws CorruptError when they cannot, or when one is there twice
 */
export function* soundList(
  reader: FileSystemReader,
  directory: InodeRef,
  path: ByteString,
): ReadRoutine<DirectoryEntry[]> {
  const entries = yield* reader.list(directory)
  const names = new Set<ByteString>()
  for (const { name } of entries) {
    if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
      throw corrupt(path, directory, 'names of files', JSON.stringify(toDisplay(name)))
    }
    if (names.has(name)) {
      throw corrupt(path, directory, 'every name once', `${JSON.stringify(toDisplay(name))} twice`)
    }
    names.add(name)
  }
  return entries
}

export function joinPath(directory: ByteString, name: ByteString): ByteString {
  if (directory === '') return name
  if (directory.length + name.length >= MAX_PATH) {
    throw new UnsupportedError(
      `a path of more than ${MAX_PATH} bytes: ${toDisplay(directory.slice(0, 100))}...`,
    )
  }
  return `${directory}/${name}`
}

/** A directory that is inside of itself, or in two places. */
export function severalNames(path: ByteString, ref: InodeRef): CorruptError {
  return corrupt(path, ref, 'one name', 'a second one')
}

function corrupt(path: ByteString, { ino }: InodeRef, expected: string, found: string): CorruptError {
  return new CorruptError(`directory ${JSON.stringify(toDisplay(path))} (inode ${ino})`, 0, {
    expected,
    found,
  })
}
