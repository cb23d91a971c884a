/** Manifests: what a file beside a directory says of its entries. */
import type { EntryType, InodeFlag, Timestamp, Xattr } from '../../file-tree/entry.ts'
import type { ByteString } from '../../lib/byte-string.ts'

/** What a manifest says of one path. Keys that are undefined say nothing. */
export interface ManifestEntry {
  path: ByteString
  /** Line of the manifest, or JSON path, for messages. */
  where: string
  type?: Exclude<EntryType, 'hardlink'> | undefined
  mode?: number | undefined
  uid?: number | undefined
  gid?: number | undefined
  mtime?: Timestamp | undefined
  /** Added to those that are there, or in place of those of the same names. */
  xattrs?: readonly Xattr[] | undefined
  /** Of files and directories. */
  flags?: readonly InodeFlag[] | undefined
  /** Target of a symlink. */
  target?: ByteString | undefined
  device?: { major: number; minor: number } | undefined
  /** What the content must be. */
  expected?: ExpectedContent | undefined
  /** It need not be there. */
  optional?: boolean | undefined
  /** It must be there; its metadata stay as they are. */
  nochange?: boolean | undefined
  /** It is not taken, nor anything below it. */
  ignore?: boolean | undefined
}

export interface ExpectedContent {
  size?: number | undefined
  /** Names of node:crypto, and hexadecimal digits. */
  digests: readonly { algorithm: string; value: string }[]
}

/** By path; '' is the root. */
export type Manifest = ReadonlyMap<ByteString, ManifestEntry>
