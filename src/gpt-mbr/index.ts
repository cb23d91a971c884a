/**
 * Partition tables, MBR and GPT: placed, encoded, read and checked. (UEFI Specification 2.10, chapter 5) Runs in Node
 * and in browsers.
 *
 * @module
 */
import type { ByteSource } from '../lib/byte-source.ts'
import { collectFindings, type CheckResult } from '../lib/check-result.ts'
import type { OnFinding } from '../lib/finding.ts'
import { ABORT_SIGNAL, checkOptions, FUNCTION, wholeNumber, type OptionTable } from '../lib/options.ts'
import { observeSource } from '../lib/observe-source.ts'
import { drive } from '../lib/read-routine.ts'
import { checkTable } from './check/check.ts'
import { readTable, type PartitionTable } from './read/table.ts'

export type { FileLocation } from '../lib/file-location.ts'
export { memorySource, subSource, type ByteSource, type SyncByteSource } from '../lib/byte-source.ts'
export { MAX_KEPT_FINDINGS, type CheckResult } from '../lib/check-result.ts'
export { CorruptError, DiskwrightError, DoesNotFitError, type SpecIssue } from '../lib/errors.ts'
export { formatFinding, type Finding, type OnFinding, type Severity } from '../lib/finding.ts'
export {
  GPT_ATTRIBUTE_BOOTABLE,
  GPT_SECTOR_SIZES,
  MAX_GPT_NAME,
  SECTOR_SIZE,
  type Chs,
  type GptSectorSize,
} from './format.ts'
export {
  gptLayout,
  MAX_GPT_ENTRIES,
  MBR_LAYOUT,
  NO_TABLE_LAYOUT,
  type GptLayoutOptions,
  type TableLayout,
  type TableRange,
} from './layout.ts'
export {
  placePartitions,
  type Placement,
  type PlacementOptions,
  type PlacementRequest,
  type PlacementResult,
} from './place.ts'
export type { MbrPartition, MbrTable } from './read/mbr.ts'
export type { PartitionTable, TablePartition } from './read/table.ts'
export { partitionTypeName } from './type-names.ts'
export {
  encodeGpt,
  type GptPartitionSpec,
  type GptSpec,
  type HybridMbrSpec,
  type HybridPartitionSpec,
} from './write/gpt.ts'
export {
  encodeLogical,
  encodeMbr,
  type DiskRegion,
  type EncodedLogical,
  type LogicalPartitionSpec,
  type MbrPartitionSpec,
  type MbrSpec,
} from './write/mbr.ts'

/** Options of reading and checking a table. */
export interface ReadTableOptions {
  /** Bytes of the disk, at whose end the backup of a GPT lies. By default the size of the source. */
  diskSize?: number
  /** Called with each thing that is found wrong, as it is found. */
  onFinding?: OnFinding | undefined
  /** Ends the reading, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

const OPTIONS: OptionTable<ReadTableOptions> = {
  diskSize: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  onFinding: FUNCTION,
  signal: ABORT_SIGNAL,
}

/**
 * Reads the partition table of a disk: an MBR with its logical partitions, or a GPT, from its backup when the primary
 * one is damaged.
 *
 * @param source the disk, or its image
 * @returns undefined when there is no table: the disk is empty, or one file system takes all of it
 * @throws CorruptError when the MBR leads to a GPT, and both copies of it are damaged
 * @example
 * const table = await readPartitionTable(memorySource(bytes))
 * for (const { number, start, size } of table?.partitions ?? []) console.log(number, start, size)
 */
export async function readPartitionTable(
  source: ByteSource,
  options: ReadTableOptions = {},
): Promise<PartitionTable | undefined> {
  checkOptions('readPartitionTable', options, OPTIONS)
  const { diskSize = source.size, onFinding, signal } = options
  return drive(observeSource(source, { signal }), readTable(diskSize, onFinding))
}

/**
 * Checks an MBR with its logical partitions, or both copies of a GPT with their protective MBR.
 *
 * @param source the disk, or its image
 * @returns what is wrong; nothing for a sound table, and for a disk without one. Offsets count from the start of the
 *   disk
 * @example
 * const { findings } = await checkPartitionTable(memorySource(bytes))
 * for (const finding of findings) console.log(formatFinding(finding))
 */
export async function checkPartitionTable(
  source: ByteSource,
  options: ReadTableOptions = {},
): Promise<CheckResult> {
  checkOptions('checkPartitionTable', options, OPTIONS)
  const { diskSize = source.size, onFinding, signal } = options
  return collectFindings(
    (report) => drive(observeSource(source, { signal }), checkTable(diskSize, report)),
    onFinding,
  )
}
