import { DoesNotFitError } from '../lib/errors.ts'
import {
  DirEntry,
  FatEntry,
  FIRST_CLUSTER,
  MAX_CLUSTERS,
  MIN_CLUSTERS,
  SECTOR_SIZE,
  type FatType,
} from './format.ts'

/** The areas of a FAT volume. */
export interface Geometry {
  type: FatType
  /** Bytes. */
  sectorSize: number
  totalSectors: number
  sectorsPerCluster: number
  /** Sectors before the first FAT. */
  reservedSectors: number
  fats: number
  /** Sectors of one FAT. */
  fatSectors: number
  /** Records of the root directory, which lies behind the FATs in FAT12 and FAT16; 0 in FAT32. */
  rootEntries: number
  /** Clusters of the data area; they are numbered from 2. */
  clusters: number
}

const RESERVED_SECTORS = 32
const FATS = 2
const MAX_CLUSTER_SIZE = 32768
const MAX_TOTAL_SECTORS = 2 ** 32 - 1
const ENTRIES_PER_SECTOR = SECTOR_SIZE / FatEntry.size

const MIB = 2 ** 20
const GIB = 2 ** 30
/** Largest volume for a cluster size, both in bytes. (FATGEN, "FAT FatVolume Initialization": DskTableFAT32) */
const DEFAULT_CLUSTER_SIZES: readonly [upTo: number, clusterSize: number][] = [
  [260 * MIB, 512],
  [8 * GIB, 4096],
  [16 * GIB, 8192],
  [32 * GIB, 16384],
  [Infinity, 32768],
]

/** The cluster size that formatters choose for a volume of this size, in bytes. */
export function defaultClusterSize(partitionBytes: number): number {
  return DEFAULT_CLUSTER_SIZES.find(([upTo]) => partitionBytes <= upTo)![1]
}

/** The smallest partition that holds a FAT32 with clusters of this size, in bytes. */
export function minPartitionSize(clusterSize: number): number {
  const fatSectors = Math.ceil((MIN_CLUSTERS + FIRST_CLUSTER) / ENTRIES_PER_SECTOR)
  return (RESERVED_SECTORS + FATS * fatSectors) * SECTOR_SIZE + MIN_CLUSTERS * clusterSize
}

/** The smallest partition that holds a FAT32, in bytes. */
export const MIN_FAT32_BYTES = minPartitionSize(SECTOR_SIZE)

/**
 * Lays out a FAT32 volume that fills a partition: 32 reserved sectors, and two FATs of as many sectors as they need.
 *
 * @param partitionBytes a multiple of 512
 * @param clusterSize bytes, a power of two from 512 to 32768; default: by the table of FATGEN
 * @throws DoesNotFitError when the partition holds too few clusters for FAT32, or more than it can number
 * @throws RangeError for a size that is no multiple of 512, or an impossible cluster size
 */
export function planGeometry(
  partitionBytes: number,
  { clusterSize = defaultClusterSize(partitionBytes) }: { clusterSize?: number } = {},
): Geometry {
  if (!Number.isSafeInteger(partitionBytes) || partitionBytes < 0 || partitionBytes % SECTOR_SIZE !== 0) {
    throw new RangeError(`expected a multiple of ${SECTOR_SIZE} bytes, found ${partitionBytes}`)
  }
  const sectorsPerCluster = clusterSize / SECTOR_SIZE
  const isPower = Number.isInteger(Math.log2(sectorsPerCluster))
  if (!isPower || sectorsPerCluster < 1 || clusterSize > MAX_CLUSTER_SIZE) {
    throw new RangeError(`expected a power of two from 512 to ${MAX_CLUSTER_SIZE}, found ${clusterSize}`)
  }
  const what = `a FAT32 file system with clusters of ${clusterSize} bytes`
  const smallest = minPartitionSize(clusterSize)
  if (partitionBytes < smallest) {
    throw new DoesNotFitError(what, { needed: smallest, available: partitionBytes })
  }
  const totalSectors = partitionBytes / SECTOR_SIZE
  if (totalSectors > MAX_TOTAL_SECTORS) {
    throw new DoesNotFitError(`a partition in ${what}`, {
      needed: partitionBytes,
      available: MAX_TOTAL_SECTORS * SECTOR_SIZE,
    })
  }
  const fatSectors = fatSectorsFor(totalSectors, sectorsPerCluster)
  const clusters = clusterCount(totalSectors, sectorsPerCluster, fatSectors)
  if (clusters > MAX_CLUSTERS) {
    throw new DoesNotFitError(`a partition in ${what}`, {
      needed: clusters * clusterSize,
      available: MAX_CLUSTERS * clusterSize,
    })
  }
  return {
    type: 'fat32',
    sectorSize: SECTOR_SIZE,
    totalSectors,
    sectorsPerCluster,
    reservedSectors: RESERVED_SECTORS,
    fats: FATS,
    fatSectors,
    rootEntries: 0,
    clusters,
  }
}

function clusterCount(totalSectors: number, sectorsPerCluster: number, fatSectors: number): number {
  return Math.floor((totalSectors - RESERVED_SECTORS - FATS * fatSectors) / sectorsPerCluster)
}

/** The smallest FATs that suffice: the larger they are, the fewer clusters they must describe. */
function fatSectorsFor(totalSectors: number, sectorsPerCluster: number): number {
  const entries = (totalSectors - RESERVED_SECTORS) / sectorsPerCluster + FIRST_CLUSTER
  // Exact but for rounding, as only whole clusters count.
  let fatSectors = Math.max(1, Math.ceil(entries / (ENTRIES_PER_SECTOR + FATS / sectorsPerCluster)) - 1)
  const suffice = () =>
    clusterCount(totalSectors, sectorsPerCluster, fatSectors) + FIRST_CLUSTER <=
    fatSectors * ENTRIES_PER_SECTOR
  while (!suffice()) fatSectors++
  return fatSectors
}

/** Bytes of a cluster. */
export function clusterSizeOf({ sectorsPerCluster, sectorSize }: Geometry): number {
  return sectorsPerCluster * sectorSize
}

/** Byte offset from the start of the volume of FAT number `copy`, from 0. */
export function fatOffset({ reservedSectors, fatSectors, sectorSize }: Geometry, copy: number): number {
  return (reservedSectors + copy * fatSectors) * sectorSize
}

/** Byte offset from the start of the volume of the root directory that FAT12 and FAT16 have. */
export function rootOffset(geometry: Geometry): number {
  return fatOffset(geometry, geometry.fats)
}

/** Sectors that the root directory of FAT12 and FAT16 takes. */
export function rootSectors({
  rootEntries,
  sectorSize,
}: Pick<Geometry, 'rootEntries' | 'sectorSize'>): number {
  return Math.ceil((rootEntries * DirEntry.size) / sectorSize)
}

/** Byte offset from the start of the volume of a cluster. */
export function clusterOffset(geometry: Geometry, cluster: number): number {
  const dataStart = rootOffset(geometry) + rootSectors(geometry) * geometry.sectorSize
  return dataStart + (cluster - FIRST_CLUSTER) * clusterSizeOf(geometry)
}
