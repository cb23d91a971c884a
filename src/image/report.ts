/** The report of an inspection: plain data, so it can be written as JSON. Keys that are undefined are left out there. */
import type { BtrfsUsage } from '../btrfs/usage/report.ts'
import type { FatUsage } from '../fat32/usage/usage.ts'
import type { Finding } from '../lib/finding.ts'

/** The use of the space of a file system. */
export type FileSystemUsage = BtrfsUsage | FatUsage

/** A disk image and its content. Offsets are in bytes from the start of the image, unless stated otherwise. */
export interface ImageReport {
  /** Bytes of the uncompressed image. */
  size: number
  /** Undefined if the image is not compressed. */
  compression: CompressionReport | undefined
  /** Undefined if there is no partition table. */
  table: TableReport | undefined
  /** In the order of their numbers. An image without a table has one partition, number 0. */
  partitions: PartitionReport[]
  /** Space outside of partitions, in the order of the disk. The first gap includes the partition table. */
  gaps: Gap[]
  /** Damage, and notices about the state of file systems; at most 20 for each partition. */
  findings: Finding[]
}

export interface CompressionReport {
  format: 'zstd' | 'gzip' | 'xz' | 'bzip2' | 'lz4'
  frames: number
  /** Bytes of the compressed file. */
  storedBytes: number
}

export interface TableReport {
  /** `hybrid`: a GPT whose MBR also lists partitions. */
  type: 'mbr' | 'gpt' | 'hybrid'
  /** Disk id of the MBR, like `0x2178694e`. */
  diskId: string | undefined
  /** Of a GPT. */
  guid: string | undefined
  sectorSize: number
  /** The primary GPT is damaged, and the backup was read. */
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
  /** `0x0c`, or a GUID; empty without a table. */
  type: string
  /** Name of the type; undefined if it is unknown. */
  typeName: string | undefined
  bootable: boolean
  /** Of a GPT. */
  name: string
  guid: string | undefined
  /** It is a logical partition, in an extended one. */
  isLogical: boolean
  /** Format of the content, whether or not diskwright can open it. */
  content: string | undefined
  /** Undefined if there is no file system that can be opened, or it is too damaged (see the findings). */
  fileSystem: FileSystemUsage | undefined
}
