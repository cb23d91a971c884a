/**
 * Tar archives, read and written as they stream by: the public interface of `diskwright/tar`.
 *
 * @example
 * for await (const piece of writeTar(readTar(process.stdin))) process.stdout.write(piece)
 *
 * @module
 */
export { readTar, type ReadTarOptions } from './read/read-tar.ts'
export { writeTar, type WriteTarOptions } from './write/write-tar.ts'
export { DiskwrightError, InputError } from '../lib/errors.ts'
export type {
  Entry,
  EntryOrigin,
  EntryType,
  EntryXattr,
  InodeFlag,
  Timestamp,
  UnsupportedProperty,
} from '../file-tree/entry.ts'
export type { DataRange } from '../file-tree/file-content.ts'
