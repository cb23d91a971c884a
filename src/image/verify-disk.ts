/** Verifies images that are open, wherever their bytes come from. */
import { checkTable } from '../gpt-mbr/check/check.ts'
import type { ImageBytes, InputProgress } from '../input/open-stored.ts'
import { CorruptError } from '../lib/errors.ts'
import { findingOf, mismatch, type Finding, type OnFinding, type Severity } from '../lib/finding.ts'
import { BOOLEAN, WORKERS, type OptionTable } from '../lib/options.ts'
import { observeSource } from '../lib/observe-source.ts'
import { drive } from '../lib/read-routine.ts'
import type { DiskImage } from './disk-image.ts'
import { readDiskImage } from './disk-image.ts'
import type { ImagePartition } from './image-partition.ts'
import { OPEN_OPTIONS, type OpenOptions } from './open-options.ts'

export interface VerifyOptions extends OpenOptions {
  /** Check the structure alone, not the content of files. */
  quick?: boolean | undefined
  /**
   * Worker threads that decompress; 0: the calling thread does it. Default, and at most: one for each core. In a
   * browser none is used.
   */
  workers?: number | undefined
  /** Called with each finding as it is made; offsets are those in the (uncompressed) image. */
  onFinding?: OnFinding | undefined
  /** Called often: bytes of the image that are decompressed, or of a partition that are checked. */
  onProgress?: ((progress: InputProgress) => void) | undefined
}

export const VERIFY_OPTIONS: OptionTable<VerifyOptions> = {
  ...OPEN_OPTIONS,
  quick: BOOLEAN,
  workers: WORKERS,
}

export type FindingCounts = Record<Severity, number>

export interface VerifyResult {
  /** Counts of all findings, listed or not. The image is sound if there are no errors. */
  counts: FindingCounts
  /** At most 10,000 for each partition, and for the image itself. */
  findings: Finding[]
  /** In the order of their numbers; none if the partition table is damaged beyond use. */
  partitions: VerifiedPartition[]
}

export interface VerifiedPartition {
  /** 0 for an image without a partition table. */
  number: number
  /** `btrfs`, `fat32`, another file system, or `unknown`. */
  content: string
  label: string
  /** Bytes. */
  size: number
  /** Whether diskwright can check this kind of content. */
  isChecked: boolean
  counts: FindingCounts
}

/** Findings of one partition that are listed. */
const MAX_LISTED = 10_000

/** Reads the partition table of `bytes`, which it closes, and verifies the image. */
export async function verifyBytes(bytes: ImageBytes, options: VerifyOptions): Promise<VerifyResult> {
  let image: DiskImage
  try {
    image = await readDiskImage(bytes, { signal: options.signal })
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error
    return unusableTable(error, options)
  }
  try {
    return await verifyDisk(image, options)
  } finally {
    await image.close()
  }
}

/** Checks the partition table and the file systems of an image: their structure and all checksums. */
export async function verifyDisk(image: DiskImage, options: VerifyOptions): Promise<VerifyResult> {
  const ofImage = new Findings(options.onFinding)
  if (image.table !== undefined) {
    await drive(
      observeSource(image.tableSource, { signal: options.signal }),
      checkTable(image.size, ofImage.add),
    )
  }
  const partitions: VerifiedPartition[] = []
  const findings = [ofImage]
  for (const partition of image.partitions) {
    const ofPartition = new Findings(options.onFinding)
    partitions.push(await verifyPartition(partition, ofPartition, options))
    findings.push(ofPartition)
  }
  const isUnknown = partitions.every(({ content }) => content === 'unknown')
  if (image.table === undefined && isUnknown) {
    const expected = 'a partition table or a supported file system'
    for (const finding of image.findings) ofImage.add(finding)
    ofImage.add(mismatch({ where: 'image', offset: 0, expected, found: 'neither' }))
  }
  return {
    counts: sumOf(findings.map(({ counts }) => counts)),
    findings: findings.flatMap(({ listed }) => listed),
    partitions,
  }
}

function unusableTable(error: CorruptError, { onFinding }: VerifyOptions): VerifyResult {
  const findings = new Findings(onFinding)
  findings.add(findingOf(error))
  return { counts: findings.counts, findings: findings.listed, partitions: [] }
}

async function verifyPartition(
  partition: ImagePartition,
  findings: Findings,
  { quick = false, workers = 0, onProgress, signal }: VerifyOptions,
): Promise<VerifiedPartition> {
  const { number, label, size, source, driver, contentType: content = 'unknown' } = partition
  const onFinding: OnFinding = (finding) => findings.add(partition.place(finding))
  const step = number === 0 ? 'checking' : `checking partition ${number}`
  try {
    partition.expectIdentified()
    await driver?.check(source, {
      quick,
      workers,
      onFinding,
      onProgress: (done, total) => onProgress?.({ phase: 'check', step, done, total }),
      signal,
    })
  } catch (error) {
    onFinding(findingOf(error))
  }
  return { number, content, label, size, isChecked: driver !== undefined, counts: findings.counts }
}

/** Counts findings, and lists the first of them. */
class Findings {
  readonly counts: FindingCounts = { error: 0, warning: 0, notice: 0 }
  readonly listed: Finding[] = []
  readonly #onFinding: OnFinding | undefined

  constructor(onFinding: OnFinding | undefined) {
    this.#onFinding = onFinding
  }

  readonly add: OnFinding = (finding) => {
    this.counts[finding.severity]++
    if (this.listed.length === MAX_LISTED) return
    this.listed.push(finding)
    this.#onFinding?.(finding)
  }
}

function sumOf(counts: readonly FindingCounts[]): FindingCounts {
  const sum: FindingCounts = { error: 0, warning: 0, notice: 0 }
  for (const { error, warning, notice } of counts) {
    sum.error += error
    sum.warning += warning
    sum.notice += notice
  }
  return sum
}
