/** The use of a FAT volume: by areas, clusters, directories and files. */
import { type LargeFile, type SizeNode, SizeTree } from '../../file-tree/size-tree.ts'
import { CorruptError } from '../../lib/errors.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import { type Occupancy, OccupancyCells } from '../../lib/occupancy.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { formatVolumeId } from '../../spec/notation/numbers.ts'
import { decodeBootSector, readBootBytes } from '../read/boot-sector.ts'
import { FatTable } from '../read/fat-table.ts'
import { FAT_FREE, FIRST_CLUSTER, type FatType } from '../format.ts'
import {
  clusterOffset,
  clusterSizeOf,
  fatOffset,
  type Geometry,
  rootOffset,
  rootSectors,
} from '../geometry.ts'
import type { FatReader } from '../read/reader.ts'

/** The states of a cluster that is not free. */
export type FatOccupant = 'used' | 'bad'

/** A part of the volume, in bytes from its start. */
export interface FatArea {
  kind: 'reserved' | 'FAT' | 'root directory' | 'data'
  start: number
  size: number
}

/** A FAT file system and the use of its space. */
export interface FatUsage {
  type: FatType
  label: string
  /** `1234-ABCD` */
  volumeId: string
  sectorSize: number
  clusterSize: number
  totalBytes: number
  /** Bytes of the clusters in use. */
  usedBytes: number
  freeBytes: number
  /** Bytes of all clusters. */
  dataBytes: number
  clusters: number
  usedClusters: number
  freeClusters: number
  badClusters: number
  areas: FatArea[]
  files: number
  /** Directories, without the root. */
  directoryCount: number
  /** Sum of the sizes of the files. */
  apparentBytes: number
  /** Use of the clusters of the data area. */
  occupancy: Occupancy<FatOccupant>
  /** The root directory, with the largest directories and files below it. */
  directories: SizeNode
  largestFiles: LargeFile[]
}

const CELLS = 800
const LARGEST_FILES = 40

/** Reads the FAT and all directories, and no content. `onFinding` is called with damage, which is left out. */
export function* fatUsage(volume: FatReader, { onFinding }: { onFinding: OnFinding }): ReadRoutine<FatUsage> {
  const { type, label, volumeId, geometry } = volume
  const { sectorSize, totalSectors, clusters } = geometry
  const clusterSize = clusterSizeOf(geometry)
  const counted = yield* countClusters(geometry, onFinding)
  const sizes = new SizeTree()
  const found = yield* walk(volume, sizes, { clusterSize, onFinding })
  const { usedClusters, badClusters, occupancy } = counted
  const freeClusters = clusters - usedClusters - badClusters
  return {
    type,
    label,
    volumeId: formatVolumeId(volumeId),
    sectorSize,
    clusterSize,
    totalBytes: totalSectors * sectorSize,
    usedBytes: usedClusters * clusterSize,
    freeBytes: freeClusters * clusterSize,
    dataBytes: clusters * clusterSize,
    clusters,
    usedClusters,
    freeClusters,
    badClusters,
    areas: areasOf(geometry),
    ...found,
    occupancy,
    directories: sizes.toTree(),
    largestFiles: sizes.largestFiles(LARGEST_FILES),
  }
}

function* countClusters(geometry: Geometry, onFinding: OnFinding) {
  const clusterSize = clusterSizeOf(geometry)
  const table = new FatTable(decodeBootSector(yield* readBootBytes()), onFinding)
  const cells = new OccupancyCells<FatOccupant>(geometry.clusters * clusterSize, CELLS)
  let usedClusters = 0
  let badClusters = 0
  for (let i = 0; i < geometry.clusters; i++) {
    const cluster = FIRST_CLUSTER + i
    const value = table.kept(cluster) ?? (yield* table.entry(cluster))
    if (value === FAT_FREE) continue
    const isBad = value === table.form.bad
    if (isBad) badClusters++
    else usedClusters++
    cells.add(isBad ? 'bad' : 'used', i * clusterSize, clusterSize)
  }
  return { usedClusters, badClusters, occupancy: cells.toOccupancy(['used', 'bad']) }
}

/** Adds up the sizes of all files. */
function* walk(
  volume: FatReader,
  sizes: SizeTree,
  { clusterSize, onFinding }: { clusterSize: number; onFinding: OnFinding },
) {
  const found = { files: 0, directoryCount: 0, apparentBytes: 0 }
  const seen = new Set([volume.root.ino])
  const open = [{ ref: volume.root, row: 0 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    try {
      for (const entry of yield* volume.list(next.ref)) {
        if (entry.type === 'directory') {
          found.directoryCount++
          // Damage could make a directory its own ancestor.
          if (seen.has(entry.ino)) continue
          seen.add(entry.ino)
          const row = sizes.newDirectory()
          sizes.place(row, next.row, entry.name)
          open.push({ ref: entry, row })
        } else {
          const { inode } = yield* volume.open(entry)
          const { size } = inode
          found.files++
          found.apparentBytes += size
          const storedBytes = Math.ceil(size / clusterSize) * clusterSize
          sizes.addFile(next.row, () => entry.name, { apparentBytes: size, contentBytes: size, storedBytes })
        }
      }
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error
      onFinding(findingOf(error))
    }
  }
  return found
}

function areasOf(geometry: Geometry): FatArea[] {
  const { sectorSize, fats, fatSectors, clusters } = geometry
  const area = (kind: FatArea['kind'], start: number, size: number) => ({ kind, start, size })
  const rootSize = rootSectors(geometry) * sectorSize
  return [
    area('reserved', 0, fatOffset(geometry, 0)),
    ...Array.from({ length: fats }, (_, i) => area('FAT', fatOffset(geometry, i), fatSectors * sectorSize)),
    ...(rootSize === 0 ? [] : [area('root directory', rootOffset(geometry), rootSize)]),
    area('data', clusterOffset(geometry, FIRST_CLUSTER), clusters * clusterSizeOf(geometry)),
  ]
}
