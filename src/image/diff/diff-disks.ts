/** Compares two images that are open: partitions, file systems, and everything in them. */
import { toDisplay } from '../../lib/byte-string.ts'
import { FUNCTION, TEXTS, type OptionTable } from '../../lib/options.ts'
import { drive } from '../../lib/read-routine.ts'
import type { DiskImage } from '../disk-image.ts'
import type { FileSystem } from '../file-system.ts'
import type { ImagePartition } from '../image-partition.ts'
import { OPEN_OPTIONS, type OpenOptions } from '../open-options.ts'
import { byteText, firstDifference, COMPARED_PIECE } from './compare-bytes.ts'
import { diffTrees } from './diff-trees.ts'
import { diffWordProblem, groupOf } from './diff-words.ts'
import { TreeSide } from './tree-side.ts'

/** One thing that is not the same. */
export interface Difference {
  /** Number of the partition; undefined: it is about the image. */
  partition: number | undefined
  /** Path of the entry, with `/` at its beginning; bytes that are not UTF-8 as `\xNN`. Undefined: it is about none. */
  path: string | undefined
  /**
   * Of an entry `entry`, `type`, `mode`, `uid`, `gid`, `size`, `device`, `mtime`, `atime`, `ctime`, `birthtime`,
   * `flags`, `xattr NAME`, `target`, `link`, `content`; of others a few words.
   */
  what: string
  /** How it is in the first image; undefined: not there. */
  a: string | undefined
  /** How it is in the second image; undefined: not there. */
  b: string | undefined
}

export interface DiffOptions extends OpenOptions {
  /** Words, as in `what`, that are left out: `atime`, for example; `xattr` leaves out all attributes. */
  ignore?: readonly string[] | undefined
  /** Called often, with the entries and the bytes of content that were compared; it should return at once. */
  onCompared?: ((progress: { entries: number; bytes: number }) => void) | undefined
}

export const DIFF_OPTIONS: OptionTable<DiffOptions> = { ...OPEN_OPTIONS, ignore: TEXTS, onCompared: FUNCTION }

type Facts = Record<string, string | undefined>

export async function* diffDisks(
  a: DiskImage,
  b: DiskImage,
  options: DiffOptions,
): AsyncGenerator<Difference, void, undefined> {
  const ignored = new Set(options.ignore)
  for (const word of ignored) {
    const problem = diffWordProblem(word)
    if (problem !== undefined) throw new RangeError(`diffImages: option ignore: ${problem}`)
  }
  for await (const difference of allDifferences(a, b, options)) {
    const { what } = difference
    if (!ignored.has(what) && !ignored.has(groupOf(what))) yield difference
  }
}

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
  a.expectIdentified()
  b.expectIdentified()
  yield* diffFacts(number, partitionFacts(a), partitionFacts(b))
  if (a.driver === undefined && b.driver === undefined) yield* diffBytes(a, b)
  if (a.driver === undefined || a.driver !== b.driver) return
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

function partitionFacts({ start, size, type, bootable, name, entry, contentType }: ImagePartition): Facts {
  return {
    start: String(start),
    size: String(size),
    'partition type': typeof type === 'number' ? `0x${type.toString(16).padStart(2, '0')}` : type,
    bootable: bootable ? 'yes' : 'no',
    name,
    GUID: entry?.guid,
    content: contentType ?? 'unknown',
  }
}

async function fileSystemFacts({ label, uuid, opened, source }: FileSystem): Promise<Facts> {
  const more = opened.facts?.()
  return { label, uuid, ...(more && (await drive(source, more))) }
}

function* diffFacts(partition: number | undefined, a: Facts, b: Facts): Generator<Difference> {
  for (const what of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (a[what] !== b[what]) yield { partition, path: undefined, what, a: a[what], b: b[what] }
  }
}

/** The first byte that differs, of partitions without a file system that can be opened. */
async function* diffBytes(a: ImagePartition, b: ImagePartition): AsyncGenerator<Difference> {
  const size = Math.min(a.source.size, b.source.size)
  for (let at = 0; at < size; at += COMPARED_PIECE) {
    const wanted = Math.min(COMPARED_PIECE, size - at)
    const [bytesA, bytesB] = [await a.source.read(at, wanted), await b.source.read(at, wanted)]
    const differs = firstDifference(bytesA, bytesB)
    if (differs === undefined) continue
    const [textA, textB] = [bytesA, bytesB].map((bytes) => byteText(bytes, differs, at))
    yield { partition: a.number, path: undefined, what: 'content', a: textA, b: textB }
    return
  }
}
