/** Recognizes the content of a partition by its first bytes, also formats that cannot be opened here. */
import type { ReadRoutine } from '../lib/read-routine.ts'
import type { FileSystemDriver, Identity } from './drivers/driver.ts'
import { hasMagic, startsWith } from './drivers/magic.ts'
import { fileSystemDrivers, type FileSystemType } from './drivers/table.ts'

/** Formats that are recognized and cannot be opened. (util-linux, libblkid) */
const SIGNATURES = [
  { type: 'ext2/3/4', offset: 1024 + 56, magic: '\x53\xef' },
  ...[4096, 8192, 16384, 32768, 65536].map(
    // At the end of the first page, whose size the machine decides.
    (pageSize) => ({ type: 'swap' as const, offset: pageSize - 10, magic: 'SWAPSPACE2' }),
  ),
  { type: 'squashfs', offset: 0, magic: 'hsqs' },
  { type: 'xfs', offset: 0, magic: 'XFSB' },
  { type: 'f2fs', offset: 1024, magic: '\x10\x20\xf5\xf2' },
  { type: 'erofs', offset: 1024, magic: '\xe2\xe1\xf5\xe0' },
  { type: 'ntfs', offset: 3, magic: 'NTFS    ' },
  { type: 'exfat', offset: 3, magic: 'EXFAT   ' },
  { type: 'LUKS', offset: 0, magic: 'LUKS\xba\xbe' },
  { type: 'LVM', offset: 512, magic: 'LABELONE' }, // the second sector is where it usually is
  { type: 'iso9660', offset: 32768 + 1, magic: 'CD001' },
] as const

/** Content that is recognized: file systems that can be opened, and other formats. */
export type ContentType = FileSystemType | (typeof SIGNATURES)[number]['type']

/** Bytes at the start that hold most signatures. */
const START_SIZE = 4096

/**
 * Recognizes the content of a partition or a whole image. Labels and UUIDs of formats that cannot be opened are ''.
 *
 * @param size bytes of it
 * @param drivers the file systems that are known
 * @returns undefined when it is unknown
 */
export function* identifyContent(
  size: number,
  drivers: readonly FileSystemDriver[] = fileSystemDrivers,
): ReadRoutine<Identity | undefined> {
  const start = yield { offset: 0, length: START_SIZE }
  for (const driver of drivers) {
    const found = driver.isWeak ? undefined : yield* driver.identify(start)
    if (found !== undefined) return found
  }
  for (const { type, offset, magic } of SIGNATURES) {
    const isInStart = offset + magic.length <= START_SIZE
    const isThere = isInStart
      ? hasMagic(start, { offset, magic })
      : startsWith(yield { offset, length: magic.length }, magic)
    if (isThere) return { type, label: '', uuid: '' }
  }
  for (const driver of drivers) {
    const found = driver.isWeak ? yield* driver.identify(start) : undefined
    if (found !== undefined) return found
  }
  for (const driver of drivers) {
    const found = yield* driver.identifyCopy?.(size) ?? nothing()
    if (found !== undefined) return found
  }
  return undefined
}

function* nothing(): ReadRoutine<undefined> {
  return undefined
}
