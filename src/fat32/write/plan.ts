import type { Timestamp } from '../../file-tree/entry.ts'
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { DoesNotFitError, SpecError } from '../../lib/errors.ts'
import { entryError, placeOf } from './content.ts'
import { DirEntry, FIRST_CLUSTER, MAX_DIR_ENTRIES } from '../format.ts'
import { clusterSizeOf, planGeometry, type Geometry } from '../geometry.ts'
import { longEntryCount } from '../long-name.ts'
import { labelProblem } from '../names.ts'
import {
  planTree,
  type FatTree,
  type PlannedDirectory,
  type PlannedFile,
  type PlannedTree,
} from './plan-tree.ts'

/** A FAT32 volume to be planned. */
export interface Fat32Request extends FatTree {
  /** Bytes of the partition, a multiple of 512. */
  size: number
  /** Sectors of 512 bytes before the partition. */
  hiddenSectors: number
  /** At most 11 characters, '' for none; see {@link labelProblem}. */
  label: string
  /** 32 bits. */
  volumeId: number
  /** Time of the volume label and of the root. */
  time: Timestamp
  /** Bytes; default: by the table of FATGEN. */
  clusterSize?: number
}

/** A FAT32 volume with everything decided. Clusters are allocated in order: root, other directories, files. */
export interface Fat32Layout extends PlannedTree {
  geometry: Geometry
  hiddenSectors: number
  label: string
  volumeId: number
  time: Timestamp
  /** The first free cluster; all clusters after it are free, too. */
  nextFree: number
}

/**
 * Decides the names and clusters of everything on a FAT32 volume.
 *
 * @throws InputError naming an entry that FAT32 cannot hold, see planTree, or a directory that is too large
 * @throws DoesNotFitError when the partition is too small for FAT32 or for the content
 * @throws SpecError for an impossible label
 */
export function planFat32(request: Fat32Request): Fat32Layout {
  const { size, hiddenSectors, label, volumeId, time, clusterSize, places } = request
  const problem = labelProblem(label)
  if (problem) throw new SpecError([{ path: 'label', message: `${JSON.stringify(label)} ${problem}` }])
  const geometry = planGeometry(size, { clusterSize })
  const { directories, files } = planTree(request, { time, onCopy: copyLimit(geometry) })
  for (const directory of directories) refuseTooLarge(directory, label !== '', places)
  const nextFree = allocate(geometry, directories, files, label !== '')
  return { geometry, hiddenSectors, label, volumeId, time, directories, files, nextFree }
}

/**
 * Adds up the clusters of copies, and ends when there are not as many: symlinks to directories with symlinks ask for more
 * than any volume, or memory, has room for.
 */
function copyLimit(geometry: Geometry): (copy: PlannedDirectory | PlannedFile) => void {
  const clusterSize = clusterSizeOf(geometry)
  const available = geometry.clusters * clusterSize
  let needed = 0
  return (copy) => {
    const bytes = copy.type === 'directory' ? clusterSize : copy.content.size
    needed += DirEntry.size + Math.ceil(bytes / clusterSize) * clusterSize
    if (needed <= available) return
    const where = JSON.stringify(toDisplay(copy.path))
    throw new DoesNotFitError(`what symlinks lead to, up to the copy ${where} in the FAT32 file system,`, {
      needed,
      available,
    })
  }
}

function refuseTooLarge(directory: PlannedDirectory, hasLabel: boolean, places: FatTree['places']): void {
  const count = entryCount(directory, hasLabel)
  if (count <= MAX_DIR_ENTRIES) return
  const { path, treePath, node } = directory
  throw entryError(
    `the directory ${JSON.stringify(toDisplay(path))} needs ${count} records for its names, ` +
      `but a FAT32 directory has at most ${MAX_DIR_ENTRIES}`,
    placeOf(treePath, node, places),
  )
}

/** Allocates clusters in order. @returns the next free one */
function allocate(
  geometry: Geometry,
  directories: readonly PlannedDirectory[],
  files: readonly PlannedFile[],
  hasLabel: boolean,
): number {
  const clusterSize = clusterSizeOf(geometry)
  let next = FIRST_CLUSTER
  let firstOutside: ByteString | undefined
  const allocateRun = (node: PlannedDirectory | PlannedFile, bytes: number) => {
    const count = Math.ceil(bytes / clusterSize)
    node.run = { first: count === 0 ? 0 : next, count }
    next += count
    if (next > FIRST_CLUSTER + geometry.clusters) firstOutside ??= node.path
  }
  for (const one of directories) {
    // Even an empty root has a cluster.
    allocateRun(one, Math.max(1, entryCount(one, hasLabel)) * DirEntry.size)
  }
  for (const one of files) allocateRun(one, one.content.size)
  if (firstOutside !== undefined) {
    const where = JSON.stringify(toDisplay(firstOutside))
    throw new DoesNotFitError(`the content of the FAT32 file system, from entry ${where} on,`, {
      needed: (next - FIRST_CLUSTER) * clusterSize,
      available: geometry.clusters * clusterSize,
    })
  }
  return next
}

function entryCount({ parent, children }: PlannedDirectory, hasLabel: boolean): number {
  // The root has the label, all others have '.' and '..'.
  const own = parent ? 2 : hasLabel ? 1 : 0
  return children.reduce(
    (sum, { name: { long } }) => sum + 1 + (long === undefined ? 0 : longEntryCount(long)),
    own,
  )
}
