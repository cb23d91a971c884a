/** Walks a tree of a file system, entry by entry. Walks of damaged images end, too. */
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { CorruptError, InputError, UnsupportedError } from '../lib/errors.ts'
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

export interface WalkOptions {
  /**
   * Called with damage, of which the walk then leaves out what is damaged: an entry, or what is in a directory.
   * Without it damage ends the walk with an error.
   */
  onDamage?: ((error: CorruptError | InputError) => void) | undefined
}

/** A set of inodes. */
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

/** The first name of each inode that has several. */
export class FirstNames {
  readonly #trees = new Map<number, Map<number, ByteString>>()

  /** @returns the name that came before `path`; undefined when it is the first one, or the inode has no other */
  earlier(path: ByteString, { type, nlink, tree, ino }: Inode): ByteString | undefined {
    if (nlink < 2 || type === 'directory') return undefined
    let ofTree = this.#trees.get(tree)
    if (ofTree === undefined) this.#trees.set(tree, (ofTree = new Map<number, ByteString>()))
    const first = ofTree.get(ino)
    if (first === undefined) ofTree.set(ino, path)
    return first
  }
}

/**
 * Walks a tree in depth: directories before what is in them, entries in the order in which their directory has them.
 * In memory are the entries of the directories on the way to the current one, and the numbers of all directories so
 * far.
 */
export class TreeWalk {
  readonly #reader: FileSystemReader
  readonly #open: { path: ByteString; entries: DirectoryEntry[]; next: number }[] = []
  readonly #directories = new InodeSet()
  #start: InodeRef | undefined

  readonly #onDamage: WalkOptions['onDamage']

  constructor(reader: FileSystemReader, start: InodeRef, { onDamage }: WalkOptions = {}) {
    this.#reader = reader
    this.#start = start
    this.#onDamage = onDamage
  }

  /**
   * @returns the next entry, first the start itself; undefined at the end
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
        const walked = yield* this.#enter(joinPath(inner.path, entry.name), entry)
        if (walked !== undefined) return walked
      } else this.#open.pop()
    }
    return undefined
  }

  /** @returns undefined when it is damaged */
  *#enter(path: ByteString, ref: InodeRef): ReadRoutine<Walked | undefined> {
    let walked: Walked
    try {
      const opened = yield* this.#reader.open(ref)
      walked = { path, inode: opened.inode, opened }
    } catch (error) {
      this.#leaveOut(error)
      return undefined
    }
    try {
      if (walked.inode.type === 'directory') yield* this.#list(path, ref)
    } catch (error) {
      this.#leaveOut(error)
    }
    return walked
  }

  *#list(path: ByteString, directory: InodeRef): ReadRoutine<void> {
    const entries = yield* soundList(this.#reader, directory, path)
    // Empty ones may stand for each other, and lead nowhere.
    if (entries.length > 0 && !this.#directories.add(directory)) throw severalNames(path, directory)
    this.#open.push({ path, entries, next: 0 })
  }

  #leaveOut(error: unknown): void {
    const isDamage = error instanceof CorruptError || error instanceof InputError
    if (!isDamage || this.#onDamage === undefined) throw error
    this.#onDamage(error)
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
