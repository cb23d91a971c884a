/** The report on a file system. */
import type { LargeFile, SizeNode } from '../../file-tree/size-tree.ts'
import type { HashName } from '../../lib/block-hash.ts'
import type { ChunkUsage } from './chunks.ts'
import type { StoredByKind } from './extent-use.ts'
import type { InlineContent, SubvolumeContent } from './content.ts'
import type { Features, SuperblockCopy } from './superblocks.ts'

/** A subvolume and the space it takes. Bytes are those of one copy, whatever the profiles. */
export interface SubvolumeUsage extends SubvolumeContent {
  id: number
  /** Path from the top level as text, without a leading slash; empty for the top level itself. */
  path: string
  /** Id of the subvolume that contains this one; undefined for the top level. */
  parent: number | undefined
  uuid: string | undefined
  /** UUID of the subvolume of which this is a snapshot. */
  parentUuid: string | undefined
  /** UUID of the subvolume that was sent, if this one was received. */
  receivedUuid: string | undefined
  readOnly: boolean
  /** Whether it is mounted when no subvolume is named. */
  default: boolean
  generation: number
  /** Time of creation. */
  otime: { sec: number; nsec: number }
  /** Bytes of all extents and inline content, each counted once. */
  storedBytes: number
  /**
   * Bytes of content before compression per stored byte, without preallocated space; undefined if nothing is stored.
   */
  compressionRatio: number | undefined
  /** Of the stored bytes, those in extents that no other subvolume refers to. */
  exclusiveBytes: number
  /** Of the stored bytes, those in extents that other subvolumes also refer to. */
  sharedBytes: number
  /** Blocks of the tree, some of which snapshots may share. */
  metadataBlocks: number
}

export interface DeviceUsage {
  id: number
  uuid: string | undefined
  totalBytes: number
  /** Bytes that chunks take. */
  allocatedBytes: number
}

export interface TreeUsage {
  /** Object id of the tree, signed: `-9` is the tree for data relocation. */
  id: string
  name: string
  levels: number
  blocks: number
}

/** The content of a file system as a whole. */
export interface ContentTotals {
  files: number
  directories: number
  apparentBytes: number
  /** Bytes of content in extents and inline, counted once for each reference. */
  referencedBytes: number
  /** Bytes of content before compression, each extent counted once. */
  contentBytes: number
  /** Bytes of one copy on the disk, each extent counted once. */
  storedBytes: number
  compressionRatio: number | undefined
  /** Of the stored bytes, those in extents that several files refer to. */
  sharedBytes: number
  extents: StoredByKind
  inline: InlineContent
  /** Bytes of one copy of the tree blocks, each counted once. */
  metadataBytes: number
}

/** A BTRFS file system and the use of its space. */
export interface BtrfsUsage {
  type: 'btrfs'
  label: string
  uuid: string | undefined
  generation: number
  /** Bytes of the file system, on all its devices. */
  totalBytes: number
  /** Bytes that are used in the block groups, one copy. */
  usedBytes: number
  sectorSize: number
  nodeSize: number
  checksum: HashName
  features: Features
  /** Profiles of the chunks by type: `{ "data": ["single"] }`. */
  profiles: Partial<Record<ChunkUsage['type'], string[]>>
  superblocks: SuperblockCopy[]
  /** There is a log tree: data that was fsynced before a crash is not in the trees yet. */
  hasLogTree: boolean
  defaultSubvolume: number
  /** Id of this device in the file system. */
  deviceId: number
  devices: DeviceUsage[]
  chunks: ChunkUsage[]
  totals: ContentTotals
  subvolumes: SubvolumeUsage[]
  /** All trees except those of the subvolumes. */
  trees: TreeUsage[]
  /** The root directory, with the largest directories and files below it. */
  directories: SizeNode
  largestFiles: LargeFile[]
}
