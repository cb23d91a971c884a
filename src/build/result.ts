import type { DroppedCounts } from '../file-tree/unsupported.ts'
import type { Finding } from '../lib/finding.ts'
import type { OutputFormat } from '../output/output.ts'

/** The image that was built. Sizes are bytes. */
export interface BuildResult {
  /** The file written; undefined when the output is a stream. */
  output: string | undefined
  format: OutputFormat
  /** Bytes of the disk image. */
  imageSize: number
  /** Bytes written out: those of the .img.zst, or the image's own (holes included). */
  outputSize: number
  table: TableResult
  /** In the order of their numbers. */
  partitions: PartitionResult[]
  /** Number of entries whose place entries of later sources took. */
  replaced: number
  /**
   * Warnings and notices: what may keep the image from booting, rules of the description that match nothing, sources whose
   * entries may have an unintended effect.
   */
  findings: Finding[]
  /** With the option `profile` only. */
  profile?: BuildProfile
}

/** Time that the parts of a build took, in seconds. */
export interface BuildProfile {
  /** From the call of `buildImage` to the finished output. */
  wall: number
  /** Of the process, all threads. */
  cpu: number
  /** From the call to the first byte asked of a source. */
  startUp: number
  /** The main thread: reading, decompressing and parsing the sources. */
  sources: number
  /** The main thread: waiting until a batch of file content is packed. */
  waitingForWorkers: number
  /** The main thread: compressing and checksumming, when there are no worker threads. */
  encoding: number
  /** The main thread: handing bytes to the output, compressing what is not yet compressed. */
  output: number
  /** The main thread: routing, placing, building the trees. */
  rest: number
  /** Largest resident memory of the process so far, in bytes. */
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
  /** 1-based number in the table; 0: it is not in the table. */
  number: number
  label: string
  /** Bytes from the start of the image. */
  start: number
  /** Bytes. */
  size: number
  bootable: boolean
}

/** The bytes of a file. */
export interface RawResult extends PlaceResult {
  type: 'raw'
  /** Bytes of the file. */
  bytesIn: number
}

export interface SwapResult extends PlaceResult {
  type: 'swap'
  uuid: string
}

/** Zeros. */
export interface EmptyResult extends PlaceResult {
  type: 'empty'
}

/** The part of a result that partitions with files have. */
export interface PartitionCounts extends PlaceResult {
  /** Regular files; a file with several names counts once. */
  files: number
  directories: number
  /** Bytes of content of the regular files, as they came in. */
  bytesIn: number
  /** Bytes that content takes on the disk, compressed and rounded up to sectors or clusters, one copy. */
  bytesStored: number
  /** What was left out because the file system cannot hold it, where sources have `"unsupported": "drop"`. */
  dropped: DroppedCounts
}

export interface FatResult extends PartitionCounts {
  type: 'fat12' | 'fat16' | 'fat32'
  /** `1234-ABCD` */
  volumeId: string
  /** Bytes. */
  clusterSize: number
  /** Bytes of the clusters that nothing uses. */
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
  /** Data extents; inline ones not counted. */
  extents: number
  /** Files whose content lies in the metadata. */
  inlineFiles: number
  /** Bytes of tree blocks, one copy. */
  metadataBytes: number
  /** The top level first, then by id. */
  subvolumes: SubvolumeResult[]
}

export interface SubvolumeResult {
  id: number
  /** Path from the top level; '' is the top level itself. */
  name: string
  /** Id of the subvolume it lies in; undefined for the top level. */
  parent: number | undefined
  /** Path of the source's tree that went here, with a leading slash; undefined: none. */
  path: string | undefined
  uuid: string
  readOnly: boolean
  /** It is mounted when no subvolume is named. */
  default: boolean
  /** Id of its source; undefined for what is no snapshot. */
  snapshotOf: number | undefined
  /** UUID of the subvolume that was sent, if one stream of `btrfs send` alone filled this one; otherwise undefined. */
  receivedUuid: string | undefined
  /** Regular files; those of a snapshot are in no total. */
  files: number
}
