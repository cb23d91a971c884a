/** Finds the file system and the inode that are extracted. */
import type { InodeRef } from '../../file-tree/reader.ts'
import type { ByteString } from '../../lib/byte-string.ts'
import { NotFoundError } from '../../lib/errors.ts'
import { ABORT_SIGNAL, checkOptions, FUNCTION, type OptionTable, type OptionType } from '../../lib/options.ts'
import { DiskImage } from '../disk-image.ts'
import { FileSystem } from '../file-system.ts'
import { lastComponent } from '../file-path.ts'
import type { FilePath } from '../file-system-types.ts'
import type { ExtractProgress } from './options.ts'

/** Options for extracting from an image or a file system. */
export interface ExtractFromOptions {
  /** The partition, by number or label. Default: the only one with a file system. Not for a `FileSystem`. */
  partition?: number | string | undefined
  /** Path of the directory or file, with everything below it; symlinks are followed. Default: the root. */
  path?: FilePath | undefined
  /** Called often; it should return at once. */
  onProgress?: ((progress: ExtractProgress) => void) | undefined
  /** Aborts the extraction: nothing is left behind, and the promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined
}

export const FILE_PATH: OptionType = {
  expected: 'a path or an entry',
  accepts: (value) => typeof value === 'string' || (typeof value === 'object' && value !== null),
}
const PARTITION: OptionType = {
  expected: 'a number or a label',
  accepts: (value) => typeof value === 'number' || typeof value === 'string',
}

export const EXTRACT_OPTIONS: OptionTable<ExtractFromOptions> = {
  partition: PARTITION,
  path: FILE_PATH,
  onProgress: FUNCTION,
  signal: ABORT_SIGNAL,
}

/** @throws TypeError also when a partition of a file system is asked for */
export function checkExtractOptions<Options extends ExtractFromOptions>(
  caller: string,
  image: unknown,
  options: Options,
  table: OptionTable<Options>,
): void {
  checkOptions(caller, options, table)
  if (image instanceof FileSystem && options.partition !== undefined) {
    throw new TypeError(
      `${caller}: option partition: expected none for a FileSystem, which is that of one partition`,
    )
  }
}

/** Runs `work` on a file system; what is opened for it is closed. */
export async function withFileSystem<Source extends object | string, T>(
  image: Source | DiskImage | FileSystem,
  partition: number | string | undefined,
  open: (image: Source) => Promise<DiskImage>,
  work: (fileSystem: FileSystem) => Promise<T>,
): Promise<T> {
  if (image instanceof FileSystem) return work(image)
  if (image instanceof DiskImage) return work(await openPartition(image, partition))
  const disk = await open(image)
  try {
    return await work(await openPartition(disk, partition))
  } finally {
    await disk.close()
  }
}

function openPartition(disk: DiskImage, which: number | string | undefined): Promise<FileSystem> {
  if (which !== undefined) return disk.partition(which).open()
  if (disk.partitions.length === 1) return disk.partitions[0].open()
  const found = disk.partitions.filter(({ driver }) => driver !== undefined)
  if (found.length === 1) return found[0].open()
  const numbers = found.map(({ number }) => number).join(', ')
  throw new NotFoundError(`expected one partition with a file system, found ${numbers || 'none'}`)
}

/** The inode at which extracting begins, and the name of a single file. */
export async function startOf(
  fileSystem: FileSystem,
  path: FilePath = '/',
): Promise<{ from: InodeRef; name: ByteString }> {
  const from = await fileSystem.stat(path)
  return { from, name: lastComponent(path) || `inode-${from.ino}` }
}
