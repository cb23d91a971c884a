/** Walks all directories and claims the clusters of their entries. */
import { fromBytes, fromText, type ByteString } from '../../lib/byte-string.ts'
import { CorruptError } from '../../lib/errors.ts'
import { mismatch, findingOf } from '../../lib/finding.ts'
import { decodeChecked, readExactly, type ReadRoutine } from '../../lib/read-routine.ts'
import { Chain } from '../read/chain.ts'
import { isLongNameEntry, shortNameText } from '../read/directory.ts'
import {
  ATTR_DIRECTORY,
  ATTR_VOLUME_ID,
  BootSector,
  DirEntry,
  FAT_FREE,
  FIRST_CLUSTER,
  LongNameEntry,
  MAX_DIR_ENTRIES,
  NAME_DELETED,
  NAME_END,
  NT_NO_SHORT_NAME,
} from '../format.ts'
import { clusterOffset, clusterSizeOf, rootOffset } from '../geometry.ts'
import { firstClusterOf } from '../read/reader.ts'
import { ClusterSet } from './cluster-set.ts'
import { quote, type Check } from './context.ts'
import type { LabelRecord } from './label.ts'
import { LongNames, ShortNames } from './names.ts'

/** A directory whose clusters are claimed and whose records are not checked yet. */
interface Directory {
  path: ByteString
  /** 0: the root. */
  cluster: number
  parent: number
  clusters: number[]
}

interface Walk extends Check {
  used: ClusterSet
  open: Directory[]
  label: LabelRecord | undefined
}

export function* checkTree(check: Check): ReadRoutine<{ used: ClusterSet; label: LabelRecord | undefined }> {
  const { geometry, boot32 } = check
  const used = new ClusterSet(FIRST_CLUSTER + geometry.clusters)
  const walk: Walk = { ...check, used, open: [], label: undefined }
  const root = { path: '', cluster: 0, parent: 0 }
  if (boot32 === undefined) {
    yield* checkDirectory(walk, { ...root, clusters: [] })
  } else {
    const offset = BootSector.offsetOf('rootCluster')
    const clusters = yield* claimDirectory(walk, boot32.rootCluster, { what: 'root directory', offset })
    yield* checkDirectory(walk, { ...root, clusters })
  }
  for (let next = walk.open.pop(); next; next = walk.open.pop()) yield* checkDirectory(walk, next)
  return { used, label: walk.label }
}

/**
 * Claims the clusters of a chain, which belong to nothing else.
 *
 * @param maxClusters the longest chain that is allowed
 * @param into the clusters are added to it
 * @returns the number of clusters
 */
function* claim(
  { fat, used, onFinding }: Walk,
  first: number,
  { what, offset, maxClusters, into }: { what: string; offset: number; maxClusters: number; into?: number[] },
): ReadRoutine<number> {
  let count = 0
  let last: number | undefined
  const fault = (expected: string, found: string) => {
    const place = last === undefined ? offset : fat.offsetOf(last)
    onFinding(mismatch({ where: `cluster chain of ${what}`, offset: place, expected, found }))
  }
  try {
    const chain = new Chain(fat, first, { what, offset })
    for (;;) {
      const cluster = yield* chain.at(count)
      if (cluster === undefined) break
      const value = yield* fat.entry(cluster)
      if (value === FAT_FREE || value === fat.form.bad) {
        fault('clusters in use', `a ${value === FAT_FREE ? 'free' : 'bad'} one, ${cluster}`)
        break
      }
      if (count === maxClusters) {
        fault(`an end after ${maxClusters} clusters`, `cluster ${cluster}`)
        break
      }
      if (used.has(cluster)) {
        fault('clusters of its own', `${cluster}, which belongs to something else, too`)
        break
      }
      used.add(cluster)
      into?.push(cluster)
      last = cluster
      count++
    }
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error
    onFinding(findingOf(error))
  }
  return count
}

/** Claims the clusters of a directory, which is at most 2 MiB long. */
function* claimDirectory(
  walk: Walk,
  first: number,
  place: { what: string; offset: number },
): ReadRoutine<number[]> {
  const clusters: number[] = []
  const maxClusters = Math.ceil((MAX_DIR_ENTRIES * DirEntry.size) / clusterSizeOf(walk.geometry))
  yield* claim(walk, first, { ...place, maxClusters, into: clusters })
  return clusters
}

/** The areas of a directory on the volume. */
function areasOf({ geometry }: Walk, { clusters }: Directory): { offset: number; length: number }[] {
  if (clusters.length === 0)
    return [{ offset: rootOffset(geometry), length: geometry.rootEntries * DirEntry.size }]
  const length = clusterSizeOf(geometry)
  return clusters.map((cluster) => ({ offset: clusterOffset(geometry, cluster), length }))
}

function* checkDirectory(walk: Walk, directory: Directory): ReadRoutine<void> {
  const { path } = directory
  const isRoot = path === ''
  const what = isRoot ? 'root directory' : `directory ${quote(path)}`
  const fault = (offset: number, expected: string, found: string) =>
    walk.onFinding(mismatch({ where: what, offset, expected, found }))
  const longNames = new LongNames(fault)
  const shortNames = new ShortNames(fault)
  let index = 0
  let end: number | undefined
  for (const { offset: start, length } of areasOf(walk, directory)) {
    const bytes = yield* readExactly(start, length, what)
    for (let at = 0; at < length; at += DirEntry.size, index++) {
      const offset = start + at
      const entry = decodeChecked(DirEntry, bytes, at, { what, offset: start })
      if (!isRoot && index < 2) {
        checkDot(entry, { offset, index, directory, walk, fault })
        continue
      }
      if (entry.name[0] === NAME_END || entry.name[0] === NAME_DELETED) {
        longNames.drop()
        if (entry.name[0] === NAME_END) end ??= offset
        continue
      }
      if (end !== undefined) {
        fault(offset, `nothing after the end at ${end}`, 'a record')
        return
      }
      if (isLongNameEntry(entry)) {
        longNames.add({ entry: LongNameEntry.decode(bytes, at), offset })
        continue
      }
      const long = longNames.take(fromBytes(entry.name))
      const name = fromText(long ?? shortNameText(fromBytes(entry.name), entry.ntCase))
      shortNames.add({ entry, offset, long, name })
      if (isRoot && (entry.attributes & ATTR_VOLUME_ID) !== 0) walk.label ??= { entry, offset }
      yield* checkRecord(walk, { entry, offset, directory, path: isRoot ? name : `${path}/${name}` })
    }
  }
  longNames.drop()
}

const DOTS = ['.'.padEnd(11), '..'.padEnd(11)]

/** Checks '.' and '..', the first two records of every directory but the root. */
function checkDot(
  entry: DirEntry,
  at: {
    offset: number
    index: number
    directory: Directory
    walk: Walk
    fault: (offset: number, expected: string, found: string) => void
  },
): void {
  const { offset, index, directory, walk, fault } = at
  const expected = index === 0 ? directory.cluster : directory.parent
  const name = fromBytes(entry.name)
  const cluster = firstClusterOf(entry, walk.geometry.type)
  if (name !== DOTS[index] || (entry.attributes & ATTR_DIRECTORY) === 0) {
    fault(offset, `a directory ${quote(DOTS[index].trim())}`, quote(name))
  } else if (cluster !== expected) {
    fault(offset, `${quote(name.trim())} at cluster ${expected}`, String(cluster))
  } else if ((entry.ntCase & NT_NO_SHORT_NAME) !== 0) {
    fault(offset, `${quote(name.trim())} as a short name`, 'the mark of a record without one')
  }
}

function* checkRecord(
  walk: Walk,
  {
    entry,
    offset,
    directory,
    path,
  }: { entry: DirEntry; offset: number; directory: Directory; path: ByteString },
): ReadRoutine<void> {
  const { onFinding, geometry, open } = walk
  const first = firstClusterOf(entry, geometry.type)
  if ((entry.attributes & ATTR_DIRECTORY) !== 0) {
    const what = `directory ${quote(path)}`
    if (entry.size !== 0)
      onFinding(mismatch({ where: what, offset, expected: 'size 0', found: String(entry.size) }))
    const clusters = yield* claimDirectory(walk, first, { what, offset })
    if (clusters.length > 0) open.push({ path, cluster: first, parent: directory.cluster, clusters })
    return
  }
  const what = `file ${quote(path)}`
  const needed = Math.ceil(entry.size / clusterSizeOf(geometry))
  if (first === 0 && needed === 0) return
  const count = yield* claim(walk, first, { what, offset, maxClusters: needed })
  if (count < needed) {
    onFinding(
      mismatch({
        where: what,
        offset,
        expected: `${needed} clusters for ${entry.size} bytes`,
        found: `${count}`,
      }),
    )
  }
}
