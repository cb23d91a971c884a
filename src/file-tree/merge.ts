/** How the entries of a source meet what earlier sources brought. */
import type { ByteString } from '../lib/byte-string.ts'
import type { EntryOrigin, EntryType } from './entry.ts'

/**
 * What happens where an entry has the path of one of an earlier source. Directories that meet directories are merged in
 * any case.
 *
 * - `follow`: it takes its place, but a directory that meets a symlink to a directory goes through the link, and
 *   nothing takes the place of a directory that is not empty
 * - `replace`: it takes its place, whatever its type
 * - `refuse`: it is an error
 */
export type MergeRule = 'follow' | 'replace' | 'refuse'

/** An entry of an earlier source whose place another one took. */
export interface Replacement {
  path: ByteString
  /** What was there. */
  type: EntryType
  /** What is there now. */
  by: EntryType
  origin: EntryOrigin
}
