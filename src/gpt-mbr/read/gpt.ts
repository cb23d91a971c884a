/** Reads the primary GPT or its backup. */
import { CorruptError } from '../../lib/errors.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import { decodeChecked, readExactly, type ReadRoutine } from '../../lib/read-routine.ts'
import { viewOf } from '../../lib/struct.ts'
import { GPT_ATTRIBUTE_BOOTABLE, GPT_SIGNATURE, GptEntry, GptHeader } from '../format.ts'
import { crc32 } from '../crc32.ts'
import { formatGuid } from '../guid.ts'

/** An entry that is in use. */
export interface GptPartition {
  /** The place of its entry, counted from 1. */
  number: number
  /** Byte offset from the start of the disk. */
  start: number
  /** Bytes. */
  size: number
  type: string
  guid: string
  attributes: bigint
  bootable: boolean
  name: string
  /** Byte offset on the disk of its entry. */
  entryOffset: number
}

export interface Gpt {
  /** Byte offset on the disk of the header. */
  offset: number
  sectorSize: number
  header: GptHeader
  partitions: GptPartition[]
}

/** Bytes of all entries: far more than any disk has. */
const MAX_ENTRIES_SIZE = 4 * 2 ** 20
const MAX_ENTRY_SIZE = 4096
/** Byte offsets of larger addresses are no safe integers. */
const MAX_LBA = 2 ** 40

/**
 * Reads a header and the entries it leads to.
 *
 * @param lba where the header must lie
 * @param onFinding called for entries with impossible values, which are left out
 * @throws CorruptError when there is no header, or the header or the entries are damaged
 */
export function* readGpt(lba: number, sectorSize: number, onFinding: OnFinding): ReadRoutine<Gpt> {
  const offset = lba * sectorSize
  const header = yield* readHeader(lba, sectorSize)
  const { entriesLba, entryCount, entrySize, entriesCrc } = header
  const entriesOffset = entriesLba * sectorSize
  const bytes = yield* readExactly(entriesOffset, entryCount * entrySize, 'GPT entries')
  const crc = crc32(bytes)
  if (crc !== entriesCrc) {
    throw new CorruptError('GPT entries, CRC-32', entriesOffset, {
      expected: hex(entriesCrc),
      found: hex(crc),
    })
  }
  const partitions: GptPartition[] = []
  for (let i = 0; i < entryCount; i++) {
    const at = i * entrySize
    if (isZero(bytes.subarray(at, at + GptEntry.at.typeGuid.size))) continue
    try {
      partitions.push(partitionOf(bytes, at, { number: i + 1, offset: entriesOffset, sectorSize }))
    } catch (error) {
      onFinding(findingOf(error))
    }
  }
  return { offset, sectorSize, header, partitions }
}

function* readHeader(lba: number, sectorSize: number): ReadRoutine<GptHeader> {
  const offset = lba * sectorSize
  const sector = yield* readExactly(offset, sectorSize, 'GPT header')
  const signature = GptHeader.at.signature.get(viewOf(sector), 0)
  if (signature !== GPT_SIGNATURE) {
    throw new CorruptError('GPT header', offset, { expected: 'EFI PART', found: hex(signature) })
  }
  const header = decodeChecked(GptHeader, sector, 0, { what: 'GPT header', offset })
  const expect = (
    field: keyof GptHeader,
    sound: boolean,
    expected: unknown,
    found: unknown = header[field],
  ) => {
    if (!sound)
      throw new CorruptError(`GPT header, ${field}`, offset + GptHeader.offsetOf(field), { expected, found })
  }
  const { headerSize, headerCrc, entrySize, entryCount } = header
  const isSize = headerSize >= GptHeader.size && headerSize <= sectorSize
  expect('headerSize', isSize, `${GptHeader.size} to ${sectorSize}`)
  const covered = sector.slice(0, headerSize)
  GptHeader.at.headerCrc.set(viewOf(covered), 0, 0)
  const crc = crc32(covered)
  expect('headerCrc', headerCrc === crc, hex(crc), hex(headerCrc))
  expect('myLba', header.myLba === lba, lba)
  const isEntry =
    entrySize >= GptEntry.size && entrySize <= MAX_ENTRY_SIZE && Number.isInteger(Math.log2(entrySize))
  expect('entrySize', isEntry, `a power of two from ${GptEntry.size} to ${MAX_ENTRY_SIZE}`)
  const maxCount = MAX_ENTRIES_SIZE / entrySize
  expect('entryCount', entryCount <= maxCount, `at most ${maxCount}`)
  expect('entriesLba', header.entriesLba < MAX_LBA, `less than ${MAX_LBA}`)
  return header
}

function partitionOf(
  bytes: Uint8Array,
  at: number,
  { number, offset, sectorSize }: { number: number; offset: number; sectorSize: number },
): GptPartition {
  const what = `GPT entry ${number}`
  const entry = decodeChecked(GptEntry, bytes, at, { what, offset })
  const { firstLba, lastLba, attributes } = entry
  if (lastLba < firstLba - 1 || lastLba >= MAX_LBA) {
    throw new CorruptError(`${what}, lastLba`, offset + at + GptEntry.offsetOf('lastLba'), {
      expected: `from ${firstLba} to ${MAX_LBA - 1}`,
      found: lastLba,
    })
  }
  const end = entry.name.indexOf(0)
  return {
    number,
    start: firstLba * sectorSize,
    size: (lastLba - firstLba + 1) * sectorSize,
    type: formatGuid(entry.typeGuid),
    guid: formatGuid(entry.guid),
    attributes,
    bootable: (attributes & GPT_ATTRIBUTE_BOOTABLE) !== 0n,
    name: String.fromCharCode(...(end < 0 ? entry.name : entry.name.slice(0, end))),
    entryOffset: offset + at,
  }
}

const isZero = (bytes: Uint8Array) => bytes.every((byte) => byte === 0)
const hex = (value: number | bigint) => `0x${value.toString(16).padStart(8, '0')}`
