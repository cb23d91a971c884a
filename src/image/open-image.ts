import { openBytes } from '../input/open-bytes.ts'
import type { ImageSource } from '../input/open-input.ts'
import { checkOptions } from '../lib/options.ts'
import { DiskImage, readDiskImage } from './disk-image.ts'
import { inputOptionsOf, OPEN_OPTIONS, type OpenOptions } from './open-options.ts'

export { DiskImage } from './disk-image.ts'
export { ImagePartition } from './image-partition.ts'
export type { OpenOptions } from './open-options.ts'

/**
 * Opens a disk image, or the image of a single file system, for reading. It may be compressed: zstd with a seek table
 * (which all of diskwright's have) is read as it is, without one it is decompressed into a temporary file first.
 *
 * @throws InputError when it cannot be read
 * @throws CorruptError when its partition table is damaged beyond use
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @example
 * const image = await openImage('disk.img.zst')
 * const root = await image.partition('ROOT').open()
 * console.log(new TextDecoder().decode(await root.readFile('/etc/hostname')))
 * await image.close()
 */
export async function openImage(image: ImageSource, options: OpenOptions = {}): Promise<DiskImage> {
  checkOptions('openImage', options, OPEN_OPTIONS)
  return readDiskImage(await openBytes(image, inputOptionsOf(options)), options)
}

/** Runs `work` on an image, which is opened for it and closed, unless it is open already and stays so. */
export async function withDiskImage<T>(
  image: ImageSource | DiskImage,
  options: OpenOptions,
  work: (image: DiskImage) => Promise<T>,
): Promise<T> {
  if (image instanceof DiskImage) return work(image)
  const opened = await readDiskImage(await openBytes(image, inputOptionsOf(options)), options)
  try {
    return await work(opened)
  } finally {
    await opened.close()
  }
}
