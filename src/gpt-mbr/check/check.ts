/** Checks the partition table of a disk. */
import { CorruptError } from '../../lib/errors.ts'
import { mismatch, findingOf, type OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { checkGpt } from './gpt.ts'
import { checkMbr } from './mbr.ts'
import { GPT_PRIMARY_LBA, GPT_SECTOR_SIZES, TYPE_GPT_PROTECTIVE } from '../format.ts'
import { readGpt } from '../read/gpt.ts'
import { readFirstSector } from '../read/table.ts'

/**
 * Checks an MBR with its logical partitions; or a GPT, its backup, its protective MBR, and that they agree. There are
 * no findings for a sound table, nor for a disk that has none.
 *
 * @param diskSize bytes
 */
export function* checkTable(diskSize: number, onFinding: OnFinding): ReadRoutine<void> {
  try {
    const mbr = yield* readFirstSector(onFinding)
    if (mbr?.partitions.some(({ type }) => type === TYPE_GPT_PROTECTIVE)) {
      yield* checkGpt(mbr, { diskSize, onFinding })
    } else {
      if (mbr !== undefined) yield* checkMbr(mbr, { diskSize, onFinding })
      yield* reportBareGpt(onFinding)
    }
  } catch (error) {
    onFinding(findingOf(error))
  }
}

/** Reports a GPT without its protective MBR: most systems ignore it, and some do not. */
function* reportBareGpt(onFinding: OnFinding): ReadRoutine<void> {
  for (const sectorSize of GPT_SECTOR_SIZES) {
    try {
      const { offset } = yield* readGpt(GPT_PRIMARY_LBA, sectorSize, onFinding)
      const found = `none, but a GPT at ${offset}`
      onFinding(mismatch({ where: 'protective MBR', offset: 0, expected: 'a partition of type 0xee', found }))
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error
    }
  }
}
