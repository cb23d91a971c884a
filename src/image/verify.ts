/** Is an image sound? */
import { checkFileSystem } from './check-file-system.ts'
import { lintImage, type LintOptions } from '../boot/lint.ts'
import { openBytes } from '../input/open-bytes.ts'
import type { ImageSource } from '../input/open-input.ts'
import { checkPartitionTable } from '../gpt-mbr/check/check.ts'
import { mismatch, findingOf, type Finding, type OnFinding } from '../lib/finding.ts'
import { drive } from '../lib/read-routine.ts'
import { DiskImage, openImage, type ImagePartition, type OpenOptions } from './open-image.ts'

/** Something wrong with an image. `offset` counts from the start of the (uncompressed) image. */
export interface ImageFault extends Finding {
  /** Number of the partition; undefined: it is about the image or its partition table. */
  partition: number | undefined
  /** What is in the partition: `btrfs`, `fat32`; `image` for what lies in none. */
  content: string
}

export interface VerifyOptions extends Omit<OpenOptions, 'onFinding'> {
  /** Leave out the content of files: only the structure is checked. */
  quick?: boolean | undefined
  /** Look for what keeps the image from booting, too: with a U-Boot of that version, if one is named. */
  boot?: LintOptions | undefined
  /** Is told of each fault, when it is found. */
  onFinding?: ((fault: ImageFault) => void) | undefined
}

export interface VerifyResult {
  /** How many there are. */
  faults: number
  partitions: VerifiedPartition[]
  /** What keeps it from booting, or may; undefined when that was not asked for. */
  boot?: Finding[]
}

export interface VerifiedPartition {
  /** 0 is an image without a partition table. */
  number: number
  /** `btrfs`, `fat32`, other file systems, `unknown`. */
  content: string
  label: string
  /** Bytes. */
  size: number
  /** Whether this is something that can be checked here. */
  isChecked: boolean
  faults: number
}

/** What is wrong on a large scale is told this often, to spare time and the reader. */
const MAX_FAULTS = 10_000

/**
 * Checks the partition table and the file systems of an image: their structure and all checksums. Nothing is told of
 * a sound one. At most 10,000 faults are told of each partition, and all are counted.
 *
 * @throws InputError when it cannot be read
 * @throws RangeError when `boot` names no version of U-Boot
 */
export async function verifyImage(image: ImageSource, options: VerifyOptions = {}): Promise<VerifyResult> {
  const { onFinding = () => undefined } = options
  const bytes = await openBytes(image, options)
  try {
    const { source } = bytes
    let faults = 0
    const reportImage: OnFinding = (fault) => {
      faults++
      onFinding({ ...fault, partition: undefined, content: 'image' })
    }
    const opened = await openImage(source, { signal: options.signal }).catch((error: unknown) =>
      findingOf(error),
    )
    const isOpen = opened instanceof DiskImage
    if (!isOpen || opened.table !== undefined) {
      await drive(source, checkPartitionTable(source.size, reportImage))
    }
    if (!isOpen) {
      if (faults === 0) reportImage(opened)
      return { faults, partitions: [] }
    }
    const partitions: VerifiedPartition[] = []
    for (const partition of opened.partitions) {
      const verified = await verifyPartition(partition, options, onFinding)
      partitions.push(verified)
      faults += verified.faults
    }
    if (opened.table === undefined && partitions.every(({ isChecked }) => !isChecked)) {
      const expected = 'a partition table, or a file system that is known here'
      reportImage(mismatch({ where: 'image', offset: 0, expected, found: 'neither' }))
    }
    const boot = options.boot && (await lintImage(opened, options.boot))
    return { faults, partitions, ...(boot && { boot }) }
  } finally {
    await bytes.close()
  }
}

async function verifyPartition(
  partition: ImagePartition,
  { quick = false, onProgress, signal }: VerifyOptions,
  report: (fault: ImageFault) => void,
): Promise<VerifiedPartition> {
  const { number, start, size, source } = partition
  const verified = { number, content: 'unknown', label: '', size, isChecked: false, faults: 0 }
  const onFinding: OnFinding = (fault) => {
    verified.faults++
    if (verified.faults > MAX_FAULTS) return
    const { content } = verified
    report({
      ...fault,
      offset: start + (fault.offset ?? 0),
      partition: number === 0 ? undefined : number,
      content,
    })
  }
  try {
    verified.content = (await partition.contentType()) ?? 'unknown'
    verified.label = await partition.label()
    const type = await partition.fileSystemType()
    if (type === undefined) return verified
    verified.isChecked = true
    const step = number === 0 ? 'checking' : `checking partition ${number}`
    await checkFileSystem(type, source, {
      quick,
      onFinding,
      onProgress: (done, total) => onProgress?.({ step, done, total }),
      signal,
    })
  } catch (error) {
    onFinding(findingOf(error))
  }
  return verified
}
