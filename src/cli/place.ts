/** A place in an image, `PART:PATH`, and access to it. */
import type { DiskImage, ImagePartition } from '../image/open-image.ts'
import type { FileSystem, Stat } from '../image/file-system.ts'
import { toBytes, fromText } from '../lib/byte-string.ts'
import { NotFoundError } from '../lib/errors.ts'
import { FOREIGN_START, foreignFormatOf } from '../lib/foreign-format.ts'
import { CommandError } from './exit.ts'
import { formatFinding } from '../lib/finding.ts'
import { interruptible } from './interrupt.ts'
import { showProgress, type ProgressMode } from './progress.ts'
import { styled } from './style.ts'
import type { UsageError } from './preset-options.ts'

export interface Place {
  /** Number or label; undefined: the only one. */
  partition: string | undefined
  /** As given; '' is the root. */
  path: string
}

/** `2:/@boot`, `NIXOS_SD:/etc`; `/etc` is in the only partition, `2` is the root of one. */
export function parsePlace(text: string): Place {
  const colon = text.indexOf(':')
  if (text.startsWith('/')) return { partition: undefined, path: text }
  if (colon < 0) return { partition: text, path: '' }
  return { partition: text.slice(0, colon) || undefined, path: text.slice(colon + 1) }
}

/** The partition of a place. */
export function partitionOf(image: DiskImage, { partition }: Place, usage: UsageError): ImagePartition {
  if (partition !== undefined) return image.partition(partition)
  if (image.partitions.length === 1) return image.partitions[0]
  const names = image.partitions.map(({ number, labels }) => [number, ...labels].join(' or '))
  return usage(`expected PART:PATH, where PART is one of the image's partitions: ${names.join(', ')}`)
}

/**
 * Resolves a path. Bytes that are not UTF-8 can be written as they are shown, `\xNN`, unless a file has exactly these
 * characters in its name.
 */
export async function findPath(
  fileSystem: FileSystem,
  path: string,
  { followLast = true } = {},
): Promise<{ path: Uint8Array; stat: Stat }> {
  const find = async (bytes: Uint8Array) => ({
    path: bytes,
    stat: await (followLast ? fileSystem.stat(bytes) : fileSystem.lstat(bytes)),
  })
  const literal = fromText(path)
  try {
    return await find(toBytes(literal))
  } catch (error) {
    const unescaped = literal.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(parseInt(hex, 16)),
    )
    if (!(error instanceof NotFoundError) || unescaped === literal) throw error
    return find(toBytes(unescaped)).catch(() => {
      throw error
    })
  }
}

/** Runs `work` with an open image; a signal aborts it. Damage that does not prevent reading is reported as a note. */
export function withImage<T>(
  path: string,
  work: (image: DiskImage, signal: AbortSignal) => Promise<T>,
  mode?: ProgressMode,
): Promise<T> {
  return interruptible(async (signal) => {
    const { openImage } = await import('../image/open-image.ts')
    const progress = showProgress(process.stderr, { mode })
    const image = await openImage(path, {
      signal,
      onNotice: warn,
      onFinding: (fault) => warn(formatFinding(fault)),
      onProgress: progress?.update,
    }).finally(() => progress?.clear())
    try {
      await refuseArchive(path, image)
      return await work(image, signal)
    } finally {
      await image.close()
    }
  })
}

/** @throws CommandError when the file is an archive and not an image */
export async function refuseArchive(path: string, image: DiskImage): Promise<void> {
  const [only, other] = image.partitions
  if (only?.number !== 0 || other !== undefined || only.contentType !== undefined) return
  const { source } = only
  const start = await source.read(0, Math.min(source.size, FOREIGN_START))
  const found = foreignFormatOf(start)
  if (found === undefined || !/archive|stream of btrfs send|NAR/.test(found)) return
  throw new CommandError([
    `${path} is ${found}, not an image: diskwright build ${path} -o disk.img makes an image from it`,
  ])
}

export function warn(text: string): void {
  process.stderr.write(`diskwright: ${styled('note:', 'yellow', process.stderr)} ${text}\n`)
}
