/** The way from the root to a directory. */
import { toLatin1, type ByteString } from '../lib/byte-string.ts'

/** A directory, and its path, which goes through no symlink. */
export interface WayStep<Directory> {
  path: ByteString
  directory: Directory
}

/**
 * The directories from the root to the parent of the last entry. The next entry mostly has the same parent, or one close
 * by, so its path is followed from there.
 *
 * All of them are still in the tree: an entry that replaces a directory belongs to the parent of that one, and the way
 * then ends there.
 */
export class DirectoryWay<Directory> {
  readonly #steps: WayStep<Directory>[]

  constructor(root: Directory) {
    this.#steps = [{ path: '', directory: root }]
  }

  /**
   * Goes back to the last directory that is also on the way to another one.
   *
   * @param path begins with the path of that other directory, which ends at `end`
   * @returns the last directory, where the way ends now
   */
  branch(path: ByteString, end = path.length): WayStep<Directory> {
    for (;;) {
      const last = this.#steps.at(-1)!
      const { length } = last.path
      if (length === 0) return last
      const isOnTheWay = end === length || (end > length && path[length] === '/')
      if (isOnTheWay && path.startsWith(toLatin1(last.path))) return last
      this.#steps.pop()
    }
  }

  /** Goes on to a directory in the last one. */
  enter(path: ByteString, directory: Directory): void {
    this.#steps.push({ path, directory })
  }
}

/** The offset of the next name in a path that goes on from a step. */
export function behind({ path }: WayStep<unknown>): number {
  return path.length === 0 ? 0 : path.length + 1
}
