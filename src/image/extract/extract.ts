/** Extracts files of images: into a tar archive, or into a directory. */
import type { ImageSource } from '../../input/open-input.ts'
import {
  BOOLEAN,
  checkValue,
  oneOf,
  PATH,
  required,
  WORKERS,
  type OptionTable,
  type OptionType,
} from '../../lib/options.ts'
import type { DiskImage } from '../disk-image.ts'
import type { FileSystem } from '../file-system.ts'
import type { FilePath } from '../file-system-types.ts'
import { openImage } from '../open-image.ts'
import type { ArchiveOptions } from './archive-file.ts'
import {
  checkExtractOptions,
  EXTRACT_OPTIONS,
  FILE_PATH,
  startOf,
  withFileSystem,
  type ExtractFromOptions,
} from './extract-source.ts'
import { writeSendStream, type ExtractSendResult } from './extract-send.ts'
import { writeArchive as toTar, type ExtractTarResult } from './extract-tar.ts'
import { writeDirectory as toDirectory } from './extract-to.ts'
import type { ExtractResult } from './options.ts'
import { checkDirectoryName } from './target-directory.ts'

export type { ArchiveCompression, ArchiveOptions } from './archive-file.ts'
export type { ExtractFromOptions } from './extract-source.ts'
export type { ExtractSendResult } from './extract-send.ts'
export type { ExtractTarResult } from './extract-tar.ts'
export type { Loss, NotKept } from './not-kept.ts'
export type { ExtractProgress, ExtractResult } from './options.ts'

export interface ExtractTarFilesOptions extends ExtractFromOptions, ArchiveOptions {}

export interface ExtractSendOptions extends ExtractFromOptions, ArchiveOptions {
  /** Path of the read-only subvolume that the receiver has: the stream is incremental. Default: all is sent. */
  parent?: FilePath | undefined
  /** Version of the protocol. Default: 1, as of `btrfs send`. */
  protocol?: 1 | 2 | undefined
  /** Send compressed extents as they are stored, which needs version 2. Default: false. */
  compressedData?: boolean | undefined
}

export interface ExtractFilesOptions extends ExtractFromOptions {
  /** Also into a directory that is not empty: files there are replaced. */
  force?: boolean | undefined
}

const OUTPUT: OptionType = {
  expected: 'a path, a Writable or a WritableStream',
  accepts: (value) => typeof value === 'string' || (typeof value === 'object' && value !== null),
}
const TAR_OPTIONS: OptionTable<ExtractTarFilesOptions> = {
  ...EXTRACT_OPTIONS,
  output: required(OUTPUT),
  compression: oneOf(['none', 'gzip', 'zstd']),
  level: { expected: 'a number', accepts: (value) => typeof value === 'number' },
  force: BOOLEAN,
  workers: WORKERS,
}

const SEND_OPTIONS: OptionTable<ExtractSendOptions> = {
  ...TAR_OPTIONS,
  parent: FILE_PATH,
  protocol: { expected: '1 or 2', accepts: (value) => value === 1 || value === 2 },
  compressedData: BOOLEAN,
}

/**
 * Writes the stream that `btrfs send` makes of a subvolume: all of it, or what differs from another one. The same file
 * system gives the same bytes.
 *
 * @param image a path, bytes, a Blob and so on, or an open image or file system, which stays open
 * @throws NotFoundError when there is no such subvolume or partition
 * @throws UnsupportedError when the file system is no BTRFS, or a subvolume of an incremental stream can be written to
 * @throws OutputError when the stream cannot be written
 * @throws CorruptError when what is read is damaged
 * @throws TypeError when there is an option that is unknown or of the wrong type, or compressed data without version 2
 * @example
 * await extractSend('disk.img', { path: '/home.2', parent: '/home.1', output: 'home.stream' })
 */
export async function extractSend(
  image: ImageSource | DiskImage | FileSystem,
  options: ExtractSendOptions,
): Promise<ExtractSendResult> {
  checkExtractOptions('extractSend', image, options, SEND_OPTIONS)
  const { partition, path, parent, protocol: version = 1, compressedData = false, ...rest } = options
  if (compressedData && version === 1) {
    throw new TypeError('extractSend: option compressedData: expected protocol 2 with it, which has them')
  }
  const open = (source: ImageSource) => openImage(source, { signal: options.signal })
  return withFileSystem(image, partition, open, async (fileSystem) => {
    const { from } = await startOf(fileSystem, path)
    const other = parent === undefined ? undefined : (await startOf(fileSystem, parent)).from
    return writeSendStream(fileSystem, { ...rest, from, parent: other, version, compressedData })
  })
}

/**
 * Writes a pax archive of a directory and all below it, or of one file. Paths are relative to the directory, which is
 * `./` itself; a single file has its own name. The same file system gives the same bytes.
 *
 * @param image a path, bytes, a Blob and so on, or an open image or file system, which stays open
 * @throws NotFoundError when there is no such path or partition
 * @throws OutputError when the archive cannot be written
 * @throws CorruptError when what is read is damaged
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @example
 * await extractTar('disk.img', { partition: 'ROOT', path: '/home', output: 'home.tar.zst' })
 */
export async function extractTar(
  image: ImageSource | DiskImage | FileSystem,
  options: ExtractTarFilesOptions,
): Promise<ExtractTarResult> {
  checkExtractOptions('extractTar', image, options, TAR_OPTIONS)
  const { partition, path, ...rest } = options
  const open = (source: ImageSource) => openImage(source, { signal: options.signal })
  return withFileSystem(image, partition, open, async (fileSystem) =>
    toTar(fileSystem, { ...rest, ...(await startOf(fileSystem, path)) }),
  )
}

/**
 * Puts a directory and all below it, or one file, into a directory that is new or empty. Nothing in the image leads
 * outside of it. When something fails, what was there before stays and nothing of this call is left.
 *
 * @param image a path, bytes, a Blob and so on, or an open image or file system, which stays open
 * @param directory path on this machine
 * @throws NotFoundError when there is no such path or partition
 * @throws OutputError that names the entry when something cannot be written
 * @throws CorruptError when what is read is damaged
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @example
 * const { files, notKept } = await extractTo('disk.img', 'root', { partition: 'ROOT' })
 */
export async function extractTo(
  image: ImageSource | DiskImage | FileSystem,
  directory: string,
  options: ExtractFilesOptions = {},
): Promise<ExtractResult> {
  checkValue('extractTo: directory', directory, PATH)
  checkDirectoryName(directory)
  checkExtractOptions('extractTo', image, options, { ...EXTRACT_OPTIONS, force: BOOLEAN })
  const { partition, path, ...rest } = options
  const open = (source: ImageSource) => openImage(source, { signal: options.signal })
  return withFileSystem(image, partition, open, async (fileSystem) =>
    toDirectory(fileSystem, directory, { ...rest, ...(await startOf(fileSystem, path)) }),
  )
}
