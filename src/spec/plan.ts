/**
 * An image description with everything decided: what the format writers work from. Made by `planImage`.
 * Offsets and sizes are bytes; UUIDs are in their usual text form.
 */
import type { ByteString } from '../lib/byte-string.ts'
import type { Timestamp } from '../file-tree/entry.ts'

export interface ImagePlan {
  seed: string
  table: { type: 'mbr'; diskId: number }
  /** In the order of their place on the disk. */
  partitions: PartitionPlan[]
}

export type PartitionPlan = Fat32Plan | BtrfsPlan

interface PartitionPlace {
  /** 1-based number in the table. */
  number: number
  start: number
  /** `fit`: the file system ends where its content ends, plus slack. Only the last partition. */
  size: number | 'fit'
  bootable: boolean
  /** The partition's type byte in an MBR. */
  mbrType: number
  /** Time of what has none of its own: implied directories, subvolumes, links, the FAT volume label. */
  time: Timestamp
  sources: SourcePlan[]
}

/** Where content comes from. Paths of files on this machine are absolute. */
export type SourcePlan = {
  /** Path below which the source's root is put; '' is the partition's root. */
  to: ByteString
} & ({ kind: 'tar'; path: string } | { kind: 'directory'; path: string })

export interface Fat32Plan extends PartitionPlace {
  type: 'fat32'
  size: number
  /** At most 11 characters. */
  label: string
  volumeId: number
}

export interface BtrfsPlan extends PartitionPlace {
  type: 'btrfs'
  label: string
  uuid: string
  deviceUuid: string
  chunkTreeUuid: string
  nodeSize: number
  profiles: { system: 'single' | 'dup'; metadata: 'single' | 'dup' }
  /** Bytes added after the content with `size: 'fit'`; undefined: the default rule. */
  slack: number | undefined
  /** Files of equal content share their extents. */
  dedupe: boolean
  /** The top level first, then the others by their ids. One of them has the path ''. */
  subvolumes: SubvolumePlan[]
  /** How the files below a path are stored, where it differs from their subvolume. */
  paths: PathRulePlan[]
  /** Symlinks at the top level: name -> target. */
  links: Map<ByteString, ByteString>
}

/** How the content of files is stored. */
export interface StoragePlan {
  /** No copy on write, and with it no checksums and no compression. */
  nodatacow: boolean
  compression: ZstdCompression | undefined
}

export interface ZstdCompression {
  algorithm: 'zstd'
  /** 1 to 15, as in the kernel. */
  level: number
}

export interface SubvolumePlan extends StoragePlan {
  /** 5 for the top level, from 256 in the order of the description for others. */
  id: number
  /** Name in the top level; '' for the top level itself. */
  name: ByteString
  /** Path of the source whose tree it holds, without a leading slash; undefined: no source path leads here. */
  path: ByteString | undefined
  uuid: string
}

export interface PathRulePlan extends StoragePlan {
  /** The rule is for this path and all below it, as far as the subvolume that holds the path reaches. */
  path: ByteString
}
