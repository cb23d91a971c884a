/** The directory things are extracted to: under a temporary name until all is there. */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fromBytes, toDisplay } from '../../lib/byte-string.ts'
import { OutputError } from '../../lib/errors.ts'
import { toOutputError } from '../../lib/output-error.ts'
import { pathBytes } from './host-path.ts'

/** Left-overs of killed programs may have our names; so many of them are stepped over. */
const MAX_LEFT_OVERS = 100
/** A longer name has no room for what makes it a temporary one. */
const MAX_NAME = 50

export interface TargetDirectory {
  /** Where everything is made. Nobody else may enter it. */
  readonly work: string
  /** Whether the directory itself is made here, too, and gets the attributes of what is extracted to it. */
  readonly isNew: boolean
  /** Moves everything to where it belongs. @returns where it is now */
  commit(): string
  /** Removes everything. */
  abort(): void
}

/**
 * A new directory is made beside its place. What is put into an existing one is made inside of it, since the two may
 * be different file systems, and is moved there at the end.
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
    if (!force && readdirSync(path).length > 0) throw new OutputError(`${path}: the directory is not empty`)
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
      // Over an empty directory it goes, over anything else that somebody has put there meanwhile it does not.
      named(path, () => renameSync(work, target))
      return target
    },
    abort: () => rmSync(work, { recursive: true, force: true }),
  }
}

function existingDirectory(path: string, target: string): TargetDirectory {
  const work = makeTemporary(target, '.diskwright.partial')
  return {
    work,
    isNew: false,
    commit() {
      named(path, () => {
        // Nothing is moved when something is in the way.
        merge(Buffer.from(work), Buffer.from(target), refuseWhatIsInTheWay)
        merge(Buffer.from(work), Buffer.from(target), renameSync)
        rmdirSync(work)
      })
      return target
    },
    abort: () => rmSync(work, { recursive: true, force: true }),
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

/** Goes through directories that are on both sides. Symlinks are not followed: they are no directories. */
function merge(from: Buffer, to: Buffer, move: (source: Buffer, target: Buffer) => void): void {
  for (const name of readdirSync(from, { encoding: 'buffer' })) {
    const [source, target] = [pathBytes(from, name), pathBytes(to, name)]
    const isDirectory = lstatSync(source).isDirectory()
    const there = lstatSync(target, { throwIfNoEntry: false })
    if (isDirectory && there?.isDirectory()) {
      merge(source, target, move)
      if (move === renameSync) rmdirSync(source)
    } else move(source, target)
  }
}

function refuseWhatIsInTheWay(source: Buffer, target: Buffer): void {
  const there = lstatSync(target, { throwIfNoEntry: false })
  if (there === undefined) return
  const isDirectory = lstatSync(source).isDirectory()
  if (!isDirectory && !there.isDirectory()) return
  const name = toDisplay(fromBytes(target))
  throw new OutputError(
    isDirectory
      ? `${name}: a directory is to be there, but something else is`
      : `${name}: a directory is there, but something else is to be`,
  )
}

function named<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw toOutputError(path, error)
  }
}
