import { DiskwrightError } from '../lib/errors.ts'

/** (errno.h of Linux) */
const NUMBERS = { ENOENT: 2, EIO: 5, EEXIST: 17, ENOTDIR: 20, EISDIR: 21, EROFS: 30, ENOTSUP: 95 } as const

/** An error with an errno code, as programs expect of a file system; ZenFS adds the path and the call. */
export function errnoError(code: keyof typeof NUMBERS, message: string, cause?: unknown): Error {
  const error = new Error(`${code}: ${message}`, cause === undefined ? {} : { cause })
  return Object.assign(error, { code, errno: NUMBERS[code] })
}

/** Maps a DiskwrightError to an errno error with it as the `cause`; returns other errors unchanged. */
export function toErrno(error: unknown): unknown {
  if (!(error instanceof DiskwrightError)) return error
  switch (error.code) {
    case 'NOT_FOUND':
      return errnoError('ENOENT', error.message, error)
    case 'UNSUPPORTED':
      return errnoError('ENOTSUP', error.message, error)
    default:
      return errnoError('EIO', error.message, error)
  }
}
