/** What differs between two images: partitions, file systems, and all that is in them. */
import type { BtrfsReader } from '../btrfs/read/open.ts'
import { byteText, diffTrees, firstDifference, TreeSide } from './diff-trees.ts'
import type { FileSystem } from './file-system.ts'
import type { ImageSource } from '../input/open-input.ts'
import { toDisplay } from '../lib/byte-string.ts'
import { hexText } from '../lib/hex.ts'
import { drive } from '../lib/read-routine.ts'
import { openImage, type DiskImage, type ImagePartition, type OpenOptions } from './open-image.ts'

/** One thing that is not the same. */
export interface Difference {
  /** Number of the partition; undefined: it is about the image. */
  partition: number | undefined
  /** Of what is in a file system, with `/` at its beginning; bytes that are not UTF-8 as `\xNN`. */
  path: string | undefined
  /**
   * Of an entry `entry`, `type`, `mode`, `uid`, `gid`, `size`, `device`, `mtime`, `atime`, `ctime`, `birthtime`,
   * `flags`, `xattr NAME`, `target`, `link`, `content`; of others a few words.
   */
  what: string
  /** How it is on either side; undefined: not there. */
  a: string | undefined
  b: string | undefined
}

export interface DiffOptions extends OpenOptions {
  /** What is not to be compared: words as in `what`, for example `atime`. */
  ignore?: readonly string[] | undefined
  /** Called often; it should return at once. */
  onCompared?: ((progress: { entries: number; bytes: number }) => void) | undefined
}

/** Bytes that are compared at a time. */
const PIECE = 1 << 20

/**
 * Compares two images: the partition tables, what the file systems say of themselves, subvolumes, and every entry with
 * its attributes and content. How content is stored (compressed, shared, with holes) is no difference, nor is what lies
 * outside of partitions. Partitions are the same when they have the same number. Memory is bounded.
 *
 * @throws CorruptError when one of them is damaged where it matters
 */
export async function* diffImages(
  a: ImageSource,
  b: ImageSource,
  options: DiffOptions = {},
): AsyncGenerator<Difference, void, undefined> {
  const ignored = new Set(options.ignore)
  const imageA = await openImage(a, options)
  try {
    const imageB = await openImage(b, options)
    try {
      for await (const difference of allDifferences(imageA, imageB, options)) {
        if (!ignored.has(difference.what)) yield difference
      }
    } finally {
      await imageB.close()
    }
  } finally {
    await imageA.close()
  }
}

type Facts = Record<string, string | undefined>

async function* allDifferences(a: DiskImage, b: DiskImage, options: DiffOptions): AsyncGenerator<Difference> {
  yield* diffFacts(undefined, imageFacts(a), imageFacts(b))
  const numbers = new Set([...a.partitions, ...b.partitions].map(({ number }) => number))
  for (const number of [...numbers].sort((x, y) => x - y)) {
    const inA = a.partitions.find((partition) => partition.number === number)
    const inB = b.partitions.find((partition) => partition.number === number)
    if (inA !== undefined && inB !== undefined) yield* diffPartitions(inA, inB, options)
    else {
      const text = (partition: ImagePartition | undefined) => partition && `${partition.size} bytes`
      yield { partition: number, path: undefined, what: 'partition', a: text(inA), b: text(inB) }
    }
  }
}

function imageFacts({ size, table }: DiskImage): Facts {
  return {
    size: String(size),
    'partition table': table?.type ?? 'none',
    'disk id': table?.diskId === undefined ? undefined : `0x${table.diskId.toString(16).padStart(8, '0')}`,
    'disk GUID': table?.guid,
  }
}

async function* diffPartitions(
  a: ImagePartition,
  b: ImagePartition,
  options: DiffOptions,
): AsyncGenerator<Difference> {
  const { number } = a
  yield* diffFacts(number, await partitionFacts(a), await partitionFacts(b))
  const [typeA, typeB] = [await a.fileSystemType(), await b.fileSystemType()]
  if (typeA === undefined && typeB === undefined) yield* diffBytes(a, b)
  if (typeA === undefined || typeB === undefined || (typeA === 'btrfs') !== (typeB === 'btrfs')) return
  const [fsA, fsB] = [await a.open(), await b.open()]
  yield* diffFacts(number, await fileSystemFacts(fsA), await fileSystemFacts(fsB))

  let [entries, bytes] = [0, 0]
  const onEntry = (compared: number) => {
    options.signal?.throwIfAborted()
    entries++
    bytes += compared
    options.onCompared?.({ entries, bytes })
  }
  for await (const { path, ...rest } of diffTrees(new TreeSide(fsA), new TreeSide(fsB), onEntry)) {
    yield { partition: number, path: `/${toDisplay(path)}`, ...rest }
  }
}

async function partitionFacts(partition: ImagePartition): Promise<Facts> {
  const { start, size, type, bootable, name, entry } = partition
  return {
    start: String(start),
    size: String(size),
    'partition type': typeof type === 'number' ? `0x${type.toString(16).padStart(2, '0')}` : type,
    bootable: bootable ? 'yes' : 'no',
    name,
    GUID: entry?.guid,
    content: (await partition.contentType()) ?? 'unknown',
  }
}

async function fileSystemFacts(fileSystem: FileSystem): Promise<Facts> {
  const { label, uuid, type } = fileSystem
  const facts: Facts = { label, uuid }
  if (type !== 'btrfs') return facts
  const reader = fileSystem.reader as BtrfsReader
  const { sectorsize, nodesize, csumType, incompatFlags, compatRoFlags, totalBytes } = reader.superblock
  const subvolumes = await fileSystem.subvolumes()
  const ids = new Map(subvolumes.map(({ uuid, path }) => [hexText(uuid), path]))
  return {
    ...facts,
    'file system size': String(totalBytes),
    sectorsize: String(sectorsize),
    nodesize: String(nodesize),
    csum_type: String(csumType),
    incompat_flags: `0x${incompatFlags.toString(16)}`,
    compat_ro_flags: `0x${compatRoFlags.toString(16)}`,
    'default subvolume': String(await drive(fileSystem.source, reader.defaultSubvolume())),
    ...Object.fromEntries(
      subvolumes.map(({ path, id, uuid, readOnly, isSnapshot, parentUuid }) => {
        const source = ids.get(hexText(parentUuid)) ?? 'what is gone'
        const words = [
          `id ${id}`,
          hexText(uuid),
          readOnly && 'read-only',
          isSnapshot && `snapshot of ${source}`,
        ]
        return [`subvolume ${path}`, words.filter((word) => word !== false).join(', ')]
      }),
    ),
  }
}

function* diffFacts(partition: number | undefined, a: Facts, b: Facts): Generator<Difference> {
  for (const what of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (a[what] !== b[what]) yield { partition, path: undefined, what, a: a[what], b: b[what] }
  }
}

/** Of what is no file system that is known here. */
async function* diffBytes(a: ImagePartition, b: ImagePartition): AsyncGenerator<Difference> {
  const size = Math.min(a.source.size, b.source.size)
  for (let at = 0; at < size; at += PIECE) {
    const wanted = Math.min(PIECE, size - at)
    const [bytesA, bytesB] = [await a.source.read(at, wanted), await b.source.read(at, wanted)]
    const differs = firstDifference(bytesA, bytesB)
    if (differs === undefined) continue
    const [textA, textB] = [bytesA, bytesB].map((bytes) => byteText(bytes, differs, at))
    yield { partition: a.number, path: undefined, what: 'content', a: textA, b: textB }
    return
  }
}
