import type { ImageSource } from '../input/open-input.ts'
import { checkOptions } from '../lib/options.ts'
import { DIFF_OPTIONS, diffDisks, type Difference, type DiffOptions } from './diff/diff-disks.ts'
import { DiskImage } from './disk-image.ts'
import { openImage } from './open-image.ts'
import { inputOptionsOf } from './open-options.ts'

export type { Difference, DiffOptions } from './diff/diff-disks.ts'

/**
 * Compares two images: the partition tables, what the file systems say of themselves, subvolumes, and every entry with
 * its attributes and content. How content is stored (compressed, shared, with holes) is no difference, nor is what lies
 * outside of partitions. Partitions are the same when they have the same number. Memory is bounded.
 *
 * @param a a path, bytes, a Blob and so on, or what `openImage` has opened, which stays open; `b` likewise
 * @throws InputError when one cannot be read
 * @throws CorruptError when one is damaged where it matters
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @throws RangeError when a word to ignore is unknown
 * @example
 * for await (const { path, what, a, b } of diffImages('old.img', 'new.img', { ignore: ['atime'] })) {
 *   console.log(path, what, a, b)
 * }
 */
export async function* diffImages(
  a: ImageSource | DiskImage,
  b: ImageSource | DiskImage,
  options: DiffOptions = {},
): AsyncGenerator<Difference, void, undefined> {
  checkOptions('diffImages', options, DIFF_OPTIONS)
  const opened: DiskImage[] = []
  const open = async (image: ImageSource | DiskImage) => {
    if (image instanceof DiskImage) return image
    const disk = await openImage(image, { ...inputOptionsOf(options), onFinding: options.onFinding })
    opened.push(disk)
    return disk
  }
  try {
    yield* diffDisks(await open(a), await open(b), options)
  } finally {
    for (const image of opened) await image.close()
  }
}
