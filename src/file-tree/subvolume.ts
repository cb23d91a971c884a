import type { ByteString } from '../lib/byte-string.ts'
import type { Timestamp } from './entry.ts'
import type { StoragePlan } from './storage.ts'

/** A part of the tree with inodes of its own, and how it is stored. */
export interface SubvolumePlan extends StoragePlan {
  /** 5 for the top level, from 256 for others. */
  id: number
  /** Its path from the top level; '' for the top level itself. */
  name: ByteString
  /** Id of the subvolume it lies in (the top level's own for itself), and its path there. */
  parent: number
  directory: ByteString
  /** Path of the source whose tree it holds, without a leading slash; undefined: no source path leads here. */
  path: ByteString | undefined
  uuid: string
  readOnly: boolean
  isDefault: boolean
  otime: Timestamp
  /** Compression of what the kernel writes later; undefined: the mount options decide. */
  property: string | undefined
  /** Id of the subvolume that it is a snapshot of, which may be a snapshot as well. */
  snapshotOf: number | undefined
  /** Id of the subvolume whose content it holds, which is no snapshot: itself, unless it is one. */
  contentOf: number
}
