/** Looks at a finished image as firmware and boot loaders do: would it boot? */
import type { BootView } from '../image/drivers/driver.ts'
import type { DiskImage, ImagePartition } from '../image/open-image.ts'
import { withDiskImage } from '../image/open-image.ts'
import { inputOptionsOf, OPEN_OPTIONS, type OpenOptions } from '../image/open-options.ts'
import type { FileSystem } from '../image/file-system.ts'
import type { ImageSource } from '../input/open-input.ts'
import type { InodeRef } from '../file-tree/reader.ts'
import { resolvePath } from '../file-tree/resolve.ts'
import type { ByteString } from '../lib/byte-string.ts'
import { CorruptError, NotFoundError, UnsupportedError } from '../lib/errors.ts'
import type { Finding, OnFinding } from '../lib/finding.ts'
import { checkOptions, TEXT } from '../lib/options.ts'
import { drive, type ReadRoutine } from '../lib/read-routine.ts'
import { parseUBootVersion, type UBootVersion } from '../spec/notation/uboot-version.ts'
import {
  MAX_SYSTEM_FILE,
  type BootDisk,
  type BootNode,
  type BootPartition,
  type BootTree,
  type PartitionNames,
  type SystemFiles,
  type SystemNode,
} from '../uboot/boot-tree.ts'
import { lintBoot } from '../uboot/lint.ts'

export interface LintOptions extends OpenOptions {
  /** Version of the U-Boot that boots it, like `2025.01`: it decides what is an error and what is harmless. */
  uboot?: string | undefined
  /** Called with each finding. */
  onFinding?: OnFinding | undefined
}

/**
 * Looks for what keeps an image from booting: by UEFI, on a Raspberry Pi, or on any board whose U-Boot reads an
 * extlinux.conf.
 *
 * @param image a path, bytes, a Blob and so on, or what `openImage` has opened, which stays open
 * @returns the findings; an image without findings of severity `error` is expected to boot
 * @throws InputError when it cannot be read
 * @throws RangeError when `uboot` is no version
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @example
 * for (const { severity, where, message } of await lintImage('disk.img', { uboot: '2025.01' })) {
 *   console.log(severity, where, message)
 * }
 */
export async function lintImage(
  image: ImageSource | DiskImage,
  options: LintOptions = {},
): Promise<Finding[]> {
  checkOptions('lintImage', options, { ...OPEN_OPTIONS, uboot: TEXT })
  const { uboot, onFinding } = options
  const version = uboot === undefined ? undefined : parseUBootVersion(uboot)
  if (uboot !== undefined && version === undefined) {
    const expected = 'expected a version of U-Boot like "2025.01"'
    throw new RangeError(`lintImage: option uboot: ${expected}, found ${JSON.stringify(uboot)}`)
  }
  const findings = await withDiskImage(image, inputOptionsOf(options), (opened) => lint(opened, version))
  if (onFinding !== undefined) findings.forEach(onFinding)
  return findings
}

async function lint(image: DiskImage, uboot: UBootVersion | undefined): Promise<Finding[]> {
  const findings: Finding[] = []
  const partitions: BootPartition[] = []
  const others: PartitionNames[] = []
  for (const partition of image.partitions) {
    if (partition.driver === undefined) {
      others.push(namesOf(image, partition))
      continue
    }
    const where = `partition ${partition.number}`
    try {
      const bootable = await bootPartition(image, partition)
      if (bootable === undefined) others.push(namesOf(image, partition))
      else partitions.push(bootable)
    } catch (error) {
      others.push(namesOf(image, partition))
      findings.push({ severity: 'error', where, message: damageOf(error) })
    }
  }
  try {
    return [...findings, ...(await lintBoot(partitions, { uboot, others, disk: diskOf(image) }))]
  } catch (error) {
    return [...findings, { severity: 'error', where: 'the image', message: damageOf(error) }]
  }
}

function diskOf({ table, source }: DiskImage): BootDisk {
  return {
    table: table === undefined ? 'none' : table.type === 'mbr' ? 'mbr' : 'gpt',
    read: async (offset, length) => source.read(offset, Math.max(0, Math.min(length, source.size - offset))),
  }
}

/** Damage is a finding, too. */
function damageOf(error: unknown): string {
  if (error instanceof CorruptError || error instanceof UnsupportedError) return error.message
  throw error
}

/** @returns undefined when no boot loader reads its file system */
async function bootPartition(
  image: DiskImage,
  partition: ImagePartition,
): Promise<BootPartition | undefined> {
  const fileSystem = await partition.open()
  const view = await fileSystem.opened.bootView?.()
  if (view === undefined) return undefined
  const { bootable } = partition
  const { label, uuid } = fileSystem
  const { type, fatType, btrfs } = view
  const tree = treeOf(fileSystem, view)
  const { opened, source } = fileSystem
  const subvolumes = opened.subvolumes === undefined ? [] : await drive(source, opened.subvolumes())
  const systems = subvolumes.map(({ root }) => systemFiles(fileSystem, root))
  return { ...namesOf(image, partition), bootable, label, uuid, type, fatType, btrfs, tree, systems }
}

function namesOf(image: DiskImage, partition: ImagePartition): PartitionNames {
  const { number, name, type } = partition
  const kind = typeof type === 'number' ? { mbrType: type } : { typeGuid: type === '' ? undefined : type }
  return { number, partUuid: partUuidOf(image, partition), partLabel: name, ...kind }
}

/** As the kernel makes it: of an MBR from the disk's id and the number, of a GPT its own. */
function partUuidOf({ table }: DiskImage, { number, entry }: ImagePartition): string | undefined {
  if (table === undefined) return undefined
  if (entry?.guid !== undefined) return entry.guid.toLowerCase()
  if (table.diskId === undefined) return undefined
  return `${table.diskId.toString(16).padStart(8, '0')}-${number.toString(16).padStart(2, '0')}`
}

function systemFiles({ reader, source }: FileSystem, root: InodeRef): SystemFiles {
  function* look(path: ByteString): ReadRoutine<SystemNode | undefined> {
    try {
      const opened = yield* reader.open(yield* resolvePath(reader, path, { root, followLast: false }))
      const { type, size } = opened.inode
      if (type === 'directory') return { type }
      if (type === 'symlink') return { type, target: yield* opened.target() }
      const content = () => drive(source, opened.read(0, Math.min(size, MAX_SYSTEM_FILE)))
      return type === 'file' ? { type, content } : undefined
    } catch (error) {
      if (error instanceof NotFoundError) return undefined
      throw error
    }
  }
  return { look: (path) => drive(source, look(path)) }
}

function treeOf({ reader, source }: FileSystem, { root, layout }: BootView): BootTree {
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
  function* read(file: InodeRef, length: number, offset: number): ReadRoutine<Uint8Array> {
    return yield* (yield* reader.open(file)).read(offset, length)
  }
  return {
    find: (path) => drive(source, find(path)),
    list: async (directory) => (await drive(source, reader.list(refOf(directory)))).map(({ name }) => name),
    read: (file, length, offset = 0) =>
      drive(source, read(refOf(file), Math.max(0, Math.min(length, file.size - offset)), offset)),
    form: (file) => drive(source, layout(refOf(file), file.size)),
  }
}
