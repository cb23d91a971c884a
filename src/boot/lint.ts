/** Would a finished image boot? It is looked at as the firmware and U-Boot will. */
import { FEATURE_INCOMPAT_NAMES } from '../btrfs/format.ts'
import type { BtrfsReader, FileExtent } from '../btrfs/read/open.ts'
import { dataProfiles } from '../btrfs/read/profiles.ts'
import { bitNames, checksumName } from '../btrfs/read/superblock.ts'
import type { FileSystem } from '../image/file-system.ts'
import type { InodeRef } from '../file-tree/reader.ts'
import { resolvePath } from '../file-tree/resolve.ts'
import { PLAIN_FORM, type FileLayout } from '../file-tree/file-layout.ts'
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { CorruptError, NotFoundError, UnsupportedError } from '../lib/errors.ts'
import type { Finding } from '../lib/finding.ts'
import { drive, type ReadRoutine } from '../lib/read-routine.ts'
import type { DiskImage, ImagePartition } from '../image/open-image.ts'
import { parseUBootVersion } from '../spec/uboot-version.ts'
import type { BootNode, BootPartition, BootTree, BtrfsTraits } from '../uboot/boot-tree.ts'
import { lintBoot } from '../uboot/lint.ts'
import { zstdExtentProblem } from '../uboot/zstd-extent.ts'

export interface LintOptions {
  /** Version of the U-Boot that boots it, like `2025.01`: it decides what are errors and what is no trouble at all. */
  uboot?: string | undefined
}

/**
 * Looks for what keeps an image from booting on a Raspberry Pi, or any board whose U-Boot reads an extlinux.conf.
 *
 * @returns what was found; an image without errors among it boots as far as can be seen
 * @throws RangeError when the version is none
 */
export async function lintImage(image: DiskImage, { uboot }: LintOptions = {}): Promise<Finding[]> {
  const version = uboot === undefined ? undefined : parseUBootVersion(uboot)
  if (uboot !== undefined && version === undefined) {
    throw new RangeError(`expected a version of U-Boot like "2025.01", found ${JSON.stringify(uboot)}`)
  }
  const findings: Finding[] = []
  const partitions: BootPartition[] = []
  for (const partition of image.partitions) {
    if ((await partition.fileSystemType()) === undefined) continue
    try {
      partitions.push(await bootPartition(image, partition))
    } catch (error) {
      findings.push({ severity: 'error', where: `partition ${partition.number}`, message: unreadable(error) })
    }
  }
  try {
    return [...findings, ...(await lintBoot(partitions, { uboot: version }))]
  } catch (error) {
    return [...findings, { severity: 'error', where: 'the image', message: unreadable(error) }]
  }
}

/** Damage is a finding, too. */
function unreadable(error: unknown): string {
  if (error instanceof CorruptError || error instanceof UnsupportedError) return error.message
  throw error
}

async function bootPartition(image: DiskImage, partition: ImagePartition): Promise<BootPartition> {
  const fileSystem = await partition.open()
  const { number, bootable } = partition
  const { type, label, uuid } = fileSystem
  const common = { number, bootable, label, uuid, partUuid: partUuidOf(image, partition) }
  if (type !== 'btrfs') return { ...common, type: 'fat', tree: treeOf(fileSystem, fileSystem.reader.root) }
  const reader = fileSystem.reader as BtrfsReader
  const subvolumes = await drive(fileSystem.source, reader.subvolumes())
  const defaultId = await drive(fileSystem.source, reader.defaultSubvolume())
  const root = subvolumes.find(({ id }) => id === defaultId) ?? subvolumes[0]
  const btrfs: BtrfsTraits = {
    checksum: checksumName(reader.superblock),
    dataProfiles: dataProfiles(reader.chunks),
    features: bitNames(reader.superblock.incompatFlags, FEATURE_INCOMPAT_NAMES).map((name) =>
      name.toLowerCase(),
    ),
    subvolumes: subvolumes.map(({ path }) => toDisplay(path)).filter((path) => path !== ''),
    defaultSubvolume: toDisplay(root?.path ?? ''),
  }
  return { ...common, type: 'btrfs', btrfs, tree: treeOf(fileSystem, root?.root ?? reader.root, reader) }
}

/** As the kernel makes it: of an MBR from the disk's id and the number, of a GPT its own. */
function partUuidOf({ table }: DiskImage, { number, entry }: ImagePartition): string | undefined {
  if (table === undefined) return undefined
  if (entry?.guid !== undefined) return entry.guid.toLowerCase()
  if (table.diskId === undefined) return undefined
  return `${table.diskId.toString(16).padStart(8, '0')}-${number.toString(16).padStart(2, '0')}`
}

/** @param btrfs its reader, when it is one */
function treeOf({ reader, source }: FileSystem, root: InodeRef, btrfs?: BtrfsReader): BootTree {
  /** Inodes by the paths under which they were found. */
  const refs = new Map<ByteString, InodeRef>()
  const refOf = ({ path }: BootNode) => refs.get(path)!
  function* find(path: ByteString): ReadRoutine<BootNode | undefined> {
    try {
      const found = yield* resolvePath(reader, path, { root })
      const { inode } = yield* reader.open(found)
      const { type, size } = inode
      const place = found.path.replace(/^\//, '')
      refs.set(place, { tree: found.tree, ino: found.ino })
      return { path: place, type: type === 'file' || type === 'directory' ? type : 'other', size }
    } catch (error) {
      if (error instanceof NotFoundError) return undefined
      throw error
    }
  }
  function* read(file: InodeRef, length: number): ReadRoutine<Uint8Array> {
    return yield* (yield* reader.open(file)).read(0, length)
  }
  return {
    find: (path) => drive(source, find(path)),
    list: async (directory) => (await drive(source, reader.list(refOf(directory)))).map(({ name }) => name),
    read: (file, length) => drive(source, read(refOf(file), Math.min(length, file.size))),
    form: (file) =>
      btrfs === undefined
        ? Promise.resolve(PLAIN_FORM)
        : drive(source, formOf(btrfs, refOf(file), file.size)),
  }
}

function* formOf(reader: BtrfsReader, file: InodeRef, size: number): ReadRoutine<FileLayout> {
  const { sectorsize } = reader.superblock
  const extents = yield* (yield* reader.open(file)).extents()
  const compressions = new Set<string>()
  let end = 0
  let holes = false
  let preallocated = false
  let compressedTail = false
  let oddExtent: string | undefined
  for (const extent of extents) {
    const { type, fileOffset, length, compression, diskBytenr } = extent
    if (fileOffset >= size) break
    if (fileOffset > end || (type === 'regular' && diskBytenr === 0)) holes = true
    if (type === 'prealloc') preallocated = true
    if (type === 'inline' && extents.length > 1) oddExtent ??= 'an inline extent is not its only one'
    end = fileOffset + length
    if (compression === 'none') continue
    compressions.add(compression)
    if (type === 'inline') continue
    compressedTail = end > size || (end === size && size % sectorsize !== 0)
    if (compression === 'zstd') oddExtent ??= yield* frameProblem(reader, extent)
  }
  if (end < size) holes = true
  return { holes, preallocated, compressions: [...compressions], compressedTail, oddExtent }
}

function* frameProblem(reader: BtrfsReader, extent: FileExtent): ReadRoutine<string | undefined> {
  const { diskBytenr, diskNumBytes, ramBytes } = extent
  const [place] = reader.chunks.copies(diskBytenr, diskNumBytes)
  if (place === undefined) return 'an extent lies outside of the device'
  const stored = yield { offset: place, length: diskNumBytes }
  return stored.length < 4 ? 'an extent is cut off' : zstdExtentProblem(stored, ramBytes)
}
