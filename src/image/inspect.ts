import type { ImageSource } from '../input/open-input.ts'
import { checkOptions } from '../lib/options.ts'
import type { DiskImage } from './disk-image.ts'
import { INSPECT_OPTIONS, inspectDisk, type InspectOptions } from './inspect-disk.ts'
import { withDiskImage } from './open-image.ts'
import { inputOptionsOf } from './open-options.ts'
import type { ImageReport } from './report.ts'

export type { InspectOptions } from './inspect-disk.ts'

/**
 * Reports what an image is made of, and what takes how much of it. All metadata are read, and no content. Damage is
 * among the findings of the report; the numbers are then those of the rest.
 *
 * @param image a path, bytes, a Blob and so on, or what `openImage` has opened, which stays open
 * @throws InputError when it cannot be read
 * @throws CorruptError when its partition table is damaged beyond use
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @example
 * const { partitions } = await inspectImage('disk.img.zst')
 * for (const { number, content, fileSystem } of partitions) console.log(number, content, fileSystem?.usedBytes)
 */
export async function inspectImage(
  image: ImageSource | DiskImage,
  options: InspectOptions = {},
): Promise<ImageReport> {
  checkOptions('inspectImage', options, INSPECT_OPTIONS)
  return withDiskImage(image, inputOptionsOf(options), (opened) => inspectDisk(opened, options))
}
