import type { Timestamp } from '../../file-tree/entry.ts'
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { DoesNotFitError, SpecError } from '../../lib/errors.ts'
import { floppyOf, type Floppy } from '../cluster-tables.ts'
import type { CodePage } from '../code-page.ts'
import { DirEntry, FIRST_CLUSTER, MAX_DIR_ENTRIES, MEDIA_FIXED_DISK, SECTOR_SIZE } from '../format.ts'
import { clusterSizeOf, type Geometry } from '../geometry.ts'
import { longEntryCount, MAX_NAME_ENTRIES } from '../long-name.ts'
import { labelProblem } from '../names.ts'
import { FAT_TITLES, fitGeometry, largestCapacity, planGeometry, type FatShape } from '../plan-geometry.ts'
import { entryError, placeOf } from './content.ts'
import {
  planTree,
  type FatTree,
  type PlannedChild,
  type PlannedDirectory,
  type PlannedFile,
  type PlannedTree,
} from './plan-tree.ts'

/** A FAT volume to be planned. */
export interface FatRequest extends FatTree, FatShape {
  /** Bytes of the partition, a multiple of the sector size; `fit`: as few as hold the content. */
  size: number | 'fit'
  /** Bytes that must be free in the end. Default: 0. */
  slack?: number | undefined
  /** Sectors before the partition. */
  hiddenSectors: number
  /** At most 11 characters, '' for none; see {@link labelProblem}. */
  label: string
  /** 32 bits. */
  volumeId: number
  /** At most 8 characters. Default: `MSWIN4.1`, which FATGEN recommends, as some drivers check it. */
  oemName?: string | undefined
  /** Default: that of a floppy disk of this size, if it can be one; else MEDIA_FIXED_DISK. */
  media?: number | undefined
  /** Of the BIOS. Default: 0x80, but 0 when the media byte is not that of a fixed disk. */
  driveNumber?: number | undefined
  /** Of short names. Default: what is not ASCII becomes `_`. */
  codePage?: CodePage | undefined
  /** Time of the volume label and of the root. */
  time: Timestamp
}

/** Fields of the boot sector that do not follow from the areas. */
export interface BootFields {
  oemName: string
  media: number
  driveNumber: number
  sectorsPerTrack: number
  heads: number
  hiddenSectors: number
}

/** A FAT volume with everything decided. Clusters are allocated in order: root (of FAT32), other directories, files. */
export interface FatLayout extends PlannedTree {
  geometry: Geometry
  boot: BootFields
  label: string
  volumeId: number
  time: Timestamp
  /** The first free cluster; all clusters after it are free, too. */
  nextFree: number
}

/**
 * Decides the size, names and clusters of everything on a FAT volume.
 *
 * @throws InputError naming an entry that FAT cannot hold, see planTree, or a directory that is too large
 * @throws DoesNotFitError when the partition is too small or large for the type, or too small for the content
 * @throws SpecError for an impossible label
 */
export function planFat(request: FatRequest): FatLayout {
  const { type, size, label, volumeId, time, codePage, places } = request
  const problem = labelProblem(label)
  if (problem) throw new SpecError([{ path: 'label', message: `${JSON.stringify(label)} ${problem}` }])
  const { shape, floppy } = withFloppy(request)
  const given = size === 'fit' ? undefined : planGeometry(size, shape)
  const limit = given === undefined ? largestCapacity(shape) : capacityOf(given)
  const tree = planTree(request, { time, codePage, onCopy: copyLimit(type, limit) })
  const demand = new Demand(tree, { hasLabel: label !== '', hasRootCluster: type === 'fat32' })
  for (const directory of tree.directories) demand.refuseTooLarge(directory, type, places)
  const { slack = 0 } = request
  const geometry = given ?? fitGeometry(shape, (clusterSize) => demand.clusters(clusterSize, slack))
  if (geometry.rootEntries > 0) demand.refuseFullRoot(geometry, places)
  const nextFree = demand.allocate(geometry, slack)
  return { geometry, boot: bootFields(request, floppy), label, volumeId, time, ...tree, nextFree }
}

/** A FAT12 that has the size of a floppy disk, and is in no partition, gets what such disks have. */
function withFloppy(request: FatRequest): { shape: FatShape; floppy: Floppy | undefined } {
  const { type, size, hiddenSectors, sectorSize = SECTOR_SIZE } = request
  const isAlone = type === 'fat12' && hiddenSectors === 0 && sectorSize === SECTOR_SIZE
  const floppy = isAlone && size !== 'fit' ? floppyOf(size) : undefined
  const { clusterSize, clusterTable, rootEntries, reservedSectors, fats } = request
  return {
    shape: {
      ...{ type, sectorSize, clusterTable, reservedSectors, fats },
      clusterSize: clusterSize ?? floppy?.clusterSize,
      rootEntries: rootEntries ?? floppy?.rootEntries,
    },
    floppy,
  }
}

function bootFields(request: FatRequest, floppy: Floppy | undefined): BootFields {
  const { oemName = 'MSWIN4.1', hiddenSectors } = request
  const media = request.media ?? floppy?.media ?? MEDIA_FIXED_DISK
  return {
    oemName,
    media,
    driveNumber: request.driveNumber ?? (media === MEDIA_FIXED_DISK ? 0x80 : 0),
    // The geometry of the CHS addresses in the partition table, if it is no floppy disk.
    sectorsPerTrack: floppy?.sectorsPerTrack ?? 63,
    heads: floppy?.heads ?? 255,
    hiddenSectors,
  }
}

function capacityOf(geometry: Geometry): { clusterSize: number; capacity: number } {
  const clusterSize = clusterSizeOf(geometry)
  return { clusterSize, capacity: geometry.clusters * clusterSize }
}

/**
 * Adds up the clusters of copies, and ends when there are not as many: symlinks to directories with symlinks ask for more
 * than any volume, or memory, has room for.
 */
function copyLimit(
  type: FatShape['type'],
  { clusterSize, capacity }: { clusterSize: number; capacity: number },
): (copy: PlannedDirectory | PlannedFile) => void {
  let needed = 0
  return (copy) => {
    const bytes = copy.type === 'directory' ? clusterSize : copy.content.size
    needed += DirEntry.size + Math.ceil(bytes / clusterSize) * clusterSize
    if (needed <= capacity) return
    const where = quote(copy.path)
    throw new DoesNotFitError(
      `what symlinks lead to, up to the copy ${where} in the ${FAT_TITLES[type]} file system,`,
      {
        needed,
        available: capacity,
      },
    )
  }
}

/** What a tree takes on a volume. */
class Demand {
  readonly #tree: PlannedTree
  readonly #hasLabel: boolean
  readonly #hasRootCluster: boolean

  constructor(
    tree: PlannedTree,
    { hasLabel, hasRootCluster }: { hasLabel: boolean; hasRootCluster: boolean },
  ) {
    this.#tree = tree
    this.#hasLabel = hasLabel
    this.#hasRootCluster = hasRootCluster
  }

  /** @throws InputError when a directory has more records than any */
  refuseTooLarge(directory: PlannedDirectory, type: FatShape['type'], places: FatTree['places']): void {
    const count = this.#records(directory)
    if (count <= MAX_DIR_ENTRIES) return
    const { path, treePath, node } = directory
    throw entryError(
      `the directory ${quote(path)} needs ${count} records for its names, ` +
        `but a ${FAT_TITLES[type]} directory has at most ${MAX_DIR_ENTRIES}`,
      placeOf(treePath, node, places),
    )
  }

  /** @throws InputError when the root directory of FAT12 or FAT16 has no room for one of its entries */
  refuseFullRoot({ type, rootEntries }: Geometry, places: FatTree['places']): void {
    const [root] = this.#tree.directories
    const needed = this.#records(root)
    if (needed <= rootEntries) return
    let count = this.#ownRecords(root)
    const { node } = root.children.find((child) => (count += recordsOf(child)) > rootEntries)!
    throw entryError(
      `does not fit into the root directory, which has ${rootEntries} records in this ${FAT_TITLES[type]} and needs ` +
        `${needed}, several for a long name; "rootEntries" makes it larger`,
      node.type === 'file' ? node.place : placeOf(node.treePath, node.node, places),
    )
  }

  /** Clusters of all content, and of as much more. */
  clusters(clusterSize: number, slack: number): number {
    const sum = [...this.#nodes()].reduce((sum, [, bytes]) => sum + Math.ceil(bytes / clusterSize), 0)
    return sum + this.#slackClusters(clusterSize, slack)
  }

  /**
   * Allocates clusters in order.
   *
   * @returns the next free one
   * @throws DoesNotFitError when there are not enough, or not as many free ones as there must be
   */
  allocate(geometry: Geometry, slack: number): number {
    const { clusterSize, capacity: available } = capacityOf(geometry)
    const end = FIRST_CLUSTER + geometry.clusters
    const what = `the content of the ${FAT_TITLES[geometry.type]} file system`
    let next = FIRST_CLUSTER
    let firstOutside: ByteString | undefined
    for (const [node, bytes] of this.#nodes()) {
      const count = Math.ceil(bytes / clusterSize)
      node.run = { first: count === 0 ? 0 : next, count }
      next += count
      if (next > end) firstOutside ??= node.path
    }
    const needed = (next - FIRST_CLUSTER) * clusterSize
    if (firstOutside !== undefined) {
      throw new DoesNotFitError(`${what}, from entry ${quote(firstOutside)} on,`, { needed, available })
    }
    const free = this.#slackClusters(clusterSize, slack)
    if (next + free > end) {
      throw new DoesNotFitError(`${what}, with ${slack} bytes of slack,`, {
        needed: needed + free * clusterSize,
        available,
      })
    }
    return next
  }

  /** Directories and files in the order of their clusters, with the bytes that must lie in some. */
  *#nodes(): Iterable<[PlannedDirectory | PlannedFile, number]> {
    const { directories, files } = this.#tree
    for (const directory of directories) {
      const isFixed = directory.parent === undefined && !this.#hasRootCluster
      // Even an empty root has a cluster.
      yield [directory, isFixed ? 0 : Math.max(1, this.#records(directory)) * DirEntry.size]
    }
    for (const file of files) yield [file, file.content.size]
  }

  /** Slack is for files: the root directory must have room for the longest name of one, or a cluster to grow by. */
  #slackClusters(clusterSize: number, slack: number): number {
    const count = Math.ceil(slack / clusterSize)
    if (count === 0 || !this.#hasRootCluster) return count
    const bytes = Math.max(1, this.#records(this.#tree.directories[0])) * DirEntry.size
    const longest = MAX_NAME_ENTRIES * DirEntry.size
    return count + Math.ceil((bytes + longest) / clusterSize) - Math.ceil(bytes / clusterSize)
  }

  #records(directory: PlannedDirectory): number {
    return directory.children.reduce((sum, child) => sum + recordsOf(child), this.#ownRecords(directory))
  }

  /** The root has the label, all others have '.' and '..'. */
  #ownRecords({ parent }: PlannedDirectory): number {
    if (parent !== undefined) return 2
    return this.#hasLabel ? 1 : 0
  }
}

function recordsOf({ name: { long } }: PlannedChild): number {
  return 1 + (long === undefined ? 0 : longEntryCount(long))
}

const quote = (path: ByteString) => JSON.stringify(toDisplay(path))
