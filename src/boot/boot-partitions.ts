/** The partitions of an image as boot loaders read them. */
import { resolvePath } from '../file-tree/resolve.ts'
import type { InodeRef } from '../file-tree/reader.ts'
import type { BootView } from '../image/drivers/driver.ts'
import type { FileSystem } from '../image/file-system.ts'
import type { DiskImage, ImagePartition } from '../image/open-image.ts'
import type { ByteString } from '../lib/byte-string.ts'
import { NotFoundError } from '../lib/errors.ts'
import { drive, type ReadRoutine } from '../lib/read-routine.ts'
import {
  MAX_SYSTEM_FILE,
  type BootNode,
  type BootPartition,
  type BootTree,
  type PartitionNames,
  type SystemFiles,
  type SystemNode,
} from '../uboot/boot-tree.ts'

/** @returns undefined when no boot loader reads its file system */
export async function bootPartition(
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
  return { ...partitionNames(image, partition), bootable, label, uuid, type, fatType, btrfs, tree, systems }
}

export function partitionNames(image: DiskImage, partition: ImagePartition): PartitionNames {
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
