/** Reads the partition table of a disk, MBR or GPT. */
import { mismatch, findingOf, type Finding, type OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import {
  GPT_PRIMARY_LBA,
  GPT_SECTOR_SIZES,
  MBR_SIGNATURE,
  Mbr,
  SECTOR_SIZE,
  STATUS_BOOTABLE,
  TYPE_GPT_PROTECTIVE,
} from '../format.ts'
import { readGpt, type Gpt } from './gpt.ts'
import { formatGuid } from '../guid.ts'
import { isExtended, readLogical, readMbr, type MbrPartition, type MbrTable } from './mbr.ts'
import { isBootSector } from './not-a-table.ts'

export interface TablePartition {
  /** As Linux numbers them: the place in the table from 1; logical partitions from 5. */
  number: number
  /** Byte offset from the start of the disk. */
  start: number
  /** Bytes. */
  size: number
  /** The type byte of an MBR, or the type GUID of a GPT as text in upper case. */
  type: number | string
  bootable: boolean
  /** '' in an MBR. */
  name: string
  guid: string | undefined
  /** Of a GPT; 0 in an MBR. */
  attributes: bigint
  /** It lies in an extended partition. */
  isLogical: boolean
  /** It holds logical partitions and nothing else. */
  isExtended: boolean
  /** Byte offset on the disk of its entry in the table. */
  entryOffset: number
}

export interface PartitionTable {
  /** `hybrid`: a GPT whose MBR has further partitions. */
  type: 'mbr' | 'gpt' | 'hybrid'
  /** Bytes: the unit of the table's addresses. */
  sectorSize: number
  /** Of the MBR, for every type. */
  diskId: number | undefined
  /** Of the disk, in a GPT. */
  guid: string | undefined
  /** The primary header or its entries are damaged, so the table comes from the backup. */
  usesBackup: boolean
  /** In the order of their numbers. Of a hybrid those of the GPT, as systems that know GPT ignore the others. */
  partitions: TablePartition[]
  /** The MBR itself: of a GPT the protective entry, of a hybrid more. */
  mbr: MbrTable
}

/**
 * Reads the partition table of a disk.
 *
 * @param diskSize bytes
 * @param onFinding called with damage that does not keep the table from being read; damaged entries are left out
 * @returns undefined when there is none: the disk is empty, or one file system takes all of it
 * @throws CorruptError when the MBR leads to a GPT of which neither copy can be used
 */
export function* readTable(
  diskSize: number,
  onFinding: OnFinding = () => undefined,
): ReadRoutine<PartitionTable | undefined> {
  const mbr = yield* readFirstSector(onFinding)
  if (mbr === undefined) return undefined
  if (mbr.partitions.some(({ type }) => type === TYPE_GPT_PROTECTIVE)) {
    return fromGpt(mbr, yield* findGpt(diskSize, onFinding))
  }
  const partitions: MbrPartition[] = []
  for (const partition of mbr.partitions) {
    if (!isExtended(partition)) continue
    const firstNumber = partitions.at(-1)?.number
    partitions.push(
      ...(yield* readLogical(partition, { onFinding, ...(firstNumber && { firstNumber: firstNumber + 1 }) })),
    )
  }
  return {
    type: 'mbr',
    sectorSize: SECTOR_SIZE,
    diskId: mbr.diskId,
    guid: undefined,
    usesBackup: false,
    partitions: [
      ...mbr.partitions.map((partition) => fromMbr(partition, false)),
      ...partitions.map((partition) => fromMbr(partition, true)),
    ],
    mbr,
  }
}

/** The MBR, unless the first sector is something else. */
export function* readFirstSector(onFinding: OnFinding): ReadRoutine<MbrTable | undefined> {
  const sector = yield { offset: 0, length: SECTOR_SIZE }
  if (sector.length < SECTOR_SIZE) return undefined
  if (Mbr.decode(sector).signature !== MBR_SIGNATURE || isBootSector(sector)) return undefined
  const mbr = readMbr(sector)
  // Linux takes such a sector for boot code of something else.
  const odd = mbr.partitions.find(({ status }) => status !== 0 && status !== STATUS_BOOTABLE)
  if (odd === undefined) return mbr
  onFinding(oddStatus(odd))
  return undefined
}

export function oddStatus({ number, entryOffset, status }: MbrPartition): Finding {
  return mismatch({
    where: `partition ${number}, status`,
    offset: entryOffset,
    expected: '0 or 128',
    found: `${status}`,
  })
}

export interface FoundGpt {
  gpt: Gpt
  usesBackup: boolean
}

/**
 * Reads the primary GPT, or the backup at the end of the disk when the primary one is damaged.
 *
 * @throws CorruptError when both are
 */
export function* findGpt(diskSize: number, onFinding: OnFinding): ReadRoutine<FoundGpt> {
  const problems: { error: unknown; fault: Finding }[] = []
  for (const isBackup of [false, true]) {
    for (const sectorSize of GPT_SECTOR_SIZES) {
      const lba = isBackup ? Math.floor(diskSize / sectorSize) - 1 : GPT_PRIMARY_LBA
      if (lba < GPT_PRIMARY_LBA) continue
      const faults: Finding[] = []
      try {
        const gpt = yield* readGpt(lba, sectorSize, (fault) => faults.push(fault))
        if (isBackup) onFinding(mostSpecific(problems).fault)
        faults.forEach(onFinding)
        return { gpt, usesBackup: isBackup }
      } catch (error) {
        problems.push({ error, fault: findingOf(error) })
      }
    }
  }
  throw mostSpecific(problems).error
}

/** A fault of a header says more than the absence of one at the other places. */
function mostSpecific<T extends { fault: Finding }>(problems: readonly T[]): T {
  return problems.find(({ fault }) => fault.where !== 'GPT header') ?? problems[0]
}

function fromGpt(
  mbr: MbrTable,
  { gpt: { header, sectorSize, partitions }, usesBackup }: FoundGpt,
): PartitionTable {
  const isHybrid = mbr.partitions.some(({ type }) => type !== TYPE_GPT_PROTECTIVE)
  return {
    type: isHybrid ? 'hybrid' : 'gpt',
    sectorSize,
    diskId: mbr.diskId,
    guid: formatGuid(header.diskGuid),
    usesBackup,
    partitions: partitions.map((partition) => ({ ...partition, isLogical: false, isExtended: false })),
    mbr,
  }
}

function fromMbr(partition: MbrPartition, isLogical: boolean): TablePartition {
  const { number, start, size, type, bootable, entryOffset } = partition
  return {
    number,
    start,
    size,
    type,
    bootable,
    name: '',
    guid: undefined,
    attributes: 0n,
    isLogical,
    isExtended: !isLogical && isExtended(partition),
    entryOffset,
  }
}
