/** How the entries of a source meet what earlier sources brought. */
import type { ByteString } from '../lib/byte-string.ts'
import type { EntryOrigin, EntryType } from './entry.ts'

/**
 * What happens if an earlier source has an entry with the same path. Directories are always merged. `follow`: the later
 * entry replaces the earlier one, but a directory follows a symlink to a directory, and a directory that is not empty
 * cannot be replaced. `replace`: it replaces the earlier one, whatever its type. `refuse`: an error.
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
