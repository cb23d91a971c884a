/** Follows paths in a file system that is being read. (path_resolution(7)) */
import { type ByteString, toDisplay } from '../lib/byte-string.ts'
import { NotFoundError } from '../lib/errors.ts'
import type { ReadRoutine } from '../lib/read-routine.ts'
import { MAX_SYMLINKS, walkPath, type PathNodes, type PathResult, type PathStep } from './path-walk.ts'
import type { DirectoryEntry, FileSystemReader, InodeRef } from './reader.ts'

export interface ResolvePathOptions {
  /** Whether a symlink at the end of the path is followed, too. Default: yes. */
  followLast?: boolean
  /** Root of all paths, which they do not leave. Default: the top of the file system. */
  root?: InodeRef
}

/** The entry at the end of a path. */
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
  { followLast = true, root = reader.root }: ResolvePathOptions = {},
): ReadRoutine<ResolvedPath> {
  const top: DirectoryEntry = { tree: root.tree, ino: root.ino, name: '', type: 'directory' }
  const nodes: PathNodes<DirectoryEntry> = {
    typeOf: ({ type }) => type,
    lookup: ({ tree, ino }, name) => reader.lookup({ tree, ino }, name),
    *target(symlink) {
      return yield* (yield* reader.open(symlink)).target()
    },
  }
  const found = yield* walkPath(nodes, top, path, followLast)
  if (found.problem !== undefined) throw notFound(path, found)
  return { ...(found.steps.at(-1)?.node ?? top), path: pathOf(found.steps) }
}

function notFound(
  asked: ByteString,
  { steps, problem, name, followed }: PathResult<DirectoryEntry> & { problem: string },
): NotFoundError {
  if (problem === 'too many symlinks') {
    return new NotFoundError(`${quoted(asked)}: goes through more than ${MAX_SYMLINKS} symlinks`)
  }
  const what = {
    'not a directory': 'is not a directory',
    missing: `has no ${quoted(name)}`,
    'empty symlink': 'has a symlink that points to nothing',
  }[problem]
  const link =
    followed === undefined
      ? ''
      : ` (the symlink ${quoted(pathOf(followed.steps))} points to ${quoted(followed.target)})`
  return new NotFoundError(`${quoted(asked)}: ${quoted(pathOf(steps))} ${what}${link}`)
}

function pathOf(steps: readonly PathStep<DirectoryEntry>[]): ByteString {
  return `/${steps.map(({ name }) => name).join('/')}`
}

/** For messages. */
function quoted(bytes: ByteString): string {
  return `"${toDisplay(bytes)}"`
}
