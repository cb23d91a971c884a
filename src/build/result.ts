import type { DroppedCounts } from '../file-tree/unsupported.ts'
import type { Finding } from '../lib/finding.ts'
import type { OutputFormat } from '../output/output.ts'

/** The image that was built. Sizes are bytes. */
export interface BuildResult {
  /** The file that was written; undefined when the output is a stream. */
  output: string | undefined
  format: OutputFormat
  /** Bytes of the disk image. */
  imageSize: number
  /** Bytes of the output: of the .img.zst, or of the image itself, holes included. */
  outputSize: number
  table: TableResult
  /** In the order of their numbers. */
  partitions: PartitionResult[]
  /** Number of entries that entries of later sources replaced. */
  replaced: number
  /**
   * Warnings and notices: what may keep the image from booting, rules of the description that match nothing, sources whose
   * entries may have an unintended effect.
   */
  findings: Finding[]
  /** With the option `profile` only. */
  profile?: BuildProfile
}

/** Where the time of a build went, in seconds. */
export interface BuildProfile {
  /** From the call of `buildImage` to the finished output. */
  wall: number
  /** Processor time of all threads. */
  cpu: number
  /** From the call to the first read of a source. */
  startUp: number
  /** On the main thread: reading, decompressing and parsing the sources. */
  sources: number
  /** On the main thread: waiting for worker threads to pack file content. */
  waitingForWorkers: number
  /** On the main thread: compressing and checksumming, if there are no worker threads. */
  encoding: number
  /** On the main thread: writing the output, and compressing what is not compressed yet. */
  output: number
  /** On the main thread: everything else, such as placing content and building the trees. */
  rest: number
  /** Peak resident memory of the process, in bytes. */
  peakMemory: number
}

export type TableResult =
  | {
      type: 'mbr'
      /** `0x2178694e` */
      diskId: string
    }
  | {
      type: 'gpt'
      /** In upper case. */
      diskGuid: string
    }
  | { type: 'none' }

export type PartitionResult = FatResult | BtrfsResult | RawResult | SwapResult | EmptyResult

/** The part of a result that all partitions have. */
export interface PlaceResult {
  /** Number in the table, counted from 1; 0 if the partition is not in the table. */
  number: number
  label: string
  /** Bytes from the start of the image. */
  start: number
  /** Bytes. */
  size: number
  bootable: boolean
}

/** A partition with the bytes of a file. */
export interface RawResult extends PlaceResult {
  type: 'raw'
  /** Bytes of the file. */
  bytesIn: number
}

export interface SwapResult extends PlaceResult {
  type: 'swap'
  uuid: string
}

/** A partition that is filled with zeros. */
export interface EmptyResult extends PlaceResult {
  type: 'empty'
}

/** The part of a result that partitions with files have. */
export interface PartitionCounts extends PlaceResult {
  /** Regular files; a file with several names counts once. */
  files: number
  directories: number
  /** Bytes of content of the regular files, as the sources have them. */
  bytesIn: number
  /** Bytes of one copy of the content on the disk, compressed and rounded up to sectors or clusters. */
  bytesStored: number
  /** What was left out because the file system cannot hold it (`"unsupported": "drop"` of a source). */
  dropped: DroppedCounts
}

export interface FatResult extends PartitionCounts {
  type: 'fat12' | 'fat16' | 'fat32'
  /** `1234-ABCD` */
  volumeId: string
  /** Bytes. */
  clusterSize: number
  /** Bytes of the free clusters. */
  freeBytes: number
}

export interface BtrfsResult extends PartitionCounts {
  type: 'btrfs'
  uuid: string
  symlinks: number
  /** Devices, fifos and sockets. */
  specials: number
  /** Names of regular files beyond the first. */
  hardLinks: number
  /** Data extents, without inline ones. */
  extents: number
  /** Files whose content is stored in the metadata. */
  inlineFiles: number
  /** Bytes of one copy of the tree blocks. */
  metadataBytes: number
  /** The top level first, then the others in the order of their ids. */
  subvolumes: SubvolumeResult[]
}

export interface SubvolumeResult {
  id: number
  /** Path from the top level; empty for the top level itself. */
  name: string
  /** Id of the subvolume that contains this one; undefined for the top level. */
  parent: number | undefined
  /** Path in the sources whose content is in the subvolume, with a leading slash; undefined if there is none. */
  path: string | undefined
  uuid: string
  readOnly: boolean
  /** It is mounted if no subvolume is named. */
  default: boolean
  /** Id of the subvolume of which this is a snapshot; undefined if it is not one. */
  snapshotOf: number | undefined
  /** UUID of the subvolume that was sent, if the only source is a stream of `btrfs send`; otherwise undefined. */
  receivedUuid: string | undefined
  /** Regular files. Totals do not include those of snapshots. */
  files: number
}
