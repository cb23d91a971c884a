/** Follows paths in a file system that is being read. (path_resolution(7)) */
import { type ByteString, toDisplay } from '../lib/byte-string.ts'
import { NotFoundError } from '../lib/errors.ts'
import type { ReadRoutine } from '../lib/read-routine.ts'
import type { DirectoryEntry, FileSystemReader, InodeRef } from './reader.ts'

/** As many symlinks as Linux follows on the way of one path. (MAXSYMLINKS) */
export const MAX_SYMLINKS = 40

export interface ResolveOptions {
  /** Whether a symlink at the end of the path is followed, too. Default: yes. */
  followLast?: boolean
  /** Where paths start, and what they do not leave: the top of the file system, or a subvolume. */
  root?: InodeRef
}

/** What a path leads to. */
export interface ResolvedPath extends DirectoryEntry {
  /** Without symlinks before its last component, `.` and `..`: begins with `/`. The top's name is ''. */
  readonly path: ByteString
}

/**
 * Finds what a path leads to. It starts at the top of the file system whether it begins with `/` or not, as do
 * symlinks that begin with one; the parent of the top is the top itself.
 *
 * @throws NotFoundError that says which part of the path is missing, or is no directory
 */
export function* resolvePath(
  reader: FileSystemReader,
  path: ByteString,
  { followLast = true, root = reader.root }: ResolveOptions = {},
): ReadRoutine<ResolvedPath> {
  const walk = new PathWalk(reader, path, { tree: root.tree, ino: root.ino, name: '', type: 'directory' })
  return yield* walk.run(followLast)
}

class PathWalk {
  readonly #reader: FileSystemReader
  readonly #asked: ByteString
  /** Where the walk has come to, from the top on. */
  readonly #way: DirectoryEntry[]
  /** What is still to be walked, the next component last. */
  readonly #left: ByteString[] = []
  /** The symlink that was followed last, for messages. */
  #followed: { path: ByteString; target: ByteString } | undefined
  #symlinks = 0

  constructor(reader: FileSystemReader, path: ByteString, root: DirectoryEntry) {
    this.#reader = reader
    this.#asked = path
    this.#way = [root]
    this.#push(path)
  }

  *run(followLast: boolean): ReadRoutine<ResolvedPath> {
    for (let name = this.#left.pop(); name !== undefined; name = this.#left.pop()) {
      // Also of `file/.` and `file/`, whose last component is empty.
      if (this.#here().type !== 'directory') throw this.#missing('is not a directory')
      if (name === '' || name === '.') continue
      if (name === '..') {
        if (this.#way.length > 1) this.#way.pop()
        continue
      }
      const { tree, ino } = this.#here()
      const entry = yield* this.#reader.lookup({ tree, ino }, name)
      if (entry === undefined) throw this.#missing(`has no ${quoted(name)}`)
      if (entry.type === 'symlink' && (followLast || this.#left.length > 0)) yield* this.#follow(entry)
      else this.#way.push(entry)
    }
    return { ...this.#here(), path: this.#path() }
  }

  *#follow(symlink: DirectoryEntry): ReadRoutine<void> {
    const path = joinPath(this.#path(), symlink.name)
    if (++this.#symlinks > MAX_SYMLINKS) {
      throw new NotFoundError(`${quoted(this.#asked)}: leads through more than ${MAX_SYMLINKS} symlinks`)
    }
    const target = yield* (yield* this.#reader.open(symlink)).target()
    this.#followed = { path, target }
    if (target === '') throw this.#missing('has a symlink that leads nowhere')
    if (target.startsWith('/')) this.#way.length = 1
    this.#push(target)
  }

  #push(path: ByteString): void {
    // A slash at the end asks for a directory: there is an empty component behind it.
    for (const name of path.split('/').reverse()) this.#left.push(name)
  }

  #here(): DirectoryEntry {
    return this.#way.at(-1)!
  }

  #path(): ByteString {
    return this.#way.reduce<ByteString>((path, { name }) => joinPath(path, name), '') || '/'
  }

  #missing(what: string): NotFoundError {
    const link = this.#followed
    const origin =
      link === undefined ? '' : ` (the symlink ${quoted(link.path)} leads to ${quoted(link.target)})`
    return new NotFoundError(`${quoted(this.#asked)}: ${quoted(this.#path())} ${what}${origin}`)
  }
}

/** The path of what lies in a directory. */
export function joinPath(directory: ByteString, name: ByteString): ByteString {
  return name === '' ? directory : directory === '/' ? `/${name}` : `${directory}/${name}`
}

/** For messages. */
function quoted(bytes: ByteString): string {
  return `"${toDisplay(bytes)}"`
}
