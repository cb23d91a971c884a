import type { Timestamp } from '../file-tree/entry.ts'
import { fromBytes, toDisplay, type ByteString } from '../lib/byte-string.ts'
import { CorruptError } from '../lib/errors.ts'
import { viewOf } from '../lib/struct.ts'
import { parseDirectory, type DirectoryRecord } from './directory-read.ts'
import {
  ATTR_DIRECTORY,
  BOOT_SIGNATURE,
  BootSector,
  DirEntry,
  FAT_BAD,
  FAT_END_MIN,
  FAT_ENTRY_SIZE,
  FAT_MASK,
  FIRST_CLUSTER,
  MAX_DIR_ENTRIES,
  MIN_CLUSTERS,
  SECTOR_SIZE,
} from './format.ts'
import { clusterOffset, clusterSizeOf, fatOffset, geometryOf, type Geometry } from './geometry.ts'
import { fromFatTime } from './times.ts'

/** Gives `length` bytes at an offset from the start of the volume; fewer only at the end of what there is. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>

export interface FatListing {
  /** Relative to the root, UTF-8. */
  path: ByteString
  type: 'file' | 'directory'
  /** Bytes; 0 for directories. */
  size: number
  /** The attribute byte. (ATTR_* in format.ts) */
  attributes: number
  mtime: Timestamp
  birthtime: Timestamp
  /** 11 bytes, as stored. */
  shortName: ByteString
  /** 0 when it has no content. */
  firstCluster: number
}

export interface FatVolume {
  boot: BootSector
  geometry: Geometry
  /** Of the root directory, or else of the boot sector, without trailing spaces; '' when there is none. */
  label: string
  volumeId: number
  /** All entries: a directory before what lies in it, in the order they are stored. */
  entries: () => AsyncIterable<FatListing>
  /** The content of a file. */
  content: (file: FatListing) => AsyncIterable<Uint8Array>
  /** Value of the FAT for a cluster, 28 bits. */
  fatEntry: (cluster: number) => Promise<number>
  /** The clusters of a chain, to its end. */
  chain: (first: number, what: string) => AsyncIterable<number>
  /** All clusters of a directory, one after the other. */
  directoryBytes: (first: number, what: string) => Promise<Uint8Array>
}

/** Bytes of file content read at once, at most. */
const READ_SIZE = 1 << 20
const FAT_PAGE = 65536

/**
 * Opens a FAT32 volume for reading.
 *
 * @throws CorruptError here and while reading, when it is no FAT32 or damaged: chains that are too short, loop or
 *   lead out of the volume
 */
export async function readFat32(read: ReadAt): Promise<FatVolume> {
  const readExactly = async (offset: number, length: number, what: string) => {
    const bytes = await read(offset, length)
    if (bytes.length < length) {
      throw new CorruptError(what, offset, { expected: `${length} bytes`, found: bytes.length })
    }
    return bytes
  }
  const boot = BootSector.decode(await readExactly(0, BootSector.size, 'FAT32 boot sector'))
  const geometry = checkedGeometry(boot)
  const clusterSize = clusterSizeOf(geometry)
  const entryOffset = (cluster: number) => fatOffset(geometry, 0) + cluster * FAT_ENTRY_SIZE

  const pages = new Map<number, DataView>()
  const fatEntry = async (cluster: number) => {
    const index = Math.floor((cluster * FAT_ENTRY_SIZE) / FAT_PAGE)
    let page = pages.get(index)
    if (!page) {
      const start = index * FAT_PAGE
      const length = Math.min(FAT_PAGE, geometry.fatSectors * SECTOR_SIZE - start)
      page = viewOf(await readExactly(fatOffset(geometry, 0) + start, length, 'FAT'))
      pages.set(index, page)
    }
    return page.getUint32((cluster * FAT_ENTRY_SIZE) % FAT_PAGE, true) & FAT_MASK
  }

  async function* chain(first: number, what: string): AsyncGenerator<number> {
    // Brent's way to find loops: remember a cluster, for twice as many steps each time.
    let [mark, steps, limit] = [first, 0, 1]
    for (let cluster = first, from = first; cluster < FAT_END_MIN;) {
      if (cluster < FIRST_CLUSTER || cluster >= FIRST_CLUSTER + geometry.clusters || cluster === FAT_BAD) {
        throw new CorruptError(`cluster chain of ${what}`, entryOffset(from), {
          expected: `a cluster from ${FIRST_CLUSTER} to ${FIRST_CLUSTER + geometry.clusters - 1} or an end mark`,
          found: cluster,
        })
      }
      yield cluster
      from = cluster
      cluster = await fatEntry(cluster)
      if (cluster === mark) {
        throw new CorruptError(`cluster chain of ${what}`, entryOffset(from), {
          expected: 'an end',
          found: `a loop back to cluster ${cluster}`,
        })
      }
      if (++steps === limit) [mark, steps, limit] = [cluster, 0, limit * 2]
    }
  }

  const directoryBytes = async (first: number, what: string) => {
    const clusters: Uint8Array[] = []
    const most = Math.ceil((MAX_DIR_ENTRIES * DirEntry.size) / clusterSize)
    for await (const cluster of chain(first, what)) {
      if (clusters.length === most) {
        throw new CorruptError(what, clusterOffset(geometry, first), {
          expected: 'a directory of at most 2 MiB',
          found: 'a longer one',
        })
      }
      clusters.push(await readExactly(clusterOffset(geometry, cluster), clusterSize, what))
    }
    const bytes = new Uint8Array(clusters.length * clusterSize)
    clusters.forEach((piece, i) => bytes.set(piece, i * clusterSize))
    return bytes
  }

  async function* entries(): AsyncGenerator<FatListing> {
    const seen = new Set([boot.rootCluster])
    const open: { path: ByteString; cluster: number }[] = [{ path: '', cluster: boot.rootCluster }]
    for (let next = open.pop(); next; next = open.pop()) {
      const { path, cluster } = next
      const what = `directory ${JSON.stringify(toDisplay(path))}`
      const below: typeof open = []
      for (const record of parseDirectory(await directoryBytes(cluster, what)).records) {
        if (record.name === '.' || record.name === '..') continue
        const listing = listingOf(record, path)
        if (listing.type === 'directory') {
          if (seen.has(record.cluster)) {
            throw new CorruptError(what, clusterOffset(geometry, cluster), {
              expected: `a cluster of its own for ${JSON.stringify(toDisplay(listing.path))}`,
              found: `cluster ${record.cluster}, which another directory has`,
            })
          }
          seen.add(record.cluster)
          below.push({ path: listing.path, cluster: record.cluster })
        }
        yield listing
      }
      open.push(...below.reverse())
    }
  }

  async function* content({ path, type, size, firstCluster }: FatListing): AsyncGenerator<Uint8Array> {
    const what = `file ${JSON.stringify(toDisplay(path))}`
    if (type !== 'file') throw new Error(`${what} is a directory`)
    if (size === 0) return
    let [left, start, length] = [size, 0, 0]
    // Runs of neighbouring clusters are read as one. What is behind the content is followed to its end, which
    // finds the loops, but not read.
    for await (const cluster of chain(firstCluster, what)) {
      const offset = clusterOffset(geometry, cluster)
      if (length > 0 && (offset !== start + length || length >= READ_SIZE)) {
        yield await readExactly(start, length, what)
        length = 0
      }
      if (left === 0) continue
      if (length === 0) start = offset
      const used = Math.min(left, clusterSize)
      length += used
      left -= used
    }
    if (length > 0) yield await readExactly(start, length, what)
    if (left > 0) {
      throw new CorruptError(`cluster chain of ${what}`, entryOffset(firstCluster), {
        expected: `clusters for ${size} bytes`,
        found: `only ${size - left}`,
      })
    }
  }

  const root = parseDirectory(await directoryBytes(boot.rootCluster, 'root directory'))
  const label = (root.label ?? fromBytes(boot.label)).replace(/ +$/, '')
  return {
    boot,
    geometry,
    label: root.label === undefined && label === 'NO NAME' ? '' : label,
    volumeId: boot.volumeId,
    entries,
    content,
    fatEntry,
    chain,
    directoryBytes,
  }
}

function listingOf({ entry, name, short, cluster }: DirectoryRecord, parent: ByteString): FatListing {
  const { attributes, writeDate, writeTime, createDate, createTime, createTenMs, size } = entry
  const isDirectory = (attributes & ATTR_DIRECTORY) !== 0
  return {
    path: parent === '' ? name : `${parent}/${name}`,
    type: isDirectory ? 'directory' : 'file',
    size: isDirectory ? 0 : size,
    attributes,
    mtime: fromFatTime({ date: writeDate, time: writeTime, tenMs: 0 }),
    birthtime: fromFatTime({ date: createDate, time: createTime, tenMs: createTenMs }),
    shortName: short,
    firstCluster: cluster,
  }
}

function checkedGeometry(boot: BootSector): Geometry {
  const expectField = (field: keyof BootSector, sound: boolean, expected: unknown) => {
    if (sound) return
    const found = boot[field]
    throw new CorruptError(`FAT32 boot sector, ${field}`, BootSector.offsetOf(field), { expected, found })
  }
  expectField('signature', boot.signature === BOOT_SIGNATURE, BOOT_SIGNATURE)
  expectField('bytesPerSector', boot.bytesPerSector === SECTOR_SIZE, SECTOR_SIZE)
  const { sectorsPerCluster } = boot
  expectField('sectorsPerCluster', Number.isInteger(Math.log2(sectorsPerCluster)), 'a power of two')
  expectField('reservedSectors', boot.reservedSectors > 0, 'at least 1')
  expectField('fats', boot.fats > 0, 'at least 1')
  expectField('fatSectors16', boot.fatSectors16 === 0, '0, as it is in FAT32')
  expectField('fatSectors', boot.fatSectors > 0, 'at least 1')
  const geometry = geometryOf(boot)
  const { clusters, fatSectors } = geometry
  expectField('totalSectors', clusters >= MIN_CLUSTERS, `room for ${MIN_CLUSTERS} clusters`)
  const needed = Math.ceil(((clusters + FIRST_CLUSTER) * FAT_ENTRY_SIZE) / SECTOR_SIZE)
  expectField('fatSectors', fatSectors >= needed, `at least ${needed} for ${clusters} clusters`)
  return geometry
}
