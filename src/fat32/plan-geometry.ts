/** Lays out FAT volumes: the areas of one of a given size, and of the smallest one that has room enough. */
import { DoesNotFitError } from '../lib/errors.ts'
import { type ClusterTable, tableClusterSize } from './cluster-tables.ts'
import {
  CLUSTER_LIMITS,
  DirEntry,
  FAT_ENTRY_FORMS,
  FIRST_CLUSTER,
  MAX_SECTOR_SIZE,
  SECTOR_SIZE,
  type FatType,
} from './format.ts'
import { rootSectors, type Geometry } from './geometry.ts'

/** What a FAT volume is to look like. What is left out is as formatters choose it. */
export interface FatShape {
  type: FatType
  /** Bytes: 512, 1024, 2048 or 4096. Default: 512. */
  sectorSize?: number | undefined
  /** Bytes, a power of two from one sector to 65536. Default: by `clusterTable`. */
  clusterSize?: number | undefined
  /** Default: `mkfs.fat`. */
  clusterTable?: ClusterTable | undefined
  /** Sectors before the first FAT. Default: 32 in FAT32, else 1. */
  reservedSectors?: number | undefined
  /** Number of FATs. Default: 2. */
  fats?: number | undefined
  /** Records of the root directory of FAT12 and FAT16, which fill whole sectors. Default: 512. */
  rootEntries?: number | undefined
}

/** Bytes that volumes of a shape can have. */
export interface FatSizeRange {
  least: number
  largest: number
}

export const FAT_TITLES: Readonly<Record<FatType, string>> = {
  fat12: 'FAT12',
  fat16: 'FAT16',
  fat32: 'FAT32',
}
export const DEFAULT_RESERVED_SECTORS: Readonly<Record<FatType, number>> = { fat12: 1, fat16: 1, fat32: 32 }
/** FAT32 has the boot sector and FSInfo in sectors 0 and 1, and their copies in sectors 6 and 7. */
export const MIN_RESERVED_SECTORS: Readonly<Record<FatType, number>> = { fat12: 1, fat16: 1, fat32: 8 }
export const DEFAULT_ROOT_ENTRIES = 512
export const MAX_CLUSTER_SIZE = 65536
const MAX_TOTAL_SECTORS = 2 ** 32 - 1

/**
 * Clusters that a volume is written with. A FAT16 has two more than it must: Windows and mtools take one of 4085 or 4086
 * for FAT12, and then all its chains are wrong. (dosfstools: MIN_CLUST_16)
 */
const WRITTEN_LIMITS: typeof CLUSTER_LIMITS = {
  ...CLUSTER_LIMITS,
  fat16: { ...CLUSTER_LIMITS.fat16, min: 4087 },
}

/** A shape with everything decided but the cluster size. */
type Frame = Required<{ [Key in Exclude<keyof FatShape, 'clusterSize'>]: NonNullable<FatShape[Key]> }>

function frameOf({ type, ...shape }: FatShape): Frame {
  const { sectorSize = SECTOR_SIZE, clusterTable = 'mkfs.fat', fats = 2 } = shape
  const { reservedSectors = DEFAULT_RESERVED_SECTORS[type] } = shape
  const rootEntries = type === 'fat32' ? 0 : (shape.rootEntries ?? DEFAULT_ROOT_ENTRIES)
  const expect = (sound: boolean, expected: string, found: number) => {
    if (!sound) throw new RangeError(`expected ${expected}, found ${found}`)
  }
  const isSectorSize = isPowerOfTwo(sectorSize) && sectorSize >= SECTOR_SIZE && sectorSize <= MAX_SECTOR_SIZE
  expect(isSectorSize, `sectors of 512, 1024, 2048 or ${MAX_SECTOR_SIZE} bytes`, sectorSize)
  const { [type]: least } = MIN_RESERVED_SECTORS
  const isReserved =
    Number.isInteger(reservedSectors) && reservedSectors >= least && reservedSectors <= 0xffff
  expect(isReserved, `from ${least} to 65535 reserved sectors`, reservedSectors)
  expect(fats === 1 || fats === 2, '1 or 2 FATs', fats)
  const perSector = sectorSize / DirEntry.size
  const isRoot =
    rootEntries % perSector === 0 && rootEntries <= 0xffff && (rootEntries > 0 || type === 'fat32')
  expect(isRoot, `a multiple of ${perSector} records in the root directory, at most 65535`, rootEntries)
  return { type, sectorSize, clusterTable, reservedSectors, fats, rootEntries }
}

/**
 * Lays out a volume of a given size, with FATs of as many sectors as they need.
 *
 * @param size bytes, a multiple of the sector size
 * @throws DoesNotFitError when there are too few or too many clusters for the type
 * @throws RangeError for a size that is no multiple of a sector, and for impossible shapes
 */
export function planGeometry(size: number, shape: FatShape): Geometry {
  const frame = frameOf(shape)
  const { type, sectorSize } = frame
  if (!Number.isSafeInteger(size) || size < 0 || size % sectorSize !== 0) {
    throw new RangeError(`expected a multiple of ${sectorSize} bytes, found ${size}`)
  }
  const { least, largest } = rangeOf(frame, shape.clusterSize)
  const ofClusters = shape.clusterSize === undefined ? '' : ` with clusters of ${shape.clusterSize} bytes`
  const what = `a ${FAT_TITLES[type]} file system${ofClusters}`
  if (size < least) throw new DoesNotFitError(what, { needed: least, available: size })
  if (size > largest)
    throw new DoesNotFitError(`a partition in ${what}`, { needed: size, available: largest })
  return areasOf(size / sectorSize, shape.clusterSize ?? chooseClusterSize(size, frame), frame)
}

/** The sizes between which there is a volume of this shape, whatever its content is. */
export function fatSizeRange(shape: FatShape): FatSizeRange {
  return rangeOf(frameOf(shape), shape.clusterSize)
}

/** Clusters of a volume of this size and shape, whether the type has as many or not; and what the type has. */
export function clusterCountOf(
  size: number,
  shape: FatShape & { clusterSize: number },
): { clusters: number; least: number; largest: number } {
  const frame = frameOf(shape)
  const { clusters } = areasOf(Math.floor(size / frame.sectorSize), shape.clusterSize, frame)
  const { min, max } = WRITTEN_LIMITS[shape.type]
  return { clusters, least: min, largest: max }
}

/**
 * The least size at which a volume has room for its content.
 *
 * The cluster size is that of the table for the size which it leads to. A volume with content for fewer clusters than its
 * type has gets smaller ones, as it is smaller then.
 *
 * @param clustersFor clusters that the content takes when they have this size
 * @returns bytes
 * @throws DoesNotFitError when no volume of this shape is large enough
 */
export function fitGeometry(shape: FatShape, clustersFor: (clusterSize: number) => number): Geometry {
  const frame = frameOf(shape)
  const { type, sectorSize, clusterTable } = frame
  const { min, max } = WRITTEN_LIMITS[type]
  const sizeFor = (clusterSize: number) => {
    const clusters = Math.max(min, clustersFor(clusterSize))
    return clusters > max ? Infinity : sectorsFor(clusters, clusterSize, frame) * sectorSize
  }
  const isPossible = (size: number) => size / sectorSize <= MAX_TOTAL_SECTORS
  const candidates = shape.clusterSize === undefined ? clusterSizes(sectorSize) : [shape.clusterSize]
  let chosen = candidates.find((clusterSize) => {
    const size = sizeFor(clusterSize)
    if (!isPossible(size)) return false
    return (
      candidates.length === 1 || tableClusterSize(clusterTable, { type, size, sectorSize }) <= clusterSize
    )
  })
  chosen ??= candidates.findLast((clusterSize) => isPossible(sizeFor(clusterSize)))
  if (chosen === undefined) {
    const largest = candidates.at(-1)!
    throw new DoesNotFitError(`the content of the ${FAT_TITLES[type]} file system`, {
      needed: clustersFor(largest) * largest,
      available: Math.min(max * largest, MAX_TOTAL_SECTORS * sectorSize),
    })
  }
  if (shape.clusterSize === undefined) {
    while (chosen > sectorSize && clustersFor(chosen) < min) chosen /= 2
  }
  return areasOf(sizeFor(chosen) / sectorSize, chosen, frame)
}

/** Bytes of the clusters of the largest volume of this shape, and the unit in which files take them at the least. */
export function largestCapacity(shape: FatShape): { clusterSize: number; capacity: number } {
  const { type, sectorSize } = frameOf(shape)
  const largest = shape.clusterSize ?? MAX_CLUSTER_SIZE
  const capacity = Math.min(WRITTEN_LIMITS[type].max * largest, MAX_TOTAL_SECTORS * sectorSize)
  return { clusterSize: shape.clusterSize ?? sectorSize, capacity }
}

/** All cluster sizes, the smallest first. */
function clusterSizes(sectorSize: number): number[] {
  const sizes = []
  for (let size = sectorSize; size <= MAX_CLUSTER_SIZE; size *= 2) sizes.push(size)
  return sizes
}

function rangeOf(frame: Frame, clusterSize: number | undefined): FatSizeRange {
  const { type, sectorSize } = frame
  if (clusterSize !== undefined) {
    const isSize = isPowerOfTwo(clusterSize) && clusterSize >= sectorSize && clusterSize <= MAX_CLUSTER_SIZE
    if (!isSize) {
      throw new RangeError(
        `expected a power of two from ${sectorSize} to ${MAX_CLUSTER_SIZE}, found ${clusterSize}`,
      )
    }
  }
  const { min, max } = WRITTEN_LIMITS[type]
  const largestCluster = clusterSize ?? MAX_CLUSTER_SIZE
  // A part of a cluster at the end has no number.
  const rest = largestCluster / sectorSize - 1
  const largest = Math.min(MAX_TOTAL_SECTORS, sectorsFor(max, largestCluster, frame) + rest)
  return {
    least: sectorsFor(min, clusterSize ?? sectorSize, frame) * sectorSize,
    largest: largest * sectorSize,
  }
}

/** That of the table, or the nearest with which there are neither too many clusters for the type nor too few. */
function chooseClusterSize(size: number, frame: Frame): number {
  const { type, sectorSize, clusterTable } = frame
  const { min, max } = WRITTEN_LIMITS[type]
  const clustersOf = (clusterSize: number) => areasOf(size / sectorSize, clusterSize, frame).clusters
  const inTable = tableClusterSize(clusterTable, { type, size, sectorSize })
  let clusterSize = Math.min(Math.max(inTable, sectorSize), MAX_CLUSTER_SIZE)
  while (clusterSize > sectorSize && clustersOf(clusterSize) < min) clusterSize /= 2
  while (clusterSize < MAX_CLUSTER_SIZE && clustersOf(clusterSize) > max) clusterSize *= 2
  return clusterSize
}

function areasOf(totalSectors: number, clusterSize: number, frame: Frame): Geometry {
  const { type, sectorSize, reservedSectors, fats, rootEntries } = frame
  const sectorsPerCluster = clusterSize / sectorSize
  const sectors = totalSectors - reservedSectors - rootSectors(frame)
  const clustersWith = (fatSectors: number) => Math.floor((sectors - fats * fatSectors) / sectorsPerCluster)
  // The smallest FATs that suffice: the larger they are, the fewer clusters they must describe. The first guess is exact
  // but for rounding, as only whole clusters and bytes count.
  const entriesPerSector = (8 * sectorSize) / FAT_ENTRY_FORMS[type].bits
  const entries = sectors / sectorsPerCluster + FIRST_CLUSTER
  let fatSectors = Math.max(1, Math.ceil(entries / (entriesPerSector + fats / sectorsPerCluster)) - 2)
  while (fatSectorsOf(clustersWith(fatSectors), frame) > fatSectors) fatSectors++
  return {
    type,
    sectorSize,
    totalSectors,
    sectorsPerCluster,
    reservedSectors,
    fats,
    fatSectors,
    rootEntries,
    clusters: clustersWith(fatSectors),
  }
}

/** Sectors of a FAT for as many clusters. */
function fatSectorsOf(clusters: number, { type, sectorSize }: Pick<Frame, 'type' | 'sectorSize'>): number {
  return Math.ceil(Math.ceil(((clusters + FIRST_CLUSTER) * FAT_ENTRY_FORMS[type].bits) / 8) / sectorSize)
}

/** Sectors of a volume of as many clusters. */
function sectorsFor(clusters: number, clusterSize: number, frame: Frame): number {
  const { sectorSize, reservedSectors, fats } = frame
  const tables = reservedSectors + fats * fatSectorsOf(clusters, frame) + rootSectors(frame)
  return tables + (clusters * clusterSize) / sectorSize
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value))
}
