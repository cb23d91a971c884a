import { OutputError } from './errors.ts'

const REASONS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'disk quota exceeded',
  EFBIG: 'the file system allows no file of this size',
  EROFS: 'the file system is read-only',
  EIO: 'input/output error of the disk',
  ENOENT: 'no such directory',
  ENOTDIR: 'a part of the path is not a directory',
  ENAMETOOLONG: 'the name is too long',
  EPIPE: 'the reader has closed the pipe',
}

/**
 * An error of the system as an OutputError that names the output; any other error, a mistake of the program, as it
 * is.
 */
export function toOutputError(name: string, error: unknown): unknown {
  if (error instanceof OutputError || !(error instanceof Error)) return error
  const { code } = error as NodeJS.ErrnoException
  // Codes of Node's own argument checks (ERR_...) are mistakes of the program.
  if (code === undefined || code.startsWith('ERR_')) return error
  return new OutputError(`${name}: cannot write: ${REASONS[code] ?? error.message} (${code})`, {
    cause: error,
  })
}

/** Awaits `work`, with the system's errors named after the output. */
export async function namingErrors<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw toOutputError(name, error)
  }
}
