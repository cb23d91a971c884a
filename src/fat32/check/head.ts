/** Checks the reserved sectors before the FATs, and that the volume is not larger than its source. */
import { mismatch } from '../../lib/finding.ts'
import { readExactly, readStruct, type ReadRoutine } from '../../lib/read-routine.ts'
import {
  BootSector,
  BootSector16,
  EXTENDED_BOOT_SIGNATURE,
  FSINFO_LEAD_SIGNATURE,
  FSINFO_STRUCT_SIGNATURE,
  FSINFO_TRAIL_SIGNATURE,
  FsInfo,
  MIN_CLUSTERS,
  STATE_DIRTY,
  STATE_ERRORS,
} from '../format.ts'
import { differenceIn, hex, type Check } from './context.ts'

export function* checkHead(check: Check): ReadRoutine<void> {
  const { boot, boot32, geometry } = check
  const fault = (
    field: keyof BootSector,
    expected: string,
    found: string | number,
    offset = offsetIn(check, field),
  ) =>
    check.onFinding(mismatch({ where: `FAT boot sector, ${field}`, offset, expected, found: String(found) }))

  if (boot.fats > 2) fault('fats', '1 or 2', boot.fats)
  if (boot.bootSignature !== EXTENDED_BOOT_SIGNATURE) {
    fault('bootSignature', hex(EXTENDED_BOOT_SIGNATURE), hex(boot.bootSignature))
  }
  if ((boot.reserved1 & STATE_DIRTY) !== 0)
    fault('reserved1', 'a volume that was cleanly unmounted', 'the dirty bit')
  if ((boot.reserved1 & STATE_ERRORS) !== 0) fault('reserved1', 'no errors on the disk', 'the bit for errors')

  const { totalSectors, sectorSize, clusters } = geometry
  const last = yield { offset: (totalSectors - 1) * sectorSize, length: sectorSize }
  if (last.length < sectorSize) {
    fault(
      boot.totalSectors16 === 0 ? 'totalSectors' : 'totalSectors16',
      'sectors that are there',
      totalSectors,
    )
  }
  if (boot32 === undefined) return

  if (boot32.rootEntries !== 0) fault('rootEntries', '0, as it is in FAT32', boot32.rootEntries)
  if (clusters < MIN_CLUSTERS)
    fault('totalSectors', `at least ${MIN_CLUSTERS} clusters, as FAT32 has`, clusters)
  yield* checkBackup(check, boot32)
  yield* checkFsInfoSignatures(check, boot32)
}

function offsetIn({ boot32 }: Check, field: keyof BootSector): number {
  return boot32 === undefined
    ? BootSector16.offsetOf(field as keyof BootSector16)
    : BootSector.offsetOf(field)
}

function* checkBackup(
  { bytes, geometry, onFinding }: Check,
  { backupBootSector }: BootSector,
): ReadRoutine<void> {
  const { reservedSectors, sectorSize } = geometry
  const what = 'copy of the FAT boot sector'
  if (backupBootSector === 0 || backupBootSector >= reservedSectors) {
    const offset = BootSector.offsetOf('backupBootSector')
    onFinding(
      mismatch({
        where: what,
        offset,
        expected: `in one of ${reservedSectors} reserved sectors`,
        found: `in ${backupBootSector}`,
      }),
    )
    return
  }
  const offset = backupBootSector * sectorSize
  const at = differenceIn(bytes, yield* readExactly(offset, BootSector.size, what))
  if (at >= 0)
    onFinding(
      mismatch({
        where: what,
        offset: offset + at,
        expected: 'what the boot sector has',
        found: 'something else',
      }),
    )
}

/** Byte offset of FSInfo; undefined when the boot sector names none. */
export function fsInfoOffset({ boot32, geometry }: Check): number | undefined {
  if (boot32 === undefined) return undefined
  const { fsInfoSector } = boot32
  return fsInfoSector === 0 || fsInfoSector >= geometry.reservedSectors
    ? undefined
    : fsInfoSector * geometry.sectorSize
}

function* checkFsInfoSignatures(check: Check, { fsInfoSector }: BootSector): ReadRoutine<void> {
  const { geometry, onFinding } = check
  const offset = fsInfoOffset(check)
  if (offset === undefined) {
    onFinding(
      mismatch({
        where: 'FSInfo',
        offset: BootSector.offsetOf('fsInfoSector'),
        expected: `in one of ${geometry.reservedSectors} reserved sectors`,
        found: `in ${fsInfoSector}`,
      }),
    )
    return
  }
  const info = yield* readStruct(offset, 'FSInfo', FsInfo)
  for (const [field, expected] of Object.entries(FSINFO_SIGNATURES) as [
    keyof typeof FSINFO_SIGNATURES,
    number,
  ][]) {
    const found = info[field]
    if (found === expected) continue
    const at = offset + FsInfo.offsetOf(field)
    onFinding(mismatch({ where: `FSInfo, ${field}`, offset: at, expected: hex(expected), found: hex(found) }))
  }
}

const FSINFO_SIGNATURES = {
  leadSignature: FSINFO_LEAD_SIGNATURE,
  structSignature: FSINFO_STRUCT_SIGNATURE,
  trailSignature: FSINFO_TRAIL_SIGNATURE,
}
