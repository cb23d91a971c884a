/** Sets owners, modes and times, as far as the system permits and Node can express them. */
import {
  chmodSync,
  chownSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  lutimesSync,
  utimesSync,
} from 'node:fs'
import type { Timestamp } from '../../file-tree/entry.ts'
import type { Inode } from '../../file-tree/reader.ts'
import type { ByteString } from '../../lib/byte-string.ts'
import type { Losses } from './not-kept.ts'

/** Errors of setting an owner: not permitted, not mapped in this user namespace, not supported. */
const NO_OWNERS = new Set(['EPERM', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])
const SET_ID = 0o6000

/** Functions that set the attributes of one inode. */
interface Setters {
  owner: (uid: number, gid: number) => void
  /** Undefined for symlinks, which have none. */
  mode?: (mode: number) => void
  times: (atime: number | string, mtime: number | string) => void
}

export const settersOf = {
  file: (fd: number): Setters => ({
    owner: (uid, gid) => fchownSync(fd, uid, gid),
    mode: (mode) => fchmodSync(fd, mode),
    times: (atime, mtime) => futimesSync(fd, atime, mtime),
  }),
  directory: (path: Buffer): Setters => ({
    owner: (uid, gid) => chownSync(path, uid, gid),
    mode: (mode) => chmodSync(path, mode),
    times: (atime, mtime) => utimesSync(path, atime, mtime),
  }),
  symlink: (path: Buffer): Setters => ({
    owner: (uid, gid) => lchownSync(path, uid, gid),
    times: (atime, mtime) => lutimesSync(path, atime, mtime),
  }),
}

export class HostMetadata {
  readonly #losses: Losses
  readonly #uid = process.geteuid?.()
  readonly #gid = process.getegid?.()

  constructor(losses: Losses) {
    this.#losses = losses
  }

  /** Sets owner, mode and times in this order: chown(2) clears setuid, and chmod(2) leaves the times. */
  set(path: ByteString, inode: Inode, setters: Setters): void {
    const hasOwner = this.#setOwner(inode, setters)
    if (!hasOwner) this.#losses.add('owner', path)
    // setuid would give the rights of this user, not of the owner in the image.
    const isDropped = !hasOwner && (inode.mode & SET_ID) !== 0
    if (setters.mode !== undefined) {
      if (isDropped) this.#losses.add('setid', path)
      setters.mode(isDropped ? inode.mode & ~SET_ID : inode.mode)
    }
    setters.times(timeArgument(inode.atime), timeArgument(inode.mtime))
    if (inode.mtime.nsec % 1000 !== 0) this.#losses.add('time', path)
  }

  #setOwner({ uid, gid }: Inode, { owner }: Setters): boolean {
    if (uid === this.#uid && gid === this.#gid) return true
    if (this.#uid !== 0) return false
    try {
      owner(uid, gid)
      return true
    } catch (error) {
      if (NO_OWNERS.has((error as NodeJS.ErrnoException).code ?? '')) return false
      throw error
    }
  }
}

/**
 * Seconds, for Node, which takes microseconds of them: a little more than that, so that a number that is not exact is
 * not cut to the one before. It takes negative numbers for the present time unless they are text.
 */
function timeArgument({ sec, nsec }: Timestamp): number | string {
  const micros = Math.floor(nsec / 1000)
  if (sec >= 0) return sec + micros / 1e6 + (micros === 0 ? 0 : 2.5e-7)
  return String(sec + micros / 1e6)
}
