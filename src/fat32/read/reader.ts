/** Reads FAT12, FAT16 and FAT32. */
import type { Timestamp } from '../../file-tree/entry.ts'
import type { DataRange } from '../../file-tree/file-content.ts'
import type { DirectoryEntry, FileSystemReader, Inode, InodeRef, OpenInode } from '../../file-tree/reader.ts'
import { fromBytes, toText, type ByteString, toLatin1 } from '../../lib/byte-string.ts'
import { CorruptError } from '../../lib/errors.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import { LruCache } from '../../lib/lru-cache.ts'
import { readExactly, readStruct, type ByteRange, type ReadRoutine } from '../../lib/read-routine.ts'
import { decodeBootSector, readBootBytes, type VolumeHead } from './boot-sector.ts'
import { Chain } from './chain.ts'
import { fromCodePage } from '../code-page.ts'
import { DirectoryCache, type OpenDirectory } from './directory-cache.ts'
import { parseDirectory, shortNameText, type DirectoryRecord } from './directory.ts'
import { FatTable } from './fat-table.ts'
import {
  ATTR_DIRECTORY,
  ATTR_READ_ONLY,
  DirEntry,
  EXTENDED_BOOT_SIGNATURE,
  MAX_DIR_ENTRIES,
  NO_LABEL,
  type BootSector,
  type BootSector16,
  type FatType,
} from '../format.ts'
import { clusterOffset, clusterSizeOf, rootOffset, type Geometry } from '../geometry.ts'
import { caseKey, unescapeShortName } from '../names.ts'
import { fromFatTime } from '../times.ts'

/**
 * An open volume. The number of an inode is the offset of its short record from the start of the volume, in units of
 * records of 32 bytes; the root is 0.
 */
export interface FatReader extends FileSystemReader {
  readonly type: FatType
  /** The label in the root directory, or else in the boot sector; '' when there is none. */
  readonly label: string
  /** 0 when the volume has none. */
  readonly volumeId: number
  readonly boot: BootSector | BootSector16
  readonly geometry: Geometry
  /** Bytes of a cluster. */
  readonly clusterSize: number
  /** The short record as it is on disk; undefined for the root, which has none. */
  entry(ref: InodeRef): ReadRoutine<DirEntry | undefined>
}

/** Chains of files that are kept, so that sequential reads do not walk from the first cluster each time. */
const MAX_CHAINS = 16
const ROOT_INO = 0
const EPOCH: Timestamp = { sec: 0, nsec: 0 }

/**
 * Opens a volume.
 *
 * @param onFinding called with damage that does not keep the volume from being read
 * @throws CorruptError when it is no FAT; later, from the reader's methods, for chains that are too short, loop or lead
 *   out of the volume, and for directories that contain themselves
 */
export function* readFatVolume({
  onFinding = () => undefined,
}: { onFinding?: OnFinding } = {}): ReadRoutine<FatReader> {
  const head = decodeBootSector(yield* readBootBytes())
  const volume = new FatVolume(head, new FatTable(head, onFinding))
  let label = bootLabel(head.boot)
  try {
    const { label: record } = yield* volume.directory(volume.root)
    if (record !== undefined) label = labelText(record.short)
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error
    onFinding(findingOf(error))
  }
  volume.label = label
  return volume
}

class FatVolume implements FatReader {
  readonly root: InodeRef = { tree: 0, ino: ROOT_INO }
  readonly type: FatType
  readonly volumeId: number
  readonly boot: BootSector | BootSector16
  readonly geometry: Geometry
  readonly clusterSize: number
  label = ''
  readonly #rootCluster: number | undefined
  readonly #fat: FatTable
  readonly #directories = new DirectoryCache()
  readonly #chains = new LruCache<number, Chain>(MAX_CHAINS)
  /** Which directory a cluster was found to belong to, for all that were opened. */
  readonly #owners = new Map<number, number>()

  constructor({ boot, boot32, geometry }: VolumeHead, fat: FatTable) {
    this.type = geometry.type
    this.volumeId = boot.bootSignature === EXTENDED_BOOT_SIGNATURE ? boot.volumeId : 0
    this.boot = boot
    this.geometry = geometry
    this.clusterSize = clusterSizeOf(geometry)
    this.#rootCluster = boot32?.rootCluster
    this.#fat = fat
  }

  *entry({ ino }: InodeRef): ReadRoutine<DirEntry | undefined> {
    if (ino === ROOT_INO) return undefined
    const kept = this.#directories.record(ino)
    return kept?.entry ?? (yield* readStruct(ino * DirEntry.size, 'directory record', DirEntry))
  }

  *open(ref: InodeRef): ReadRoutine<OpenInode> {
    const entry = yield* this.entry(ref)
    const isDirectory = entry === undefined || (entry.attributes & ATTR_DIRECTORY) !== 0
    const isReadOnly = entry !== undefined && !isDirectory && (entry.attributes & ATTR_READ_ONLY) !== 0
    const inode: Inode = {
      tree: 0,
      ino: ref.ino,
      type: isDirectory ? 'directory' : 'file',
      // As Linux shows them without mount options: only files can be read-only.
      mode: isReadOnly ? 0o555 : 0o755,
      uid: 0,
      gid: 0,
      nlink: 1,
      size: isDirectory ? (yield* this.directory(ref)).size : entry.size,
      ...timesOf(entry),
      ctime: undefined,
      major: 0,
      minor: 0,
      flags: [],
    }
    return new FatInode(inode, (offset, length) => this.#read(ref, entry, offset, length))
  }

  *list(ref: InodeRef): ReadRoutine<DirectoryEntry[]> {
    const { records } = yield* this.directory(ref)
    return records.filter(isNamed).map(entryOf)
  }

  /** Ignores case, and finds short names, too. */
  *lookup(ref: InodeRef, name: ByteString): ReadRoutine<DirectoryEntry | undefined> {
    const { records } = yield* this.directory(ref)
    const key = caseKey(toText(name) ?? toLatin1(name))
    const isSame = (other: ByteString) => caseKey(toText(other) ?? toLatin1(other)) === key
    const named = records.filter(isNamed)
    const found =
      named.find((record) => record.name === name) ??
      named.find((record) => isSame(record.name)) ??
      named.find((record) => isSame(record.alias))
    return found && entryOf(found)
  }

  *#read(
    ref: InodeRef,
    entry: DirEntry | undefined,
    offset: number,
    length: number,
  ): ReadRoutine<Uint8Array> {
    const { size, chain, what } = this.#file(ref, entry)
    const end = Math.min(size, offset + length)
    if (offset >= end) return new Uint8Array(0)
    const pieces: ByteRange[] = []
    for (let at = offset; at < end;) {
      const within = at % this.clusterSize
      const cluster = yield* chain!.at((at - within) / this.clusterSize)
      if (cluster === undefined) {
        throw new CorruptError(`cluster chain of ${what}`, this.#fat.offsetOf(chain!.first), {
          expected: `clusters for ${size} bytes`,
          found: `only ${at - within}`,
        })
      }
      const start = clusterOffset(this.geometry, cluster) + within
      const taken = Math.min(this.clusterSize - within, end - at)
      const last = pieces.at(-1)
      if (last !== undefined && last.offset + last.length === start) last.length += taken
      else pieces.push({ offset: start, length: taken })
      at += taken
    }
    return yield* readAll(pieces, end - offset, what)
  }

  /** The records of a directory, from the cache or from disk. */
  *directory(ref: InodeRef): ReadRoutine<OpenDirectory> {
    const kept = this.#directories.get(ref.ino)
    if (kept !== undefined) return kept
    const what = whatOf('directory', yield* this.entry(ref))
    const areas = yield* this.#areasOf(ref, what)
    const size = areas.reduce((sum, { length }) => sum + length, 0)
    const bytes = yield* readAll(areas, size, what)
    const areaSize = areas[0].length
    const parsed = parseDirectory(bytes, (at) => areas[Math.floor(at / areaSize)].offset + (at % areaSize))
    return this.#directories.add(ref.ino, { ...parsed, size })
  }

  /**
   * The areas of a directory: its clusters, or the fixed area of the root directory in FAT12 and FAT16. All have one
   * size.
   */
  *#areasOf(ref: InodeRef, what: string): ReadRoutine<ByteRange[]> {
    const { geometry, clusterSize } = this
    const isRoot = ref.ino === ROOT_INO
    if (isRoot && this.#rootCluster === undefined) {
      return [{ offset: rootOffset(geometry), length: geometry.rootEntries * DirEntry.size }]
    }
    const entry = yield* this.entry(ref)
    if (entry !== undefined && (entry.attributes & ATTR_DIRECTORY) === 0) throw new Error(`${what} is a file`)
    const first = entry === undefined ? this.#rootCluster! : firstClusterOf(entry, this.type)
    const chain = new Chain(this.#fat, first, { what, offset: ref.ino * DirEntry.size })
    const maxClusters = Math.ceil((MAX_DIR_ENTRIES * DirEntry.size) / clusterSize)
    const areas: ByteRange[] = []
    for (let i = 0; ; i++) {
      const cluster = yield* chain.at(i)
      if (cluster === undefined) return areas
      const offset = clusterOffset(geometry, cluster)
      const expect = (sound: boolean, expected: string, found: string) => {
        if (!sound) throw new CorruptError(what, offset, { expected, found })
      }
      expect(i < maxClusters, 'a directory of at most 2 MiB', 'a longer one')
      // Otherwise directories could contain each other, and a walk would never end.
      const owner = this.#owners.get(cluster) ?? ref.ino
      expect(owner === ref.ino, 'clusters of its own', `cluster ${cluster}, which another directory has`)
      this.#owners.set(cluster, ref.ino)
      areas.push({ offset, length: clusterSize })
    }
  }

  /** A file, with its clusters if it has content. */
  #file(
    ref: InodeRef,
    entry: DirEntry | undefined,
  ): { size: number; chain: Chain | undefined; what: string } {
    const what = whatOf('file', entry)
    if (entry === undefined || (entry.attributes & ATTR_DIRECTORY) !== 0) {
      throw new Error(`inode ${ref.ino} is a directory`)
    }
    const { size } = entry
    if (size === 0) return { size, chain: undefined, what }
    const offset = ref.ino * DirEntry.size
    const capacity = this.geometry.clusters * this.clusterSize
    if (size > capacity) {
      throw new CorruptError(what, offset, { expected: `at most ${capacity} bytes`, found: size })
    }
    const chain =
      this.#chains.get(ref.ino) ?? new Chain(this.#fat, firstClusterOf(entry, this.type), { what, offset })
    this.#chains.set(ref.ino, chain)
    return { size, chain, what }
  }
}

class FatInode implements OpenInode {
  readonly inode: Inode
  readonly read: OpenInode['read']

  constructor(inode: Inode, read: OpenInode['read']) {
    this.inode = inode
    this.read = read
  }

  *xattrs(): ReadRoutine<[]> {
    return []
  }

  *target(): ReadRoutine<ByteString> {
    throw new Error('FAT has no symlinks')
  }

  *ranges(): ReadRoutine<DataRange[]> {
    const { type, size } = this.inode
    return type !== 'file' || size === 0 ? [] : [{ offset: 0, length: size }]
  }
}

/** The upper half means something else in FAT12 and FAT16. */
export function firstClusterOf({ firstClusterHigh, firstClusterLow }: DirEntry, type: FatType): number {
  return type === 'fat32' ? firstClusterHigh * 0x10000 + firstClusterLow : firstClusterLow
}

function* readAll(pieces: readonly ByteRange[], size: number, what: string): ReadRoutine<Uint8Array> {
  if (pieces.length === 1) return yield* readExactly(pieces[0].offset, size, what)
  const bytes = new Uint8Array(size)
  let at = 0
  for (const { offset, length } of pieces) {
    bytes.set(yield* readExactly(offset, length, what), at)
    at += length
  }
  return bytes
}

/** All records but '.' and '..'. */
export const isNamed = ({ name }: DirectoryRecord) => name !== '.' && name !== '..'

function entryOf({ offset, entry, name }: DirectoryRecord): DirectoryEntry {
  const isDirectory = (entry.attributes & ATTR_DIRECTORY) !== 0
  return { tree: 0, ino: offset / DirEntry.size, name, type: isDirectory ? 'directory' : 'file' }
}

/** A file for messages, by its short name: its path is not known here. */
function whatOf(kind: string, entry: DirEntry | undefined): string {
  if (entry === undefined) return 'root directory'
  return `${kind} ${JSON.stringify(shortNameText(fromBytes(entry.name), 0))}`
}

function timesOf(entry: DirEntry | undefined): Pick<Inode, 'mtime' | 'atime' | 'birthtime'> {
  if (entry === undefined) return { mtime: EPOCH, atime: EPOCH, birthtime: undefined }
  const { writeDate, writeTime, accessDate, createDate, createTime, createTenMs } = entry
  const birthtime = fromFatTime({ date: createDate, time: createTime, tenMs: createTenMs })
  return {
    mtime: fromFatTime({ date: writeDate, time: writeTime, tenMs: 0 }),
    atime: fromFatTime({ date: accessDate, time: 0, tenMs: 0 }),
    birthtime: createDate === 0 ? undefined : birthtime,
  }
}

function bootLabel({ bootSignature, label }: BootSector | BootSector16): string {
  const text = bootSignature === EXTENDED_BOOT_SIGNATURE ? labelText(fromBytes(label)) : ''
  return text === NO_LABEL.trimEnd() ? '' : text
}

function labelText(stored: ByteString): string {
  return fromCodePage(unescapeShortName(stored)).replace(/[ \0]+$/, '')
}
