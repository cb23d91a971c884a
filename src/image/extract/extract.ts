/** Gets files out of file systems: into a tar archive, or into a directory. */
import { extractTar as toTar, type ExtractTarOptions, type ExtractTarResult } from './extract-tar.ts'
import { extractTo as toDirectory, type ExtractToOptions } from './extract-to.ts'
import type { ExtractResult } from './options.ts'
import type { FilePath, FileSystem } from '../file-system.ts'
import type { InodeRef } from '../../file-tree/reader.ts'
import { fromBytes, fromText, type ByteString } from '../../lib/byte-string.ts'

export type { ArchiveCompression } from './archive-file.ts'
export type { ExtractTarResult } from './extract-tar.ts'
export type { Loss, NotKept } from './not-kept.ts'
export type { ExtractProgress, ExtractResult } from './options.ts'

interface FromPath {
  /** What is extracted, with all below it; symlinks are followed. Default: all of the file system. */
  path?: FilePath | undefined
}

export type ExtractTarFilesOptions = Omit<ExtractTarOptions, 'from' | 'name'> & FromPath
export type ExtractFilesOptions = Omit<ExtractToOptions, 'from' | 'name'> & FromPath

/**
 * Writes a pax archive of a directory and all below it, or of one file. Paths are relative to the directory, which is
 * `./` itself; a single file has its own name. The same file system gives the same bytes.
 *
 * @throws NotFoundError when there is no such path
 * @throws OutputError when the archive cannot be written
 * @throws CorruptError when what is read is damaged
 */
export async function extractTar(
  fileSystem: FileSystem,
  options: ExtractTarFilesOptions,
): Promise<ExtractTarResult> {
  return toTar(fileSystem, { ...options, ...(await start(fileSystem, options.path)) })
}

/**
 * Puts a directory and all below it, or one file, into a directory that is new or empty. Nothing in the image leads
 * outside of it, and nothing is left behind when something fails.
 *
 * @param directory path on this machine
 * @throws NotFoundError when there is no such path in the file system
 * @throws OutputError that names the entry when something cannot be written
 * @throws CorruptError when what is read is damaged
 */
export async function extractTo(
  fileSystem: FileSystem,
  directory: string,
  options: ExtractFilesOptions = {},
): Promise<ExtractResult> {
  return toDirectory(fileSystem, directory, { ...options, ...(await start(fileSystem, options.path)) })
}

async function start(
  fileSystem: FileSystem,
  path: FilePath = '/',
): Promise<{ from: InodeRef; name: ByteString }> {
  const from = await fileSystem.stat(path)
  return { from, name: nameOf(path) || `inode-${from.ino}` }
}

function nameOf(path: FilePath): ByteString {
  const bytes =
    typeof path === 'string'
      ? fromText(path)
      : path instanceof Uint8Array
        ? fromBytes(path)
        : 'nameBytes' in path && path.nameBytes instanceof Uint8Array
          ? fromBytes(path.nameBytes)
          : ''
  const last = bytes.split('/').findLast((part) => part !== '') ?? ''
  return last === '.' || last === '..' ? '' : last
}
