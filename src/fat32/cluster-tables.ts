/** What formatters choose for a volume by its size. */
import type { FatType } from './format.ts'

/**
 * Whose choice of the cluster size a volume gets: that of mkfs.fat(8), which for FAT32 is the table of FATGEN, or that of
 * the `format` of Windows.
 */
export type ClusterTable = 'mkfs.fat' | 'windows'

const MIB = 2 ** 20
const GIB = 2 ** 30

/** Largest volume for a cluster size, both in one unit; the last row has no limit. */
type Rows = readonly [upTo: number, clusterSize: number][]

/**
 * In sectors. (mkfs.fat.c, establish_params; FATGEN, "FAT Volume Initialization": DskTableFAT32) The number of clusters
 * then doubles the size where there are too many.
 */
const MKFS_FAT: Readonly<Record<FatType, Rows>> = {
  fat12: [[Infinity, 4]],
  fat16: [[Infinity, 4]],
  fat32: [
    [532_480, 1],
    [2 ** 24, 8],
    [2 ** 25, 16],
    [2 ** 26, 32],
    [Infinity, 64],
  ],
}

/** In bytes. (Microsoft, KB140365 "Default cluster size for NTFS, FAT, and exFAT"; FAT12: KB67321) */
const WINDOWS: Readonly<Record<FatType, Rows>> = {
  fat12: [[Infinity, 4096]],
  fat16: [
    [32 * MIB, 512],
    [64 * MIB, 1024],
    [128 * MIB, 2048],
    [256 * MIB, 4096],
    [512 * MIB, 8192],
    [GIB, 16384],
    [2 * GIB, 32768],
    [Infinity, 65536],
  ],
  fat32: [
    [64 * MIB, 512],
    [128 * MIB, 1024],
    [256 * MIB, 2048],
    [8 * GIB, 4096],
    [16 * GIB, 8192],
    [32 * GIB, 16384],
    [Infinity, 32768],
  ],
}

const find = (rows: Rows, size: number) => rows.find(([upTo]) => size <= upTo)![1]

/** The cluster size in bytes that a table has for a volume of `size` bytes, whatever the number of clusters is then. */
export function tableClusterSize(
  table: ClusterTable,
  { type, size, sectorSize }: { type: FatType; size: number; sectorSize: number },
): number {
  if (table === 'windows') return find(WINDOWS[type], size)
  return find(MKFS_FAT[type], size / sectorSize) * sectorSize
}

/** A format of floppy disks. */
export interface Floppy {
  sectorsPerTrack: number
  heads: number
  media: number
  clusterSize: number
  rootEntries: number
}

const floppy = (
  sectorsPerTrack: number,
  media: number,
  clusterSize: number,
  rootEntries: number,
): Floppy => ({ sectorsPerTrack, heads: 2, media, clusterSize, rootEntries })

/** By their bytes. (mkfs.fat.c, establish_params) */
const FLOPPIES: ReadonlyMap<number, Floppy> = new Map([
  [360 * 1024, floppy(9, 0xfd, 1024, 112)],
  [720 * 1024, floppy(9, 0xf9, 1024, 112)],
  [1200 * 1024, floppy(15, 0xf9, 512, 224)],
  [1440 * 1024, floppy(18, 0xf0, 512, 224)],
  [2880 * 1024, floppy(36, 0xf0, 1024, 224)],
])

/** The floppy disk of this size in bytes; undefined: there is none. */
export function floppyOf(size: number): Floppy | undefined {
  return FLOPPIES.get(size)
}
