import { DirEntry, FIRST_CLUSTER, type FatType } from './format.ts'

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
