import { openBytes } from '../input/open-bytes.ts'
import type { ImageSource } from '../input/open-input.ts'
import { checkOptions } from '../lib/options.ts'
import { workerCount } from '../lib/worker-count.ts'
import { DiskImage } from './disk-image.ts'
import { inputOptionsOf } from './open-options.ts'
import {
  VERIFY_OPTIONS,
  verifyBytes,
  verifyDisk,
  type VerifyOptions,
  type VerifyResult,
} from './verify-disk.ts'

export type { FindingCounts, VerifiedPartition, VerifyOptions, VerifyResult } from './verify-disk.ts'

/**
 * Checks the partition table and the file systems of an image: their structure and all checksums. Damage is a finding,
 * not an error, also where a partition table is damaged beyond use.
 *
 * @param image a path, bytes, a Blob and so on, or what `openImage` has opened, which stays open
 * @throws InputError when it cannot be read
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @example
 * const { counts, findings } = await verifyImage('disk.img.zst')
 * if (counts.error > 0) console.log(findings)
 */
export async function verifyImage(
  image: ImageSource | DiskImage,
  options: VerifyOptions = {},
): Promise<VerifyResult> {
  checkOptions('verifyImage', options, VERIFY_OPTIONS)
  const given = { ...options, workers: workerCount(options.workers) }
  if (image instanceof DiskImage) return verifyDisk(image, given)
  return verifyBytes(await openBytes(image, inputOptionsOf(options)), given)
}
