/** The report of an inspection: plain data, so it can be written as JSON. Keys that are undefined are left out there. */
import type { BtrfsUsage } from '../btrfs/usage/report.ts'
import type { FatUsage } from '../fat32/usage/usage.ts'
import type { Finding } from '../lib/finding.ts'

/** The space that a file system uses, by its `type`. */
export type FileSystemUsage = BtrfsUsage | FatUsage

/** A disk image, and what is in it. All places are bytes from the start of the image unless they say otherwise. */
export interface ImageReport {
  /** Bytes of the image, uncompressed. */
  size: number
  /** Undefined when it is stored as it is. */
  compression: CompressionReport | undefined
  /** Undefined when there is none: the image is one file system, or nothing. */
  table: TableReport | undefined
  /** In the order of their numbers; number 0 is an image without a table. */
  partitions: PartitionReport[]
  /** Space in no partition, in the order of the disk; the partition table lies in the first gap. */
  gaps: Gap[]
  /** Damage, and notices of the state of a file system. At most 20 of each partition. */
  findings: Finding[]
}

export interface CompressionReport {
  format: 'zstd' | 'gzip' | 'xz' | 'bzip2' | 'lz4'
  frames: number
  /** Bytes of the compressed file. */
  storedBytes: number
}

export interface TableReport {
  /** `hybrid`: a GPT whose MBR has partitions, too. */
  type: 'mbr' | 'gpt' | 'hybrid'
  /** `0x2178694e`, of the MBR. */
  diskId: string | undefined
  /** Of a GPT. */
  guid: string | undefined
  sectorSize: number
  /** The first copy of the GPT is damaged. */
  usesBackup: boolean
}

export interface Gap {
  start: number
  size: number
}

export interface PartitionReport {
  number: number
  start: number
  size: number
  /** `0x0c`, or a GUID; '' without a table. */
  type: string
  /** Name of that type; undefined when it is unknown. */
  typeName: string | undefined
  bootable: boolean
  /** Of a GPT. */
  name: string
  guid: string | undefined
  /** It lies in an extended partition. */
  isLogical: boolean
  /** The format that it holds, whether or not it can be opened. */
  content: string | undefined
  /** Undefined when there is none that can be opened, or it is too damaged (see the findings). */
  fileSystem: FileSystemUsage | undefined
}
