import { CorruptError } from '../../lib/errors.ts'
import { mismatch, findingOf } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { extent, report, type TableCheck } from './mbr.ts'
import {
  GPT_PRIMARY_LBA,
  GPT_REVISION,
  GptHeader,
  MAX_SECTORS,
  SECTOR_SIZE,
  TYPE_GPT_PROTECTIVE,
} from '../format.ts'
import { readGpt, type Gpt } from '../read/gpt.ts'
import { formatGuid } from '../guid.ts'
import type { MbrTable } from '../read/mbr.ts'
import { reportOverlaps } from './overlaps.ts'
import { findGpt } from '../read/table.ts'

/** Checks a GPT, its backup and its protective MBR. */
export function* checkGpt(mbr: MbrTable, check: TableCheck): ReadRoutine<void> {
  const { diskSize, onFinding } = check
  // Reports damage of the primary header and its entries.
  const { gpt, usesBackup } = yield* findGpt(diskSize, onFinding)
  checkProtective(mbr, gpt, check)
  checkHeader(gpt, check)
  checkPartitions(gpt, check)
  if (!usesBackup) yield* checkBackup(gpt, check)
}

function headerFault({ offset }: Gpt, { onFinding }: TableCheck) {
  return (field: keyof GptHeader, expected: unknown, found: unknown) =>
    onFinding(
      mismatch({
        where: `GPT header, ${field}`,
        offset: offset + GptHeader.offsetOf(field),
        expected: String(expected),
        found: String(found),
      }),
    )
}

function checkHeader(gpt: Gpt, check: TableCheck): void {
  const { header, sectorSize } = gpt
  const fault = headerFault(gpt, check)
  const lastLba = Math.floor(check.diskSize / sectorSize) - 1
  const { revision, firstUsableLba, lastUsableLba, entriesLba, myLba } = header
  const entriesEnd = entriesLba + entrySectors(gpt)
  const isPrimary = myLba === GPT_PRIMARY_LBA
  if (revision !== GPT_REVISION)
    fault('revision', `0x${GPT_REVISION.toString(16)}`, `0x${revision.toString(16)}`)
  const minFirst = isPrimary ? Math.max(myLba + 1, entriesEnd) : GPT_PRIMARY_LBA + 1 + entrySectors(gpt)
  if (firstUsableLba < minFirst) fault('firstUsableLba', `at least ${minFirst}`, firstUsableLba)
  const maxLast = isPrimary ? lastLba - 1 - entrySectors(gpt) : Math.min(myLba, entriesLba) - 1
  if (lastUsableLba > maxLast) fault('lastUsableLba', `at most ${maxLast}`, lastUsableLba)
  if (lastUsableLba < firstUsableLba) fault('lastUsableLba', `at least ${firstUsableLba}`, lastUsableLba)
  const isBehindHeader = isPrimary
    ? entriesLba > myLba && entriesLba < firstUsableLba
    : entriesLba > lastUsableLba
  if (!isBehindHeader || entriesEnd > lastLba + 1)
    fault('entriesLba', 'a place outside of the usable sectors', entriesLba)
  const alternate = isPrimary ? lastLba : GPT_PRIMARY_LBA
  if (header.alternateLba !== alternate) fault('alternateLba', alternate, header.alternateLba)
}

const entrySectors = ({ header: { entryCount, entrySize }, sectorSize }: Gpt) =>
  Math.ceil((entryCount * entrySize) / sectorSize)

function checkPartitions({ partitions, header, sectorSize }: Gpt, { onFinding }: TableCheck): void {
  const first = header.firstUsableLba * sectorSize
  const end = (header.lastUsableLba + 1) * sectorSize
  const guids = new Map<string, number>()
  for (const partition of partitions) {
    const { number, start, size, guid } = partition
    if (size === 0) report(partition, onFinding, 'at least a sector', 'none')
    if (start < first || start + size > end) {
      report(
        partition,
        onFinding,
        `a place from ${first} to ${end}, in the usable sectors`,
        extent(partition),
      )
    }
    const other = guids.get(guid)
    if (other === undefined) guids.set(guid, number)
    else report(partition, onFinding, 'a GUID of its own', `${guid}, which partition ${other} has`)
  }
  reportOverlaps(partitions, onFinding)
}

/** Checks that the backup is at the end of the disk and has the same values. */
function* checkBackup(primary: Gpt, check: TableCheck): ReadRoutine<void> {
  const { onFinding, diskSize } = check
  const { sectorSize } = primary
  const lastLba = Math.floor(diskSize / sectorSize) - 1
  let backup: Gpt
  try {
    backup = yield* readGpt(lastLba, sectorSize, () => undefined)
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error
    onFinding({ ...findingOf(error), where: error.what.replace('GPT', 'copy of the GPT') })
    return
  }
  const fault = headerFault(backup, check)
  const { alternateLba, entriesLba } = backup.header
  if (alternateLba !== GPT_PRIMARY_LBA) fault('alternateLba', GPT_PRIMARY_LBA, alternateLba)
  const entriesEnd = entriesLba + entrySectors(backup)
  if (entriesLba <= primary.header.lastUsableLba || entriesEnd > lastLba) {
    fault('entriesLba', `between ${primary.header.lastUsableLba} and ${lastLba}`, entriesLba)
  }
  for (const field of SAME_FIELDS) {
    if (backup.header[field] !== primary.header[field])
      fault(field, primary.header[field], backup.header[field])
  }
  const [ours, theirs] = [primary, backup].map(({ header }) => formatGuid(header.diskGuid))
  if (ours !== theirs) fault('diskGuid', ours, theirs)
}

const SAME_FIELDS = [
  'firstUsableLba',
  'lastUsableLba',
  'entryCount',
  'entrySize',
  'entriesCrc',
  'revision',
] as const

/** Checks that an entry of the MBR covers the disk; those of a hybrid must be partitions of the GPT, too. */
function checkProtective({ partitions }: MbrTable, gpt: Gpt, { diskSize, onFinding }: TableCheck): void {
  const protective = partitions.filter(({ type }) => type === TYPE_GPT_PROTECTIVE)
  const others = partitions.filter(({ type }) => type !== TYPE_GPT_PROTECTIVE)
  // In sectors of the disk, as everything in a protective MBR.
  const unit = gpt.sectorSize / SECTOR_SIZE
  const whole = Math.floor(diskSize / gpt.sectorSize) - 1
  if (!protective.some(({ start }) => start === SECTOR_SIZE)) {
    report(protective[0], onFinding, 'a protective partition from sector 1 on', extent(protective[0]))
  }
  for (const partition of protective) {
    const sectors = partition.size / SECTOR_SIZE
    // The largest size stands for the rest of the disk, whatever its size.
    if (sectors === MAX_SECTORS - 1) continue
    const maxSectors = whole + 1 - partition.start / SECTOR_SIZE
    if (sectors > maxSectors || (others.length === 0 && sectors < Math.min(maxSectors, MAX_SECTORS - 1))) {
      report(partition, onFinding, `a protective partition of ${maxSectors} sectors`, String(sectors))
    }
  }
  for (const partition of others) {
    const [start, size] = [partition.start * unit, partition.size * unit]
    if (gpt.partitions.some((one) => one.start === start && one.size === size)) continue
    report(partition, onFinding, 'a partition that is in the GPT, too', extent({ start, size }))
  }
  reportOverlaps(partitions, onFinding)
}
