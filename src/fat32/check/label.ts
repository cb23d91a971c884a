import { mismatch } from '../../lib/finding.ts'
import { fromBytes, toLatin1 } from '../../lib/byte-string.ts'
import { BootSector, BootSector16, type DirEntry, EXTENDED_BOOT_SIGNATURE, NO_LABEL } from '../format.ts'
import { unescapeShortName } from '../names.ts'
import { quote, type Check } from './context.ts'

/** A record with the label of the volume. */
export interface LabelRecord {
  offset: number
  entry: DirEntry
}

/** Characters that a label must not have. (FATGEN, DIR_Name) Lower-case letters are tolerated, as in all tools. */
const FORBIDDEN = /["*+,./:;<=>?[\\\]|\x00-\x1f]/

/** Checks that the label in the root directory is the one in the boot sector, or that there is none. */
export function checkLabel({ boot, boot32, onFinding }: Check, record: LabelRecord | undefined): void {
  const inBoot = fromBytes(boot.label)
  const inRoot = record && unescapeShortName(fromBytes(record.entry.name))
  const bootOffset = boot32 === undefined ? BootSector16.offsetOf('label') : BootSector.offsetOf('label')
  const fault = (expected: string, found: string, offset = record?.offset ?? bootOffset) =>
    onFinding(mismatch({ where: 'volume label', offset, expected, found }))

  if (inRoot !== undefined && (FORBIDDEN.test(toLatin1(inRoot)) || inRoot.startsWith(' '))) {
    fault('characters that a label may have', quote(inRoot))
  }
  // Without this signature the boot sector has no label; checkHead reports that.
  if (boot.bootSignature !== EXTENDED_BOOT_SIGNATURE || inBoot === (inRoot ?? NO_LABEL)) return
  fault(
    inRoot === undefined
      ? `${quote(NO_LABEL)}, as the root directory has no label`
      : `${quote(inRoot)}, as in the root directory`,
    quote(inBoot),
    bootOffset,
  )
}
