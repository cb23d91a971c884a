/** Reports on images that are open, wherever their bytes come from. */
import { counted } from '../lib/counted.ts'
import { partitionTypeName } from '../gpt-mbr/type-names.ts'
import { CorruptError, UnsupportedError } from '../lib/errors.ts'
import { findingOf, type Finding, type OnFinding } from '../lib/finding.ts'
import { BOOLEAN, FUNCTION, type OptionTable } from '../lib/options.ts'
import { formatDiskId } from '../spec/notation/numbers.ts'
import type { DiskImage } from './disk-image.ts'
import type { ImagePartition } from './image-partition.ts'
import { OPEN_OPTIONS, type OpenOptions } from './open-options.ts'
import type { FileSystemUsage, Gap, ImageReport, PartitionReport } from './report.ts'

export interface InspectOptions extends OpenOptions {
  /** Look at the metadata of the file systems, too. Default: yes. Otherwise it is the partition table alone. */
  usage?: boolean | undefined
  /** Called with what is looked at next, in a few words. */
  onStep?: ((step: string) => void) | undefined
  /** Called with each finding as it is made; offsets are those in the image. */
  onFinding?: OnFinding | undefined
}

export const INSPECT_OPTIONS: OptionTable<InspectOptions> = {
  ...OPEN_OPTIONS,
  usage: BOOLEAN,
  onStep: FUNCTION,
}

/** Findings of one partition that are listed. A badly damaged file system has thousands. */
const MAX_LISTED = 20

export async function inspectDisk(image: DiskImage, options: InspectOptions): Promise<ImageReport> {
  const { table, size, compression } = image
  const findings: Finding[] = []
  const report: OnFinding = (finding) => {
    findings.push(finding)
    options.onFinding?.(finding)
  }
  for (const finding of image.findings) report(finding)
  const partitions: PartitionReport[] = []
  for (const partition of image.partitions) {
    partitions.push(await inspectPartition(partition, report, options))
  }
  return {
    size,
    compression: compression && {
      format: compression.format,
      frames: compression.frames,
      storedBytes: compression.storedBytes,
    },
    table: table && {
      type: table.type,
      diskId: table.diskId === undefined ? undefined : formatDiskId(table.diskId),
      guid: table.guid,
      sectorSize: table.sectorSize,
      usesBackup: table.usesBackup,
    },
    partitions,
    gaps: gapsOf(image),
    findings,
  }
}

async function inspectPartition(
  partition: ImagePartition,
  report: OnFinding,
  options: InspectOptions,
): Promise<PartitionReport> {
  const { number, start, size, type, bootable, name, entry } = partition
  const missing = size - partition.source.size
  if (missing > 0) {
    const message = `ends ${counted(missing, 'byte')} after the end of the image`
    report(partition.place({ severity: 'error', where: 'partition', message }))
  }
  return {
    number,
    start,
    size,
    type: typeof type === 'number' ? `0x${type.toString(16).padStart(2, '0')}` : type,
    typeName: partitionTypeName(type),
    bootable,
    name,
    guid: entry?.guid,
    isLogical: entry?.isLogical ?? false,
    content: partition.contentType,
    fileSystem: options.usage === false ? undefined : await inspectFileSystem(partition, report, options),
  }
}

/** @returns undefined when there is none that can be opened, or it is too damaged */
async function inspectFileSystem(
  partition: ImagePartition,
  report: OnFinding,
  { signal, onStep }: InspectOptions,
): Promise<FileSystemUsage | undefined> {
  if (partition.driver === undefined) return undefined
  const where = partition.number === 0 ? '' : `partition ${partition.number}: `
  let count = 0
  const listFirst: OnFinding = (finding) => {
    if (++count <= MAX_LISTED) report(finding)
  }
  // Some were found before, and are not found again.
  for (const finding of partition.findings) listFirst(finding)
  const unsubscribe = partition.subscribe(listFirst)
  try {
    const { opened } = await partition.open()
    onStep?.(`${where}directories and files`)
    return await opened.usage({
      onFinding: (finding) => partition.report(finding),
      onStep: (step) => onStep?.(`${where}${step}`),
      signal,
    })
  } catch (error) {
    if (!(error instanceof CorruptError || error instanceof UnsupportedError)) throw error
    report(partition.place(findingOfError(error)))
    return undefined
  } finally {
    unsubscribe()
    if (count > MAX_LISTED) {
      const message = counted(count - MAX_LISTED, 'more finding')
      report(partition.place({ severity: 'error', where: 'file system', message }))
    }
  }
}

function findingOfError(error: CorruptError | UnsupportedError): Finding {
  if (error instanceof CorruptError) return findingOf(error)
  return { severity: 'error', where: 'file system', message: error.message }
}

/** The space between the partitions, before the first and behind the last. */
function gapsOf({ partitions, table, size }: DiskImage): Gap[] {
  if (table === undefined) return []
  const gaps: Gap[] = []
  let end = 0
  const inOrder = partitions
    .filter(({ entry }) => entry?.isExtended !== true)
    .sort((a, b) => a.start - b.start)
  for (const { start, size } of inOrder) {
    if (start > end) gaps.push({ start: end, size: start - end })
    end = Math.max(end, start + size)
  }
  if (size > end) gaps.push({ start: end, size: size - end })
  return gaps
}
