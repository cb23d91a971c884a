/** The summary of a file system that was written. */
import { toText } from '../../lib/byte-string.ts'
import { uuidText } from '../../lib/hex.ts'
import type { SubvolumePlan } from '../../spec/plan/plan.ts'
import type { InodeCounts } from './subvolume-tree.ts'

/** A file system that was written. Sizes are in bytes. */
export interface BtrfsSummary {
  uuid: string
  /** Size of the file system. */
  size: number
  /** Bytes that are free beyond the slack asked for, because of fewer too much could not be written. */
  addedSlack: number
  /** Tree blocks, each copy counted once. */
  metadataBytes: number
  /** Content of files, as the entries gave it. */
  bytesIn: number
  /** Space that file content takes in data extents, each copy counted once. */
  bytesStored: number
  /** Data extents; inline ones not counted. */
  extents: number
  /** JSON paths of rules that matched no entry: patterns, and paths to leave out. */
  unusedRules: string[]
  /**
   * Names of subvolumes that are all of one `btrfs send` stream, but can be written to, and so have no received UUID.
   */
  writableReceived: string[]
  /** The top level first, then by id. */
  subvolumes: BtrfsSubvolumeSummary[]
}

/** A subvolume that was written. A snapshot has the counts of its source. */
export interface BtrfsSubvolumeSummary extends InodeCounts {
  id: number
  /** Path from the top level; '' is the top level itself. */
  name: string
  /** Id of the subvolume it lies in; undefined for the top level. */
  parent: number | undefined
  /** Path of the entries it holds, with a leading slash; undefined: it holds none. */
  path: string | undefined
  uuid: string
  readOnly: boolean
  /** Mounted when no subvolume is asked for. */
  default: boolean
  /** Id of the source of a snapshot; undefined for any other subvolume. */
  snapshotOf: number | undefined
  /** UUID of the subvolume that was sent to here; undefined: none was. */
  receivedUuid: string | undefined
}

export function subvolumeSummary(
  { id, name, parent, path, uuid, readOnly, isDefault, snapshotOf }: SubvolumePlan,
  counts: InodeCounts,
  receivedUuid: Uint8Array | undefined,
): BtrfsSubvolumeSummary {
  return {
    id,
    // Names and paths come from the options, so they are text.
    name: toText(name)!,
    parent: name === '' ? undefined : parent,
    path: path === undefined ? undefined : `/${toText(path)!}`,
    uuid,
    readOnly,
    default: isDefault,
    snapshotOf,
    receivedUuid: receivedUuid && uuidText(receivedUuid),
    ...counts,
  }
}
