/**
 * File systems of disk images as backends of ZenFS (the package @zenfs/core), read-only.
 *
 * @module
 */
import type { Backend } from '@zenfs/core'
import { btrfsDriver } from '../image/drivers/btrfs.ts'
import type { FileSystemDriver } from '../image/drivers/driver.ts'
import { fatDriver } from '../image/drivers/fat.ts'
import type { FileSystem } from '../image/file-system.ts'
import type { InodeRef } from '../file-tree/reader.ts'
import type { ImageSource } from '../input/open-input.ts'
import { NotFoundError, UnsupportedError } from '../lib/errors.ts'
import { DiskImage, openImage, type ImagePartition } from '../image/open-image.ts'
import { ImageFS } from './image-fs.ts'

export { ImageFS } from './image-fs.ts'
export { DiskImage, ImagePartition } from '../image/open-image.ts'
export { FileSystem } from '../image/file-system.ts'
export type { ImageSource } from '../input/open-input.ts'
export type * from '../image/public-types.ts'

export interface MountOptions {
  /** The image: what `openImage` takes, or what it gave. */
  image: ImageSource | DiskImage
  /** Number or label of the partition. Default: the first one with a file system of the backend's kind. */
  partition?: number | string | undefined
}

export interface BtrfsMountOptions extends MountOptions {
  /** Id or path of the subvolume that is mounted. Default: the top level, whatever the default subvolume is. */
  subvolume?: number | string | undefined
}

/**
 * BTRFS.
 *
 * @throws what `openImage` throws; NotFoundError when there is no such partition or subvolume
 * @example
 * await configure({ mounts: { '/image': { backend: Btrfs, image: 'disk.img.zst', partition: 'ROOT' } } })
 */
export const Btrfs = {
  name: 'Btrfs',
  options: {
    image: { type: isImage, required: true },
    partition: { type: ['number', 'string'], required: false },
    subvolume: { type: ['number', 'string'], required: false },
  },
  create: ({ image, partition, subvolume }: BtrfsMountOptions) =>
    open({ image, partition }, btrfsDriver, (fileSystem) => findSubvolume(fileSystem, subvolume)),
} satisfies Backend<ImageFS, BtrfsMountOptions>

/**
 * FAT12, FAT16 and FAT32.
 *
 * @throws as `Btrfs` does
 * @example
 * await configure({ mounts: { '/boot': { backend: Fat, image: 'disk.img.zst', partition: 1 } } })
 */
export const Fat = {
  name: 'Fat',
  options: {
    image: { type: isImage, required: true },
    partition: { type: ['number', 'string'], required: false },
  },
  create: (options: MountOptions) => open(options, fatDriver, ({ reader }) => Promise.resolve(reader.root)),
} satisfies Backend<ImageFS, MountOptions>

function isImage(this: void, image: unknown): boolean {
  return typeof image === 'string' || (typeof image === 'object' && image !== null)
}

async function open(
  { image, partition: which }: MountOptions,
  driver: FileSystemDriver,
  findRoot: (fileSystem: FileSystem) => Promise<InodeRef>,
): Promise<ImageFS> {
  const disk = image instanceof DiskImage ? image : await openImage(image)
  const close = () => (image instanceof DiskImage ? Promise.resolve() : disk.close())
  try {
    const fileSystem = await findPartition(disk, which, driver).open()
    return new ImageFS({ fileSystem, driver, root: await findRoot(fileSystem), close })
  } catch (error) {
    await close()
    throw error
  }
}

function findPartition(
  disk: DiskImage,
  which: number | string | undefined,
  driver: FileSystemDriver,
): ImagePartition {
  if (which === undefined) {
    const first = disk.partitions.find((partition) => partition.driver === driver)
    if (first !== undefined) return first
    throw new NotFoundError(`the image has no partition with a ${driver.title} file system`)
  }
  const partition = disk.partition(which)
  if (partition.driver === driver) return partition
  const found = partition.contentType ?? 'no known format'
  throw new UnsupportedError(`partition ${which}: expected a ${driver.title} file system, found ${found}`)
}

async function findSubvolume(fileSystem: FileSystem, which: number | string | undefined): Promise<InodeRef> {
  if (which === undefined) return fileSystem.reader.root
  const subvolumes = await fileSystem.subvolumes()
  const wanted = typeof which === 'number' ? which : `/${which.replace(/^\/+|\/+$/g, '')}`
  const found = subvolumes.find(({ id, path }) => id === wanted || path === wanted)
  if (found !== undefined) return found.root
  const list = subvolumes.map(({ id, path }) => `${id} ${path}`).join(', ')
  throw new NotFoundError(`there is no subvolume ${JSON.stringify(which)}: found ${list}`)
}
