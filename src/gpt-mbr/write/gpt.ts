import { DoesNotFitError } from '../../lib/errors.ts'
import { checkValue, TEXT, type OptionType } from '../../lib/options.ts'
import { crc32 } from '../crc32.ts'
import {
  chsOf,
  GPT_ENTRY_COUNT,
  GPT_PRIMARY_LBA,
  GPT_REVISION,
  GPT_SIGNATURE,
  GptEntry,
  GptHeader,
  isInChs,
  MAX_GPT_NAME,
  MAX_SECTORS,
  PRIMARY_PARTITIONS,
  PROTECTIVE_LAST_CHS,
  SECTOR_SIZE,
  TYPE_GPT_PROTECTIVE,
  type GptSectorSize,
  type PartitionEntry,
} from '../format.ts'
import { parseGuid } from '../guid.ts'
import { gptEntrySectors, gptLayout } from '../layout.ts'
import { encodeMbrEntries, mbrEntries, type DiskRegion, type MbrPartitionSpec } from './mbr.ts'

/** One partition of a GPT. */
export interface GptPartitionSpec {
  /** Byte offset from the start of the disk, a multiple of the sector size. */
  start: number
  /** Bytes, a multiple of the sector size. */
  size: number
  /** Type GUID: `0FC63DAF-8483-4772-8E79-3D69D8477DE4` is a Linux file system. */
  type: string
  /** The partition's own GUID, its PARTUUID in Linux. */
  guid: string
  /** At most 36 UTF-16 units; empty by default. */
  name?: string
  /** UEFI, table 5-8, for example `GPT_ATTRIBUTE_BOOTABLE`; 0 by default. */
  attributes?: bigint
}

/** A disk with a GPT. */
export interface GptSpec {
  /** Bytes, a multiple of the sector size. The backup is in the last sectors. */
  diskSize: number
  /** Bytes; 512 by default. */
  sectorSize?: GptSectorSize
  /** Number of entries, used or not: at least 128, which is the default. */
  entryCount?: number
  /** Byte offset of the entries; by default right after the header. */
  entriesStart?: number
  diskGuid: string
  /** In the order of their numbers: the first one is partition 1, wherever it is. At most `entryCount`. */
  partitions: readonly GptPartitionSpec[]
  /** Makes the table a hybrid: systems that do not support GPT find up to three of the partitions in the MBR. */
  hybrid?: HybridMbrSpec
}

/** The MBR of a hybrid table. */
export interface HybridMbrSpec {
  /** The disk signature, 32 bits; 0 by default. */
  diskId?: number
  /** One to three of the partitions, in the order in which the MBR lists them; the protective entry comes last. */
  partitions: readonly HybridPartitionSpec[]
}

export interface HybridPartitionSpec {
  /** The partition's number in the GPT, from 1. */
  number: number
  /** The type byte, for example 0x0c for FAT32 and 0x83 for Linux. */
  type: number
  bootable: boolean
}

/**
 * Encodes a GPT with its protective MBR and its backup. (UEFI Specification 2.10, sections 5.2.3 and 5.3)
 *
 * @returns the regions to write, in the order of the disk: the protective MBR with the primary header and its entries
 *   (which are a separate region if `entriesStart` moves them), and, at the end of the disk, the entries and the header of
 *   the backup
 * @throws TypeError when a value is missing, or of the wrong type
 * @throws DoesNotFitError when a partition reaches into the backup at the end of the disk
 * @throws RangeError when there are too many partitions, when two overlap or have the same GUID, or when a GPT
 *   cannot hold a value
 * @example
 * const regions = encodeGpt({
 *   diskSize: 64 * 2 ** 20,
 *   diskGuid: '6A1C5D7E-2F0B-4C93-9D48-1B5E0F7A3C62',
 *   partitions: [
 *     {
 *       start: 2 ** 20,
 *       size: 32 * 2 ** 20,
 *       type: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
 *       guid: '0D8C1F3E-9B57-4A0C-8F12-63D1B2A4E597',
 *       name: 'EFI',
 *     },
 *   ],
 * })
 * for (const { offset, bytes } of regions) await sink.write(offset, bytes)
 */
export function encodeGpt(spec: GptSpec): DiskRegion[] {
  const { diskSize, sectorSize = SECTOR_SIZE, entryCount = GPT_ENTRY_COUNT, diskGuid, partitions } = spec
  const layout = gptLayout({
    sectorSize,
    entryCount,
    ...(spec.entriesStart && { entriesStart: spec.entriesStart }),
  })
  const { ranges, startSize, endSize } = layout
  checkValue('diskSize', diskSize, NUMBER)
  checkValue('diskGuid', diskGuid, TEXT)
  checkValue('partitions', partitions, ARRAY)
  const diskSectors = diskSize / sectorSize
  if (!Number.isInteger(diskSectors)) {
    throw new RangeError(`expected a disk of whole sectors of ${sectorSize} bytes, found ${diskSize}`)
  }
  if (diskSize <= startSize + endSize) {
    throw new DoesNotFitError('a GPT', { needed: startSize + endSize + sectorSize, available: diskSize })
  }
  const entries = encodeEntries(partitions, {
    sectorSize,
    entryCount,
    usable: { start: startSize, end: diskSize - endSize },
  })
  const lastLba = diskSectors - 1
  const entrySectors = gptEntrySectors(sectorSize, entryCount)
  const common = {
    signature: GPT_SIGNATURE,
    revision: GPT_REVISION,
    headerSize: GptHeader.size,
    headerCrc: 0,
    reserved: 0,
    firstUsableLba: startSize / sectorSize,
    lastUsableLba: (diskSize - endSize) / sectorSize - 1,
    diskGuid: uniqueGuidBytes(diskGuid, 'the disk'),
    entryCount,
    entrySize: GptEntry.size,
    entriesCrc: crc32(entries),
  }
  const primaryHeader = {
    ...common,
    myLba: GPT_PRIMARY_LBA,
    alternateLba: lastLba,
    entriesLba: startSize / sectorSize - entrySectors,
  }
  const backupHeader = {
    ...common,
    myLba: lastLba,
    alternateLba: GPT_PRIMARY_LBA,
    entriesLba: lastLba - entrySectors,
  }
  const place: GptPlace = { diskSectors, sectorSize }
  const mbr = spec.hybrid === undefined ? protectiveMbr(place) : hybridMbr(spec.hybrid, partitions, place)
  const primary = new Uint8Array(ranges[0].end)
  primary.set(mbr)
  primary.set(encodeHeader(primaryHeader), GPT_PRIMARY_LBA * sectorSize)
  const backup = new Uint8Array(endSize)
  backup.set(entries)
  backup.set(encodeHeader(backupHeader), endSize - sectorSize)
  const regions: DiskRegion[] = [{ offset: 0, bytes: primary }]
  if (ranges.length === 1) primary.set(entries, primaryHeader.entriesLba * sectorSize)
  else regions.push({ offset: ranges[1].start, bytes: padded(entries, entrySectors * sectorSize) })
  return [...regions, { offset: diskSize - endSize, bytes: backup }]
}

function padded(bytes: Uint8Array, size: number): Uint8Array {
  const whole = new Uint8Array(size)
  whole.set(bytes)
  return whole
}

/** The checksum covers the header with zeros in place of the checksum. */
function encodeHeader(header: GptHeader): Uint8Array {
  return GptHeader.encode({ ...header, headerCrc: crc32(GptHeader.encode(header)) })
}

interface GptPlace {
  diskSectors: number
  sectorSize: number
}

/** One partition that covers the disk, so that tools that do not support GPT leave it alone. (UEFI, table 5-4) */
function protectiveMbr({ diskSectors }: GptPlace): Uint8Array {
  return encodeMbrEntries(0, [protectiveEntry(diskSectors - 1)])
}

/** @param lastLba of the protected sectors, which begin with the header */
function protectiveEntry(lastLba: number): PartitionEntry {
  return {
    status: 0,
    firstChs: chsOf(GPT_PRIMARY_LBA),
    type: TYPE_GPT_PROTECTIVE,
    lastChs: isInChs(lastLba) ? chsOf(lastLba) : PROTECTIVE_LAST_CHS,
    firstLba: GPT_PRIMARY_LBA,
    sectors: Math.min(lastLba, MAX_SECTORS - 1),
  }
}

/**
 * Partitions of the GPT that the MBR lists as well, and a protective entry for what precedes the first of them, like that of
 * sgdisk. Boot ROMs that read only the MBR use the first entry that suits them.
 */
function hybridMbr(
  { diskId = 0, partitions: listed }: HybridMbrSpec,
  partitions: readonly GptPartitionSpec[],
  { sectorSize }: GptPlace,
): Uint8Array {
  if (listed.length === 0 || listed.length >= PRIMARY_PARTITIONS) {
    throw new RangeError(`a hybrid MBR lists 1 to ${PRIMARY_PARTITIONS - 1} partitions, not ${listed.length}`)
  }
  const inSectors = listed.map(({ number, type, bootable }, i): MbrPartitionSpec => {
    const partition = partitions.at(number - 1)
    if (!(number >= 1) || partition === undefined) {
      throw new RangeError(`a hybrid MBR lists partition ${number}, which is not in the GPT`)
    }
    if (listed.findIndex((other) => other.number === number) < i) {
      throw new RangeError(`a hybrid MBR lists partition ${number} twice`)
    }
    // Addresses in an MBR are in sectors of the disk, but `encodeMbr` counts in sectors of 512 bytes.
    const unit = sectorSize / SECTOR_SIZE
    return { start: partition.start / unit, size: partition.size / unit, type, bootable }
  })
  const firstLba = Math.min(...inSectors.map(({ start }) => start)) / SECTOR_SIZE
  return encodeMbrEntries(diskId, [
    ...mbrEntries(inSectors, (i) => listed[i].number),
    protectiveEntry(firstLba - 1),
  ])
}

interface EntryContext {
  sectorSize: number
  entryCount: number
  /** Byte offsets between which partitions may be. */
  usable: { start: number; end: number }
}

function encodeEntries(partitions: readonly GptPartitionSpec[], context: EntryContext): Uint8Array {
  const { entryCount } = context
  if (partitions.length > entryCount) {
    throw new RangeError(`this GPT holds ${entryCount} partitions, not ${partitions.length}`)
  }
  const numbers = new Map<string, number>()
  const bytes = new Uint8Array(entryCount * GptEntry.size)
  for (const [i, partition] of partitions.entries()) {
    const what = `partition ${i + 1}`
    checkPartition(partition, what)
    const guid = partition.guid.toUpperCase()
    const other = numbers.get(guid)
    if (other !== undefined) throw new RangeError(`${what} has the GUID of partition ${other}, ${guid}`)
    numbers.set(guid, i + 1)
    bytes.set(GptEntry.encode(entryOf(partition, what, context)), i * GptEntry.size)
  }
  refuseOverlaps(partitions)
  return bytes
}

const NUMBER: OptionType = { expected: 'a number', accepts: (value) => typeof value === 'number' }
const ARRAY: OptionType = { expected: 'an array', accepts: (value) => Array.isArray(value) }
const OBJECT: OptionType = {
  expected: 'an object',
  accepts: (value) => typeof value === 'object' && value !== null,
}
const ATTRIBUTES: OptionType = {
  expected: 'a bigint from 0 to 2^64 - 1',
  accepts: (value) => typeof value === 'bigint' && BigInt.asUintN(64, value) === value,
  acceptsType: (value) => typeof value === 'bigint',
}

function checkPartition(partition: GptPartitionSpec, what: string): void {
  checkValue(what, partition, OBJECT)
  const { start, size, type, guid, name = '', attributes = 0n } = partition
  checkValue(`${what}: start`, start, NUMBER)
  checkValue(`${what}: size`, size, NUMBER)
  checkValue(`${what}: type`, type, TEXT)
  checkValue(`${what}: guid`, guid, TEXT)
  checkValue(`${what}: name`, name, TEXT)
  checkValue(`${what}: attributes`, attributes, ATTRIBUTES)
}

function entryOf(
  { start, size, type, guid, name = '', attributes = 0n }: GptPartitionSpec,
  what: string,
  { sectorSize, usable }: EntryContext,
): GptEntry {
  const [firstLba, sectors] = [start / sectorSize, size / sectorSize]
  if (!(Number.isSafeInteger(firstLba) && Number.isSafeInteger(sectors) && sectors > 0)) {
    throw new RangeError(
      `${what}: expected whole sectors of ${sectorSize} bytes, found ${size} bytes at ${start}`,
    )
  }
  if (start < usable.start) {
    throw new RangeError(
      `${what} starts at ${start}, inside the table, which takes the first ${usable.start} bytes`,
    )
  }
  if (start + size > usable.end) {
    throw new DoesNotFitError(`${what} of a GPT`, { needed: start + size, available: usable.end })
  }
  if (name.length > MAX_GPT_NAME || name.includes('\0')) {
    throw new RangeError(
      `${what}: expected a name of at most ${MAX_GPT_NAME} UTF-16 units without NUL, found ${JSON.stringify(name)}`,
    )
  }
  const typeGuid = guidBytes(type, `the type of ${what}`)
  if (typeGuid.every((byte) => byte === 0)) throw new RangeError(`${what}: type 0 marks an unused entry`)
  return {
    typeGuid,
    guid: uniqueGuidBytes(guid, what),
    firstLba,
    lastLba: firstLba + sectors - 1,
    attributes,
    name: Array.from({ length: MAX_GPT_NAME }, (_, i) => (i < name.length ? name.charCodeAt(i) : 0)),
  }
}

function refuseOverlaps(partitions: readonly GptPartitionSpec[]): void {
  const byPlace = partitions
    .map(({ start, size }, i) => ({ number: i + 1, start, end: start + size }))
    .sort((a, b) => a.start - b.start)
  for (const [i, { number, start }] of byPlace.entries()) {
    if (i > 0 && start < byPlace[i - 1].end) {
      throw new RangeError(`partition ${number} overlaps partition ${byPlace[i - 1].number}`)
    }
  }
}

function guidBytes(text: string, what: string): Uint8Array {
  const bytes = parseGuid(text)
  if (bytes === undefined) throw new RangeError(`${what}: expected a GUID, found ${JSON.stringify(text)}`)
  return bytes
}

/** All zeros mean that there is no GUID. */
function uniqueGuidBytes(text: string, what: string): Uint8Array {
  const bytes = guidBytes(text, what)
  if (bytes.every((byte) => byte === 0)) {
    throw new RangeError(`${what}: expected a unique GUID, found all zeros`)
  }
  return bytes
}
