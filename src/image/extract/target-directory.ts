/** The directory that is extracted to: under a temporary name until it is complete. */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { OutputError } from '../../lib/errors.ts'
import { toOutputError } from '../../lib/output-error.ts'
import { DirectoryMerge, type Pause } from './directory-merge.ts'

/** Killed programs leave directories whose names are tried again; at most so many are skipped. */
const MAX_LEFT_OVERS = 100
/** Longer names are cut, to leave room for what marks them as temporary. */
const MAX_NAME = 50

export interface TargetDirectory {
  /** Directory in which everything is made. Nobody else may enter it. */
  readonly work: string
  /** Whether the directory itself is made here, too, and gets the attributes of what is extracted to it. */
  readonly isNew: boolean
  /** Moves everything to where it belongs. @returns where it is now */
  commit(pause: Pause): Promise<string>
  /** Moves everything back to `work`, and puts back what was replaced. */
  rollback(): void
  /** Removes what is left in `work`. */
  remove(): void
}

/** @throws OutputError when it is empty, which would be the current directory */
export function checkDirectoryName(path: string): void {
  if (path === '') throw new OutputError('"": expected the name of a directory')
}

/**
 * A new directory is made beside its place. Entries of an existing one are made inside of it, since its parent may be
 * another file system, and are moved to their places at the end.
 *
 * @param force put things into a directory that is not empty; files there are replaced, directories are not
 * @throws OutputError
 */
export function openTargetDirectory(path: string, force: boolean): TargetDirectory {
  return named(path, () => {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) return newDirectory(path)
    if (!statSync(path).isDirectory()) {
      throw new OutputError(`${path}: expected a directory, found something else`)
    }
    if (!force && readdirSync(path).length > 0)
      throw new OutputError(`${path}: the directory is not empty`, { exists: true })
    return existingDirectory(path, realpathSync(path))
  })
}

function newDirectory(path: string): TargetDirectory {
  const target = resolve(path)
  const work = makeTemporary(dirname(target), `.${basename(target).slice(0, MAX_NAME)}.partial`)
  return {
    work,
    isNew: true,
    commit() {
      // It may take the place of an empty directory, but of nothing else that was put there meanwhile.
      named(path, () => renameSync(work, target))
      return Promise.resolve(target)
    },
    // Nothing follows the commit that could fail.
    rollback: () => undefined,
    remove: () => rmSync(work, { recursive: true, force: true }),
  }
}

function existingDirectory(path: string, target: string): TargetDirectory {
  const { atimeMs, mtimeMs } = statSync(target)
  const folder = makeTemporary(target, '.diskwright.partial')
  const [work, replaced] = [join(folder, 'new'), join(folder, 'replaced')]
  mkdirSync(work, { mode: 0o700 })
  mkdirSync(replaced)
  const merge = new DirectoryMerge(work, target, replaced)
  return {
    work,
    isNew: false,
    async commit(pause) {
      try {
        await merge.run(pause)
      } catch (error) {
        throw toOutputError(path, error)
      }
      return target
    },
    rollback() {
      try {
        merge.undo()
      } catch (error) {
        throw new OutputError(`${path}: could not restore all replaced files; they are in ${replaced}`, {
          cause: error,
        })
      }
    },
    remove() {
      rmSync(folder, { recursive: true, force: true })
      // An existing directory keeps its times.
      utimesSync(target, atimeMs / 1000, mtimeMs / 1000)
    },
  }
}

function makeTemporary(folder: string, name: string): string {
  for (let attempt = 0; ; attempt++) {
    const path = join(folder, `${name}-${process.pid}${attempt === 0 ? '' : `-${attempt}`}`)
    try {
      mkdirSync(path, { mode: 0o700 })
      return path
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'EEXIST' || attempt === MAX_LEFT_OVERS) throw error
    }
  }
}

function named<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw toOutputError(path, error)
  }
}
