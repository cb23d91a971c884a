import type { Timestamp } from '../file-tree/entry.ts'
import { toDisplay, toText, type ByteString } from '../lib/byte-string.ts'
import { DoesNotFitError, SpecError } from '../lib/errors.ts'
import { entryError, type FatEntry, type FatFile } from './entries.ts'
import { DirEntry, FIRST_CLUSTER, MAX_DIR_ENTRIES, MAX_FILE_SIZE } from './format.ts'
import { clusterSizeOf, planGeometry, type Geometry } from './geometry.ts'
import { longEntryCount } from './long-name.ts'
import { caseKey, labelProblem, nameProblem, storedNames, type StoredName } from './names.ts'

/** A FAT32 volume as it was asked for. */
export interface Fat32Request {
  /** Bytes of the partition, a multiple of 512. */
  size: number
  /** Sectors of 512 bytes before the partition. */
  hiddenSectors: number
  /** At most 11 characters, '' for none; see {@link labelProblem}. */
  label: string
  /** 32 bits. */
  volumeId: number
  /** Of the volume label and of directories that are only implied by what lies in them. */
  time: Timestamp
  /** Bytes; by the usual table when not given. */
  clusterSize?: number
  /** Each path once; directories may come after what lies in them, or not at all. */
  entries: readonly FatEntry[]
}

/** A run of clusters; `count` 0 means none, and then `first` is 0, too. */
export interface ClusterRun {
  first: number
  count: number
}

export interface PlannedDirectory {
  type: 'directory'
  path: ByteString
  time: Timestamp
  /** Undefined for the root. */
  parent: PlannedDirectory | undefined
  children: PlannedChild[]
  run: ClusterRun
}

export interface PlannedFile {
  type: 'file'
  path: ByteString
  time: Timestamp
  file: FatFile
  run: ClusterRun
}

export interface PlannedChild {
  node: PlannedDirectory | PlannedFile
  name: StoredName
}

/** A FAT32 volume with everything decided. Clusters are taken in order: root, other directories, files. */
export interface Fat32Layout {
  geometry: Geometry
  hiddenSectors: number
  label: string
  volumeId: number
  time: Timestamp
  /** The root first. */
  directories: PlannedDirectory[]
  files: PlannedFile[]
  /** The first cluster that is free, as are all after it. */
  nextFree: number
}

/**
 * Decides names and places of all that goes onto a FAT32 volume.
 *
 * @throws InputError naming the entry whose name is impossible, equals another's but for case, or whose
 *   content has 4 GiB or more
 * @throws DoesNotFitError when the partition is too small for FAT32 or for the content
 * @throws SpecError for an impossible label
 */
export function planFat32(request: Fat32Request): Fat32Layout {
  const { size, hiddenSectors, label, volumeId, time, clusterSize, entries } = request
  const problem = labelProblem(label)
  if (problem) throw new SpecError([{ path: 'label', message: `${JSON.stringify(label)} ${problem}` }])
  const geometry = planGeometry(size, { clusterSize })
  const { directories, files } = buildTree(entries, time)
  const nextFree = allocate(geometry, directories, files, label !== '')
  return { geometry, hiddenSectors, label, volumeId, time, directories, files, nextFree }
}

function buildTree(
  entries: readonly FatEntry[],
  time: Timestamp,
): { directories: PlannedDirectory[]; files: PlannedFile[] } {
  const root: PlannedDirectory = directory('', time, undefined)
  const nodes = new Map<ByteString, PlannedDirectory | PlannedFile>([['', root]])
  const directories = [root]
  const files: PlannedFile[] = []
  const members = new Map<PlannedDirectory, Map<string, PlannedChild['node']>>()

  const join = (node: PlannedDirectory | PlannedFile, parent: PlannedDirectory, entry: FatEntry) => {
    const name = baseName(node.path)
    const problem = nameProblem(name)
    if (problem) throw entryError(`its name ${JSON.stringify(toDisplay(name))} ${problem}`, entry)
    const siblings = members.get(parent) ?? new Map<string, PlannedChild['node']>()
    members.set(parent, siblings)
    const key = caseKey(toText(name)!)
    const same = siblings.get(key)
    if (same) {
      const other = JSON.stringify(toDisplay(same.path))
      const own = JSON.stringify(toDisplay(node.path))
      throw entryError(`${own} and ${other} differ only in case, which FAT32 ignores`, entry)
    }
    siblings.set(key, node)
    nodes.set(node.path, node)
  }

  const directoryAt = (path: ByteString, entry: FatEntry): PlannedDirectory => {
    const found = nodes.get(path)
    if (found?.type === 'directory') return found
    if (found) throw entryError(`${JSON.stringify(toDisplay(path))} is a file, not a directory`, entry)
    const parent = directoryAt(parentPath(path), entry)
    const made = directory(path, time, parent)
    join(made, parent, entry)
    directories.push(made)
    return made
  }

  for (const entry of entries) {
    if (entry.type === 'directory') {
      directoryAt(entry.path, entry).time = entry.mtime
      continue
    }
    if (nodes.has(entry.path)) throw entryError('is there twice', entry)
    if (entry.size > MAX_FILE_SIZE) {
      throw entryError(`has ${entry.size} bytes, but a FAT32 file has at most ${MAX_FILE_SIZE}`, entry)
    }
    const { path, mtime } = entry
    const file: PlannedFile = { type: 'file', path, time: mtime, file: entry, run: { first: 0, count: 0 } }
    join(file, directoryAt(parentPath(path), entry), entry)
    files.push(file)
  }

  for (const [parent, siblings] of members) {
    const children = [...siblings.values()]
    const names = storedNames(children.map(({ path }) => baseName(path)))
    parent.children = children.map((node, i) => ({ node, name: names[i] }))
  }
  return { directories, files }
}

function directory(
  path: ByteString,
  time: Timestamp,
  parent: PlannedDirectory | undefined,
): PlannedDirectory {
  return { type: 'directory', path, time, parent, children: [], run: { first: 0, count: 0 } }
}

const baseName = (path: ByteString) => path.slice(path.lastIndexOf('/') + 1)
const parentPath = (path: ByteString) => path.slice(0, Math.max(0, path.lastIndexOf('/')))

/** Gives out clusters in order. @returns the next free one */
function allocate(
  geometry: Geometry,
  directories: readonly PlannedDirectory[],
  files: readonly PlannedFile[],
  hasLabel: boolean,
): number {
  const clusterSize = clusterSizeOf(geometry)
  let next = FIRST_CLUSTER
  let firstOutside: ByteString | undefined
  const take = (node: PlannedDirectory | PlannedFile, bytes: number) => {
    const count = Math.ceil(bytes / clusterSize)
    node.run = { first: count === 0 ? 0 : next, count }
    next += count
    if (next > FIRST_CLUSTER + geometry.clusters) firstOutside ??= node.path
  }
  for (const one of directories) {
    const count = entryCount(one, hasLabel)
    if (count > MAX_DIR_ENTRIES) {
      throw entryError(
        `the directory needs ${count} records for its names, but a FAT32 directory has at most ${MAX_DIR_ENTRIES}`,
        one,
      )
    }
    // Even an empty root has a cluster.
    take(one, Math.max(1, count) * DirEntry.size)
  }
  for (const one of files) take(one, one.file.size)
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
  // The root has the label, the others have '.' and '..'.
  const own = parent ? 2 : hasLabel ? 1 : 0
  return children.reduce(
    (sum, { name: { long } }) => sum + 1 + (long === undefined ? 0 : longEntryCount(long)),
    own,
  )
}
