/**
 * Images in a browser: opened, verified, inspected, and extracted to a stream, from Blobs and bytes. Nothing here or
 * below needs Node.
 */
import { openMemory, type MemorySource } from '../input/memory-input.ts'
import { openStored, type ImageBytes } from '../input/open-stored.ts'
import { UnsupportedError } from '../lib/errors.ts'
import { checkOptions } from '../lib/options.ts'
import { DiskImage, readDiskImage } from './disk-image.ts'
import {
  checkExtractOptions,
  EXTRACT_OPTIONS,
  startOf,
  withFileSystem,
  type ExtractFromOptions,
} from './extract/extract-source.ts'
import { tarStream } from './extract/tar-stream.ts'
import type { FileSystem } from './file-system.ts'
import { INSPECT_OPTIONS, inspectDisk, type InspectOptions } from './inspect-disk.ts'
import { OPEN_OPTIONS, type OpenOptions } from './open-options.ts'
import type { ImageReport } from './report.ts'
import {
  VERIFY_OPTIONS,
  verifyBytes,
  verifyDisk,
  type VerifyOptions,
  type VerifyResult,
} from './verify-disk.ts'

export * from '../lib/errors.ts'
export { formatFinding } from '../lib/finding.ts'
export { DiskImage } from './disk-image.ts'
export { FileSystem } from './file-system.ts'
export { ImagePartition } from './image-partition.ts'
export type * from './public-types.ts'

/**
 * Opens a disk image, or the image of a single file system, for reading. It may be compressed with zstd that has a
 * seek table, as all of diskwright's have.
 *
 * @throws UnsupportedError when it is compressed in another way
 * @throws CorruptError when its partition table is damaged beyond use
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @example
 * const image = await openImage(input.files[0])
 * for (const { number, contentType, label } of image.partitions) console.log(number, contentType, label)
 */
export async function openImage(image: MemorySource, options: OpenOptions = {}): Promise<DiskImage> {
  checkOptions('openImage', options, OPEN_OPTIONS)
  return readDiskImage(await openBytes(image, options.signal), options)
}

/**
 * Checks the partition table and the file systems of an image: their structure and all checksums. Damage is a finding,
 * not an error.
 *
 * @throws UnsupportedError when it is compressed in another way than zstd with a seek table
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @example
 * const { counts, findings } = await verifyImage(blob)
 */
export async function verifyImage(
  image: MemorySource | DiskImage,
  options: VerifyOptions = {},
): Promise<VerifyResult> {
  checkOptions('verifyImage', options, VERIFY_OPTIONS)
  const given = { ...options, workers: 0 }
  if (image instanceof DiskImage) return verifyDisk(image, given)
  return verifyBytes(await openBytes(image, options.signal), given)
}

/**
 * Reports what an image is made of, and what takes how much of it.
 *
 * @throws CorruptError when its partition table is damaged beyond use
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @example
 * const { partitions } = await inspectImage(blob)
 */
export async function inspectImage(
  image: MemorySource | DiskImage,
  options: InspectOptions = {},
): Promise<ImageReport> {
  checkOptions('inspectImage', options, INSPECT_OPTIONS)
  if (image instanceof DiskImage) return inspectDisk(image, options)
  const disk = await readDiskImage(await openBytes(image, options.signal), { signal: options.signal })
  return inspectDisk(disk, options)
}

/**
 * A pax archive of a directory and all below it, or of one file, as a stream. Errors of reading are errors of the
 * stream: NotFoundError when there is no such path or partition, CorruptError for damage.
 *
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @example
 * const tar = await new Response(extractTar(blob, { partition: 'ROOT', path: '/etc' })).blob()
 */
export function extractTar(
  image: MemorySource | DiskImage | FileSystem,
  options: ExtractFromOptions = {},
): ReadableStream<Uint8Array> {
  checkExtractOptions('extractTar', image, options, EXTRACT_OPTIONS)
  const { partition, path, signal, onProgress } = options
  const open = async (source: MemorySource) => readDiskImage(await openBytes(source, signal), { signal })
  return tarStream((write) =>
    withFileSystem(image, partition, open, async (fileSystem) =>
      write(fileSystem, { ...(await startOf(fileSystem, path)), signal, onProgress }),
    ),
  )
}

async function openBytes(image: MemorySource, signal: AbortSignal | undefined): Promise<ImageBytes> {
  signal?.throwIfAborted()
  return openStored(openMemory(image), signal, (_, { name, format, reason }) => {
    const expected = 'expected an image without compression, or zstd with a seek table'
    return Promise.reject(new UnsupportedError(`${name}: ${expected}, found ${format} (${reason})`))
  })
}
