import { toDisplay, toText, type ByteString } from '../lib/byte-string.ts'
import { CorruptError } from '../lib/errors.ts'
import { parseDirectory, type DirectoryRecord } from './directory-read.ts'
import {
  ATTR_DIRECTORY,
  BootSector,
  FAT_BAD,
  FAT_CLEAN_BIT,
  FAT_ENTRY_SIZE,
  FAT_FREE,
  FAT_MASK,
  FAT_NO_ERROR_BIT,
  FIRST_CLUSTER,
  FSINFO_LEAD_SIGNATURE,
  FSINFO_STRUCT_SIGNATURE,
  FSINFO_TRAIL_SIGNATURE,
  FsInfo,
  SECTOR_SIZE,
  UNKNOWN_COUNT,
} from './format.ts'
import { clusterOffset, clusterSizeOf, fatOffset } from './geometry.ts'
import { caseKey, nameProblem } from './names.ts'
import { readFat32, type FatVolume, type ReadAt } from './read.ts'

/** Something wrong with a FAT32 volume. */
export interface FatFault {
  /** Byte offset from the start of the volume of the structure that is at fault. */
  offset: number
  message: string
}

interface Check {
  volume: FatVolume
  read: ReadAt
  fault: (offset: number, message: string) => void
}

/**
 * Looks for all that is wrong with a FAT32 volume; an empty list when nothing is. Content of files is not read.
 *
 * @throws CorruptError when the boot sector or the root directory cannot be read at all
 */
export async function checkFat32(read: ReadAt): Promise<FatFault[]> {
  const faults: FatFault[] = []
  const volume = await readFat32(read)
  const check: Check = { volume, read, fault: (offset, message) => faults.push({ offset, message }) }
  await checkBackup(check)
  await checkFatCopies(check)
  await checkUse(check, await checkTree(check))
  return faults
}

async function checkBackup({ volume: { boot }, read, fault }: Check): Promise<void> {
  if (boot.backupBootSector === 0 || boot.backupBootSector === 0xffff) return
  const offset = boot.backupBootSector * SECTOR_SIZE
  const [first, backup] = [await read(0, BootSector.size), await read(offset, BootSector.size)]
  if (differenceIn(first, backup) >= 0) fault(offset, 'the backup of the boot sector differs from it')
}

async function checkFatCopies({ volume: { geometry, fatEntry, boot }, read, fault }: Check): Promise<void> {
  const start = fatOffset(geometry, 0)
  const media = await fatEntry(0)
  if ((media & 0xff) !== boot.media) {
    fault(start, `the first FAT entry has media byte ${media & 0xff}, the boot sector ${boot.media}`)
  }
  const state = await fatEntry(1)
  if ((state & FAT_CLEAN_BIT) === 0) fault(start + FAT_ENTRY_SIZE, 'the volume was not cleanly unmounted')
  if ((state & FAT_NO_ERROR_BIT) === 0) fault(start + FAT_ENTRY_SIZE, 'a driver met errors on the disk')

  const length = geometry.fatSectors * SECTOR_SIZE
  const step = 1 << 20
  for (let copy = 1; copy < geometry.fats; copy++) {
    for (let at = 0; at < length; at += step) {
      const size = Math.min(step, length - at)
      const offset = fatOffset(geometry, copy) + at
      const different = differenceIn(await read(start + at, size), await read(offset, size))
      if (different < 0) continue
      fault(offset + different, `FAT ${copy + 1} differs from the first FAT`)
      break
    }
  }
}

/** Follows all chains. @returns for each cluster whether it belongs to a file or directory */
async function checkTree({ volume, fault }: Check): Promise<Uint8Array> {
  const { boot, geometry } = volume
  const owned = new Uint8Array(FIRST_CLUSTER + geometry.clusters)
  /** Takes a chain. @returns its clusters; undefined when it is damaged */
  const claim = async (first: number, at: number, what: string) => {
    const clusters: number[] = []
    try {
      for await (const cluster of volume.chain(first, what)) {
        if (owned[cluster] === 1) {
          fault(at, `${what}: cluster ${cluster} belongs to something else, too`)
          return undefined
        }
        owned[cluster] = 1
        clusters.push(cluster)
      }
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error
      fault(at, error.message)
      return undefined
    }
    return clusters
  }

  interface Open {
    path: ByteString
    cluster: number
    parent: number
    clusters: number[]
  }
  const rootClusters = await claim(boot.rootCluster, BootSector.offsetOf('rootCluster'), 'root directory')
  const open: Open[] = [{ path: '', cluster: boot.rootCluster, parent: 0, clusters: rootClusters ?? [] }]
  const clusterSize = clusterSizeOf(geometry)
  for (let next = open.pop(); next; next = open.pop()) {
    const { path, cluster, parent, clusters } = next
    const placeOf = (offset: number) =>
      clusterOffset(geometry, clusters[Math.floor(offset / clusterSize)]) + (offset % clusterSize)
    const what = path === '' ? 'root directory' : `directory ${quote(path)}`
    if (clusters.length === 0) continue
    const { records, orphans } = parseDirectory(await volume.directoryBytes(cluster, what))
    for (const offset of orphans) fault(placeOf(offset), `${what}: a long name that belongs to no entry`)
    if (path !== '')
      checkDots(records, { cluster, parent }, (message) => fault(placeOf(0), `${what}: ${message}`))

    const named = records.filter(({ name }) => name !== '.' && name !== '..')
    checkNames(named, (record, message) => fault(placeOf(record.offset), `${what}: ${message}`))
    for (const { name, offset, entry, cluster: first } of named) {
      const child = path === '' ? name : `${path}/${name}`
      const at = placeOf(offset)
      if (entry.attributes & ATTR_DIRECTORY) {
        if (entry.size !== 0) fault(at, `directory ${quote(child)} has size ${entry.size}, not 0`)
        const taken = await claim(first, at, `directory ${quote(child)}`)
        if (!taken) continue
        open.push({ path: child, cluster: first, parent: path === '' ? 0 : cluster, clusters: taken })
        continue
      }
      const needed = Math.ceil(entry.size / clusterSize)
      const taken = first === 0 && needed === 0 ? [] : await claim(first, at, `file ${quote(child)}`)
      if (taken && taken.length !== needed) {
        fault(at, `file ${quote(child)} of ${entry.size} bytes has ${taken.length} clusters, not ${needed}`)
      }
    }
  }
  return owned
}

function checkDots(
  records: readonly DirectoryRecord[],
  { cluster, parent }: { cluster: number; parent: number },
  fault: (message: string) => void,
): void {
  const [dot, dotDot] = records
  if (dot?.name !== '.' || dotDot?.name !== '..') fault('does not begin with "." and ".."')
  else if (dot.cluster !== cluster) fault(`"." leads to cluster ${dot.cluster}, not ${cluster}`)
  else if (dotDot.cluster !== parent) fault(`".." leads to cluster ${dotDot.cluster}, not ${parent}`)
}

function checkNames(
  records: readonly DirectoryRecord[],
  fault: (record: DirectoryRecord, message: string) => void,
): void {
  const shorts = new Set<string>()
  const keys = new Set<string>()
  for (const record of records) {
    const { name, short } = record
    const problem = nameProblem(name)
    if (problem) fault(record, `name ${quote(name)} ${problem}`)
    if (shorts.has(short)) fault(record, `short name ${JSON.stringify(short)} is there twice`)
    const key = caseKey(toText(name) ?? name)
    if (keys.has(key)) fault(record, `name ${quote(name)} is there twice`)
    shorts.add(short)
    keys.add(key)
  }
}

/** Compares the FAT and FSInfo with what the files use. */
async function checkUse({ volume, read, fault }: Check, owned: Uint8Array): Promise<void> {
  const { boot, geometry, fatEntry } = volume
  let [free, lost, firstLost] = [0, 0, 0]
  for (let cluster = FIRST_CLUSTER; cluster < owned.length; cluster++) {
    const value = (await fatEntry(cluster)) & FAT_MASK
    if (value === FAT_FREE) free++
    else if (owned[cluster] === 0 && value !== FAT_BAD) {
      if (lost === 0) firstLost = cluster
      lost++
    }
  }
  if (lost > 0) {
    const offset = fatOffset(geometry, 0) + firstLost * FAT_ENTRY_SIZE
    fault(offset, `${lost} clusters, the first one ${firstLost}, are in use by nothing`)
  }

  const offset = boot.fsInfoSector * SECTOR_SIZE
  if (boot.fsInfoSector === 0 || boot.fsInfoSector === 0xffff) return
  const info = FsInfo.decode(await read(offset, FsInfo.size))
  if (
    info.leadSignature !== FSINFO_LEAD_SIGNATURE ||
    info.structSignature !== FSINFO_STRUCT_SIGNATURE ||
    info.trailSignature !== FSINFO_TRAIL_SIGNATURE
  ) {
    fault(offset, 'the signatures of FSInfo are wrong')
    return
  }
  if (info.freeClusters !== UNKNOWN_COUNT && info.freeClusters !== free) {
    fault(offset, `FSInfo counts ${info.freeClusters} free clusters, but there are ${free}`)
  }
  if (info.nextFree !== UNKNOWN_COUNT && (info.nextFree < FIRST_CLUSTER || info.nextFree >= owned.length)) {
    fault(offset, `FSInfo says that cluster ${info.nextFree} is the next free one, but there is none`)
  }
}

/** Index of the first byte in which they differ, or -1. */
function differenceIn(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Math.min(a.length, b.length)
  return a.findIndex((byte, i) => byte !== b[i])
}

const quote = (name: ByteString) => JSON.stringify(toDisplay(name))
