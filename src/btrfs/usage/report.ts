/** The report on a file system. */
import type { LargeFile, SizeNode } from '../../file-tree/size-tree.ts'
import type { HashName } from '../../lib/block-hash.ts'
import type { ChunkUsage } from './chunks.ts'
import type { StoredByKind } from './extent-use.ts'
import type { InlineContent, SubvolumeContent } from './content.ts'
import type { Features, SuperblockCopy } from './superblocks.ts'

/** A subvolume, and what it takes. Bytes are those of one copy, whatever the profiles. */
export interface SubvolumeUsage extends SubvolumeContent {
  id: number
  /** From the top level, without a leading slash, for people; '' is the top level itself. */
  path: string
  /** Id of the subvolume it lies in; undefined for the top level. */
  parent: number | undefined
  uuid: string | undefined
  /** Of the subvolume that it is a snapshot of. */
  parentUuid: string | undefined
  /** Of the subvolume that it was received from. */
  receivedUuid: string | undefined
  readOnly: boolean
  /** Whether it is mounted when no subvolume is named. */
  default: boolean
  generation: number
  /** When it was made. */
  otime: { sec: number; nsec: number }
  /** Of all its extents, and of what is inline, each counted once. */
  storedBytes: number
  /** Content before compression per byte that is stored; preallocated space is not counted. Undefined: nothing is stored. */
  compressionRatio: number | undefined
  /** Those of the bytes in extents that no other subvolume refers to. */
  exclusiveBytes: number
  /** Those of the bytes in extents that another subvolume refers to, too. */
  sharedBytes: number
  /** Blocks of its tree; snapshots may share them. */
  metadataBlocks: number
}

export interface DeviceUsage {
  id: number
  uuid: string | undefined
  totalBytes: number
  /** Bytes in chunks. */
  allocatedBytes: number
}

export interface TreeUsage {
  /** Signed, since some are: `-9` is the tree for relocation. */
  id: string
  name: string
  levels: number
  blocks: number
}

/** All content of a file system together. */
export interface ContentTotals {
  files: number
  directories: number
  apparentBytes: number
  /** Bytes that files have in extents and inline, as often as they have them. */
  referencedBytes: number
  /** Before compression, each extent once. */
  contentBytes: number
  /** On disk, each extent once, one copy. */
  storedBytes: number
  compressionRatio: number | undefined
  /** Of the stored bytes, those of extents that more than one file refers to. */
  sharedBytes: number
  extents: StoredByKind
  inline: InlineContent
  /** Tree blocks, each counted once, one copy. */
  metadataBytes: number
}

/** A BTRFS file system, and what takes how much of it. */
export interface BtrfsUsage {
  type: 'btrfs'
  label: string
  uuid: string | undefined
  generation: number
  /** Bytes of the file system, on all its devices. */
  totalBytes: number
  /** Bytes that are used in block groups, one copy. */
  usedBytes: number
  sectorSize: number
  nodeSize: number
  checksum: HashName
  features: Features
  /** Profiles of the chunks by their types: `{ data: ['single'] }`. */
  profiles: Partial<Record<ChunkUsage['type'], string[]>>
  superblocks: SuperblockCopy[]
  /** There is a log tree: what was fsynced before a crash is not in the trees yet. */
  hasLogTree: boolean
  defaultSubvolume: number
  /** Which of the devices this one is. */
  deviceId: number
  devices: DeviceUsage[]
  chunks: ChunkUsage[]
  totals: ContentTotals
  subvolumes: SubvolumeUsage[]
  /** All but those of the subvolumes. */
  trees: TreeUsage[]
  /** The largest directories. */
  directories: SizeNode
  largestFiles: LargeFile[]
}
