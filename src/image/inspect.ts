import { btrfsUsage, type BtrfsUsageOptions } from '../btrfs/usage/usage.ts'
import type { BtrfsUsage } from '../btrfs/usage/report.ts'
import type { BtrfsReader } from '../btrfs/read/open.ts'
import { checksumName } from '../btrfs/read/superblock.ts'
import { fatUsage, type FatUsage } from '../fat32/usage/usage.ts'
import type { FatReader } from '../fat32/read/reader.ts'
import type { FileSystemType } from './file-system.ts'
import { readPartitionTable } from '../gpt-mbr/read/table.ts'
import { partitionTypeName } from '../gpt-mbr/type-names.ts'
import type { Gap, ImageReport, PartitionReport } from './report.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import { CorruptError, UnsupportedError } from '../lib/errors.ts'
import { formatFinding, type Finding } from '../lib/finding.ts'
import { loadHash } from '../lib/load-hash.ts'
import { drive } from '../lib/read-routine.ts'
import { openFileSystem } from './open-file-system.ts'
import type { DiskImage, ImagePartition } from './open-image.ts'
import { formatDiskId } from '../spec/numbers.ts'

export type * from './report.ts'

export interface InspectOptions {
  /** Look at the metadata of the file systems, too; yes when not given. Otherwise it is the table alone. */
  usage?: boolean
  /** Is told what is being looked at. */
  onProgress?: (progress: { step: string }) => void
  signal?: AbortSignal
}

/**
 * What an image is made of, and what takes how much of it. All metadata are read, and no content. What is damaged is
 * among the problems of the report; the numbers are then those of the rest.
 */
export async function inspectImage(image: DiskImage, options: InspectOptions = {}): Promise<ImageReport> {
  const { table, size } = image
  const problems: string[] = []
  // Read once more, so that what is wrong with it is in the report.
  await drive(
    image.source,
    readPartitionTable(size, (fault) => problems.push(formatFinding(fault))),
  )
  const partitions: PartitionReport[] = []
  for (const partition of image.partitions) {
    partitions.push(await inspectPartition(partition, problems, options))
  }
  return {
    size,
    compression: image.compression && {
      format: image.compression.format,
      frames: image.compression.frames,
      storedBytes: image.compression.storedBytes,
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
    problems,
  }
}

async function inspectPartition(
  partition: ImagePartition,
  problems: string[],
  options: InspectOptions,
): Promise<PartitionReport> {
  const { number, start, size, type, bootable, name, entry } = partition
  const say = (text: string) => problems.push(number === 0 ? text : `partition ${number}: ${text}`)
  if (size > partition.source.size) {
    say(`it ends ${size - partition.source.size} bytes behind the end of the image`)
  }
  const fileSystemType = await partition.fileSystemType()
  let fileSystem: PartitionReport['fileSystem']
  if (fileSystemType !== undefined && options.usage !== false) {
    try {
      fileSystem = await inspectFileSystem(fileSystemType, partition.source, say, {
        ...options,
        where: number === 0 ? '' : `partition ${number}: `,
      })
    } catch (error) {
      if (!(error instanceof CorruptError || error instanceof UnsupportedError)) throw error
      say(error.message)
    }
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
    content: await partition.contentType(),
    fileSystem,
  }
}

/** Faults that are told one by one; a badly damaged file system has thousands. */
const MAX_FAULTS = 20

async function inspectFileSystem(
  type: FileSystemType,
  bytes: ByteSource,
  say: (text: string) => void,
  { signal, onProgress, where }: InspectOptions & { where: string },
): Promise<BtrfsUsage | FatUsage> {
  let faults = 0
  const onFinding = (fault: Finding) => {
    if (++faults <= MAX_FAULTS) say(formatFinding(fault))
  }
  const source = watched(bytes, signal)
  // Opened anew, so that faults are reported here, with the partition they are in.
  const { reader, notices } = await openFileSystem(type, source, { onFinding })
  for (const notice of notices) say(notice.message)
  onProgress?.({ step: `${where}directories and files` })
  const usage =
    type === 'btrfs'
      ? await inspectBtrfs(reader as BtrfsReader, source, {
          onFinding,
          onStep: (step) => onProgress?.({ step: `${where}${step}` }),
        })
      : await drive(source, fatUsage(reader as FatReader, { onFinding }))
  if (faults > MAX_FAULTS) say(`${faults - MAX_FAULTS} more faults`)
  return usage
}

async function inspectBtrfs(
  reader: BtrfsReader,
  source: ByteSource,
  options: Pick<BtrfsUsageOptions, 'onFinding' | 'onStep'>,
): Promise<BtrfsUsage> {
  const hash = await loadHash(checksumName(reader.superblock))
  return drive(source, btrfsUsage(reader, { hash, deviceSize: source.size, ...options }))
}

/** A source that gives nothing any more once the signal is aborted. */
function watched(source: ByteSource, signal: AbortSignal | undefined): ByteSource {
  if (signal === undefined) return source
  return {
    size: source.size,
    read(offset, length) {
      signal.throwIfAborted()
      return source.read(offset, length)
    },
  }
}

/** What lies between the partitions, before the first and behind the last. */
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
