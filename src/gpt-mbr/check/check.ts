/** Looks for all that is wrong with the partition table of a disk. */
import { CorruptError } from '../../lib/errors.ts'
import { faultOf, type OnFault } from '../../lib/fault.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { checkGpt } from './gpt.ts'
import { checkMbr } from './mbr.ts'
import { GPT_PRIMARY_LBA, GPT_SECTOR_SIZES, TYPE_GPT_PROTECTIVE } from '../format.ts'
import { readGpt } from '../read/gpt.ts'
import { readFirstSector } from '../read/table.ts'

/**
 * Checks an MBR with its logical partitions, or both copies of a GPT, their protective MBR and how they agree. Nothing
 * is reported of a sound table, nor of a disk that has none.
 *
 * @param diskSize bytes
 */
export function* checkPartitionTable(diskSize: number, onFault: OnFault): ReadRoutine<void> {
  try {
    const mbr = yield* readFirstSector(onFault)
    if (mbr?.partitions.some(({ type }) => type === TYPE_GPT_PROTECTIVE)) {
      yield* checkGpt(mbr, { diskSize, onFault })
    } else {
      if (mbr !== undefined) yield* checkMbr(mbr, { diskSize, onFault })
      yield* reportBareGpt(onFault)
    }
  } catch (error) {
    onFault(faultOf(error))
  }
}

/** A GPT without its protective MBR: most systems do not look at it, and some do. */
function* reportBareGpt(onFault: OnFault): ReadRoutine<void> {
  for (const sectorSize of GPT_SECTOR_SIZES) {
    try {
      const { offset } = yield* readGpt(GPT_PRIMARY_LBA, sectorSize, onFault)
      const found = `none, but a GPT at ${offset}`
      onFault({ what: 'protective MBR', offset: 0, expected: 'a partition of type 0xee', found })
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error
    }
  }
}
