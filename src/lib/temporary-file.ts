/** Files that have a temporary name, or none, until they are complete. */
import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { type FileHandle, link, lstat, mkdtemp, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterFailure, runAll } from './clean-up.ts'
import { OutputError } from './errors.ts'
import { namingErrors, toOutputError } from './output-error.ts'

/** Names of random digits that are all taken are no accident. */
const MAX_ATTEMPTS = 10
const RANDOM_BYTES = 6
/** A longer name has no room for the rest of a temporary one. */
const MAX_NAME_BYTES = 200

const PERMISSIONS = 0o7777
const GROUP_PERMISSIONS = 0o2070

/** A new file under a temporary name. */
export interface TemporaryFile {
  handle: FileHandle
  path: string
}

/**
 * Creates a file that has no name any more, for what is only passed on.
 *
 * @param folder where it lies; default: the system's folder for temporary files
 * @throws OutputError when the folder cannot hold it
 */
export async function createNameless(folder = tmpdir()): Promise<{ handle: FileHandle; folder: string }> {
  // Other users may write to the folder, but not to one in it that is ours.
  const own = await namingErrors(folder, mkdtemp(join(folder, 'diskwright-')))
  let handle: FileHandle | undefined
  try {
    handle = await namingErrors(folder, open(join(own, 'spool'), 'wx+', 0o600))
    await namingErrors(folder, rm(own, { recursive: true }))
    return { handle, folder }
  } catch (error) {
    throw await afterFailure(error, () =>
      runAll(
        () => handle?.close(),
        () => rm(own, { recursive: true, force: true }),
      ),
    )
  }
}

/** A temporary file on its way to its own name. Exactly one of `commit` and `discard` ends it. */
export interface TargetFile {
  temporary: TemporaryFile
  /**
   * Brings the file to the disk, closes it and gives it its name, which survives a power failure from then on.
   *
   * @param lastChance called before the file gets its name; when it throws, it does not
   * @throws OutputError; `discard` is still to be called then
   */
  commit: (lastChance?: () => void) => Promise<void>
  /** Closes the file and removes it, under its temporary name. */
  discard: () => Promise<void>
}

/** The final path of a file, and the file that it replaces. */
interface Target {
  path: string
  replaced: Stats | undefined
}

/**
 * Creates a temporary file beside `path`. A file that it replaces hands on its mode, and its owner and group where
 * that is permitted.
 *
 * @param force whether it may replace a file
 * @throws OutputError when there is something at `path` that may not be replaced, or nothing can be written there
 */
export async function createBeside(path: string, force: boolean): Promise<TargetFile> {
  if (basename(path) === '' || path.endsWith('/')) {
    throw new OutputError(`${JSON.stringify(path)}: expected the name of a file`)
  }
  const { path: target, replaced } = await checkTarget(path, force)
  const temporary = await namingErrors(path, createNew(target, replaced === undefined ? 0o666 : 0o600))
  const { handle } = temporary
  const discard = () =>
    runAll(
      () => handle.close(),
      () => rm(temporary.path, { force: true }),
    )
  try {
    if (replaced !== undefined) await namingErrors(path, copyPermissions(handle, replaced))
  } catch (error) {
    throw await afterFailure(error, discard)
  }
  return {
    temporary,
    discard,
    async commit(lastChance) {
      await namingErrors(path, handle.sync())
      // Some file systems report a full disk only here.
      await namingErrors(path, handle.close())
      lastChance?.()
      await giveName(temporary.path, { path, target, force })
      await syncDirectory(dirname(target))
    },
  }
}

/**
 * The file a path stands for: what a symbolic link to an existing file points to.
 *
 * @throws OutputError when there is something that may not be replaced
 */
export async function checkTarget(path: string, force: boolean): Promise<Target> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return { path, replaced: undefined }
  const target = await stat(path).catch(() => undefined)
  if (target?.isDirectory()) throw new OutputError(`${path}: expected a file, found a directory`)
  if (target !== undefined && !target.isFile()) {
    throw new OutputError(`${path}: expected a regular file, found a device, pipe or socket`)
  }
  if (!force) throw alreadyExists(path)
  return { path: target === undefined ? path : await realpath(path), replaced: target }
}

function alreadyExists(path: string): OutputError {
  return new OutputError(`${path}: already exists`, { exists: true })
}

/** Creates a file of a name that cannot be guessed, and so not be taken on purpose, beside `target`. */
async function createNew(target: string, mode: number): Promise<TemporaryFile> {
  const name = clipped(basename(target))
  for (let attempt = 1; ; attempt++) {
    const suffix = randomBytes(RANDOM_BYTES).toString('hex')
    const path = join(dirname(target), `.${name}.partial-${suffix}`)
    try {
      return { handle: await open(path, 'wx+', mode), path }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === MAX_ATTEMPTS) throw error
    }
  }
}

function clipped(name: string): string {
  let end = name.length
  while (Buffer.byteLength(name.slice(0, end)) > MAX_NAME_BYTES) end--
  return name.slice(0, end)
}

/** Gives a new file owner, group and mode of another. A group that cannot be kept gets no permissions. */
async function copyPermissions(handle: FileHandle, { mode, uid, gid }: Stats): Promise<void> {
  const { uid: ownUid, gid: ownGid } = await handle.stat()
  const keeps = async (uid: number, gid: number) =>
    handle.chown(uid, gid).then(
      () => true,
      () => false,
    )
  const keepsGroup = gid === ownGid || (await keeps(-1, gid))
  if (uid !== ownUid) await keeps(uid, -1)
  // After chown, which clears the bits that change who a program runs as.
  await handle.chmod(mode & PERMISSIONS & (keepsGroup ? ~0 : ~GROUP_PERMISSIONS))
}

async function giveName(
  temporary: string,
  { path, target, force }: { path: string; target: string; force: boolean },
): Promise<void> {
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
  await namingErrors(path, rm(temporary))
}

/** The file is complete and has its name: where directories cannot be synced there is nothing to undo. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined)
  try {
    await handle?.sync()
  } catch {
    // Not on this system.
  } finally {
    await handle?.close().catch(() => undefined)
  }
}
