/**
 * Disk images in a browser: built, opened, verified, compared, inspected and extracted, from Blobs, bytes and addresses of
 * the web. Nothing here or below needs Node.
 *
 * @module
 */
export { buildImage, type BrowserBuildOptions } from './build-image.ts'
export { planImage, type PlanOptions } from '../build/plan-image.ts'
export {
  diffImages,
  extractTar,
  inspectImage,
  openImage,
  verifyImage,
  type OpenImageOptions,
} from './images.ts'
export { urlSource, type UrlSourceOptions } from '../input/url-source.ts'
export { MemoryFile } from '../lib/random-access.ts'
export type { CreateScratch, RandomAccessFile, ScratchFile } from '../lib/random-access.ts'
export type { NamedFiles } from '../sources/given/given-files.ts'

export * from '../lib/errors.ts'
export { formatFinding } from '../lib/finding.ts'
export { UnrepresentableError } from '../btrfs/write/inodes.ts'
export { DiskImage } from '../image/disk-image.ts'
export { FileSystem } from '../image/file-system.ts'
export { ImagePartition } from '../image/image-partition.ts'
export type { Difference, DiffOptions } from '../image/diff/diff-disks.ts'
export type { BuildPhase, Progress, ReplacedEntry } from '../build/progress.ts'
export type { OutputFormat } from '../output/output.ts'
export type * from '../build/public-types.ts'
export type * from '../image/public-types.ts'
