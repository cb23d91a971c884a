import type { ByteString } from '../lib/byte-string.ts'
import type { InodeFlag } from './entry.ts'
import type { Compression } from './storage.ts'

/** The attributes of a DOS file, and the case of its name. Keys that are not set change nothing. */
export interface DosChanges {
  readonly?: boolean
  hidden?: boolean
  system?: boolean
  archive?: boolean
  case?: 'upper' | 'lower'
}

/** Changes to the entries at a path or of a pattern. Keys that are not set change nothing. */
export interface EntryRulePlan {
  /** Its place in `paths` of the description. */
  index: number
  /** The path and all below it, or a pattern of paths (see glob.ts), which begins with a slash. */
  for: { path: ByteString } | { glob: string }
  /** Only rules with a pattern have it; the others are in `paths`. */
  storage: {
    nodatacow?: boolean
    nodatasum?: boolean
    compression?: Compression | 'none'
    bootFiles?: boolean
  }
  flags: InodeFlag[]
  uid?: number
  gid?: number
  mode?: number
  /** undefined: remove it. */
  xattrs: Map<ByteString, Uint8Array | undefined>
  exclude: boolean
  /** For FAT. */
  dos?: DosChanges
}
