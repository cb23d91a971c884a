/** Checks a FAT volume. */
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { decodeBootSector, readBootBytes } from '../read/boot-sector.ts'
import { checkHead } from './head.ts'
import type { Check } from './context.ts'
import { checkFats } from './fats.ts'
import { checkLabel } from './label.ts'
import { checkTree } from './tree.ts'
import { checkUse } from './use.ts'
import { FatTable } from '../read/fat-table.ts'

/**
 * Checks the boot sector and its copy, FSInfo, the FATs, all directories and chains, and the label. The content of
 * files is not read. There are no findings for a sound volume; everything that fsck.fat complains about is one.
 *
 * @param onFinding offsets count from the start of the volume
 */
export function* checkFatVolume(onFinding: OnFinding): ReadRoutine<void> {
  let check: Check
  try {
    const bytes = yield* readBootBytes()
    const head = decodeBootSector(bytes)
    check = { ...head, bytes, fat: new FatTable(head, onFinding), onFinding }
  } catch (error) {
    onFinding(findingOf(error))
    return
  }
  try {
    yield* checkHead(check)
    yield* checkFats(check)
    const { used, label } = yield* checkTree(check)
    checkLabel(check, label)
    yield* checkUse(check, used)
  } catch (error) {
    // A part that cannot be read at all, and on which the later checks depend.
    onFinding(findingOf(error))
  }
}
