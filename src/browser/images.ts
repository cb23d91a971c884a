/** Images in a browser: opened, verified, compared, inspected, and extracted to a stream. */
import { openMemory, type MemorySource } from '../input/memory-input.ts'
import { openStored, type ImageBytes } from '../input/open-stored.ts'
import { isSupportedCompression } from '../lib/compression-format.ts'
import { UnsupportedError } from '../lib/errors.ts'
import { checkOptions, FUNCTION, type OptionTable } from '../lib/options.ts'
import type { CreateScratch } from '../lib/random-access.ts'
import { scratchCopy } from '../input/scratch-copy.ts'
import { DIFF_OPTIONS, diffDisks, type Difference, type DiffOptions } from '../image/diff/diff-disks.ts'
import { DiskImage, readDiskImage } from '../image/disk-image.ts'
import {
  checkExtractOptions,
  EXTRACT_OPTIONS,
  startOf,
  withFileSystem,
  type ExtractFromOptions,
} from '../image/extract/extract-source.ts'
import { tarStream } from '../image/extract/tar-stream.ts'
import type { FileSystem } from '../image/file-system.ts'
import { INSPECT_OPTIONS, inspectDisk, type InspectOptions } from '../image/inspect-disk.ts'
import { OPEN_OPTIONS, type OpenOptions } from '../image/open-options.ts'
import type { ImageReport } from '../image/report.ts'
import {
  VERIFY_OPTIONS,
  verifyBytes,
  verifyDisk,
  type VerifyOptions,
  type VerifyResult,
} from '../image/verify-disk.ts'

export interface OpenImageOptions extends OpenOptions {
  /**
   * Makes room for the content of an image that can only be decompressed front to back: xz, gzip, bzip2, lz4, and zstd without
   * a seek table. Default: such images are not opened.
   */
  createScratch?: CreateScratch | undefined
}

const OPEN_IMAGE_OPTIONS: OptionTable<OpenImageOptions> = { ...OPEN_OPTIONS, createScratch: FUNCTION }

/**
 * Opens a disk image, or the image of a single file system, for reading. It may be compressed with zstd that has a
 * seek table, as all of diskwright's have, and is then read as it is. With `createScratch` it may be compressed in other
 * ways, too; close it, to free that room.
 *
 * @throws UnsupportedError when it is compressed in another way
 * @throws InputError when it cannot be decompressed
 * @throws CorruptError when its partition table is damaged beyond use
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @example
 * const image = await openImage(input.files[0])
 * for (const { number, contentType, label } of image.partitions) console.log(number, contentType, label)
 */
export async function openImage(image: MemorySource, options: OpenImageOptions = {}): Promise<DiskImage> {
  checkOptions('openImage', options, OPEN_IMAGE_OPTIONS)
  return readDiskImage(await openBytes(image, options), options)
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
  return verifyBytes(await openBytes(image, options), given)
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
  const disk = await readDiskImage(await openBytes(image, options), { signal: options.signal })
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
  const open = async (source: MemorySource) => readDiskImage(await openBytes(source, { signal }), { signal })
  return tarStream((write) =>
    withFileSystem(image, partition, open, async (fileSystem) =>
      write(fileSystem, { ...(await startOf(fileSystem, path)), signal, onProgress }),
    ),
  )
}

/**
 * Compares two images: the partition tables, what the file systems say of themselves, subvolumes, and every entry with
 * its attributes and content. See `diffImages` of diskwright.
 *
 * @throws CorruptError when one is damaged where it matters
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @example
 * for await (const { path, what, a, b } of diffImages(old, current)) console.log(path, what, a, b)
 */
export async function* diffImages(
  a: MemorySource | DiskImage,
  b: MemorySource | DiskImage,
  options: DiffOptions = {},
): AsyncGenerator<Difference, void, undefined> {
  checkOptions('diffImages', options, DIFF_OPTIONS)
  const open = async (image: MemorySource | DiskImage) =>
    image instanceof DiskImage ? image : readDiskImage(await openBytes(image, options), options)
  yield* diffDisks(await open(a), await open(b), options)
}

async function openBytes(
  image: MemorySource,
  { signal, onNotice, onProgress, createScratch }: OpenImageOptions,
): Promise<ImageBytes> {
  signal?.throwIfAborted()
  return openStored(openMemory(image), signal, async (stored, { name, format, reason }) => {
    if (createScratch === undefined || !isSupportedCompression(format)) {
      const expected = 'expected an image without compression, or zstd with a seek table'
      throw new UnsupportedError(`${name}: ${expected}, found ${format} (${reason})`)
    }
    onNotice?.(`${name}: ${reason}, so all of it is decompressed`)
    const onRead = (done: number) =>
      onProgress?.({ phase: 'decompress', step: `decompressing ${name}`, done, total: stored.size })
    return scratchCopy(stored, name, { createScratch, onRead })
  })
}
