import { type FileHandle, link, lstat, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { OutputError } from './errors.ts'
import { namingErrors, toOutputError } from './output-error.ts'

/** Left-overs of killed builds may have our names; so many of them are stepped over. */
const MAX_LEFT_OVERS = 100
/** A longer name has no room for what makes it a temporary one. */
const MAX_NAME_BYTES = 200

/** A new file under a temporary name, on its way to becoming the file that was asked for. */
export interface TemporaryFile {
  handle: FileHandle
  path: string
}

/** Creates a file that was not there; `nameOf` gives its path, for one attempt after the other. */
async function createNew(nameOf: (attempt: number) => string, mode: number): Promise<TemporaryFile> {
  for (let attempt = 0; ; attempt++) {
    const path = nameOf(attempt)
    try {
      return { handle: await open(path, 'wx+', mode), path }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'EEXIST' || attempt === MAX_LEFT_OVERS) throw error
    }
  }
}

/**
 * Creates a file that has no name any more, for what is only passed on.
 *
 * @param folder where it lies; default: where the system has its temporary files
 * @throws OutputError when the folder for temporary files cannot hold it
 */
export async function createNameless(folder = tmpdir()): Promise<{ handle: FileHandle; folder: string }> {
  const nameOf = (attempt: number) => join(folder, `diskwright-${process.pid}-${attempt}.partial`)
  const { handle, path } = await namingErrors(folder, createNew(nameOf, 0o600))
  await rm(path, { force: true })
  return { handle, folder }
}

/** The file a path stands for: what a symbolic link to an existing file points to. */
async function checkTarget(path: string, force: boolean): Promise<string> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return path
  const target = await stat(path).catch(() => undefined)
  if (target?.isDirectory()) throw new OutputError(`${path}: expected a file, found a directory`)
  if (target !== undefined && !target.isFile()) {
    throw new OutputError(`${path}: expected a regular file, found a device, pipe or socket`)
  }
  if (!force) throw alreadyExists(path)
  return target === undefined ? path : realpath(path)
}

function alreadyExists(path: string): OutputError {
  return new OutputError(`${path}: exists already`)
}

/** A temporary file, and where it goes when it is complete. */
export interface TargetFile {
  temporary: TemporaryFile
  /** Gives the file its name. */
  commit: () => Promise<void>
}

/**
 * Creates a temporary file beside `path`.
 *
 * @throws OutputError when there is something at `path` that may not be replaced, or nothing can be
 *   written there
 */
export async function createBeside(path: string, force: boolean): Promise<TargetFile> {
  if (basename(path) === '' || path.endsWith('/')) {
    throw new OutputError(`${JSON.stringify(path)}: expected the name of a file`)
  }
  const target = await checkTarget(path, force)
  const name = clipped(basename(target))
  const nameOf = (attempt: number) => {
    const suffix = attempt === 0 ? '' : `-${attempt}`
    return join(dirname(target), `.${name}.partial-${process.pid}${suffix}`)
  }
  const temporary = await namingErrors(path, createNew(nameOf, 0o666))
  return { temporary, commit: () => commit(temporary.path, path, target, force) }
}

function clipped(name: string): string {
  let end = name.length
  while (Buffer.byteLength(name.slice(0, end)) > MAX_NAME_BYTES) end--
  return name.slice(0, end)
}

async function commit(temporary: string, path: string, target: string, force: boolean): Promise<void> {
  try {
    if (force) return await rename(temporary, target)
    // Unlike a rename, a link never replaces what somebody else has put there meanwhile.
    await link(temporary, target)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw alreadyExists(path)
    if (force) throw toOutputError(path, error)
    // Some file systems have no links.
    await checkTarget(path, false)
    return namingErrors(path, rename(temporary, target))
  }
  await rm(temporary)
}
