/** What is in a partition? Answered by magic numbers, so also of what cannot be read here. */
import { MAGIC, SUPERBLOCK_OFFSETS, SUPERBLOCK_SIZE, Superblock } from '../btrfs/format.ts'
import { openFat } from '../fat32/read/reader.ts'
import type { FileSystemType } from './file-system.ts'
import { type ByteString, fromBytes, toBytes, toDisplay } from '../lib/byte-string.ts'
import { CorruptError } from '../lib/errors.ts'
import type { ReadRoutine } from '../lib/read-routine.ts'

const OTHER_CONTENTS = [
  'ext2/3/4',
  'swap',
  'squashfs',
  'xfs',
  'f2fs',
  'erofs',
  'ntfs',
  'exfat',
  'iso9660',
  'LUKS',
  'LVM',
] as const

/** What can be told apart: file systems that can be opened, and others. */
export type ContentType = FileSystemType | (typeof OTHER_CONTENTS)[number]

export interface Content {
  type: ContentType
  /** '' when there is none, or it is not known where this format has it. */
  label: string
}

/** (blkid of util-linux has the same) */
const SIGNATURES: readonly { type: (typeof OTHER_CONTENTS)[number]; offset: number; magic: ByteString }[] = [
  { type: 'ext2/3/4', offset: 1024 + 56, magic: '\x53\xef' },
  { type: 'swap', offset: 4096 - 10, magic: 'SWAPSPACE2' }, // at the end of the first page
  { type: 'squashfs', offset: 0, magic: 'hsqs' },
  { type: 'xfs', offset: 0, magic: 'XFSB' },
  { type: 'f2fs', offset: 1024, magic: '\x10\x20\xf5\xf2' },
  { type: 'erofs', offset: 1024, magic: '\xe2\xe1\xf5\xe0' },
  { type: 'ntfs', offset: 3, magic: 'NTFS    ' },
  { type: 'exfat', offset: 3, magic: 'EXFAT   ' },
  { type: 'LUKS', offset: 0, magic: 'LUKS\xba\xbe' },
  { type: 'LVM', offset: 512, magic: 'LABELONE' }, // the second sector is where it usually is
  { type: 'iso9660', offset: 32768 + 1, magic: 'CD001' },
]

/** What boot sectors of FAT say of themselves, where they have a BPB of these kinds. */
const FAT_SIGNATURES = [
  { type: 'fat12', offset: 54, magic: 'FAT12   ' },
  { type: 'fat16', offset: 54, magic: 'FAT16   ' },
  { type: 'fat32', offset: 82, magic: 'FAT32   ' },
] as const
const BOOT_SIGNATURE = { offset: 510, magic: '\x55\xaa' }

/** Where the first bytes end that signatures lie in, all but the last one. */
const START_SIZE = 4096

/**
 * What a partition or a whole image holds, or undefined when that is nothing known.
 *
 * @param size bytes of it
 */
export function* identifyContent(size: number): ReadRoutine<Content | undefined> {
  const primary = yield* btrfsAt(SUPERBLOCK_OFFSETS[0])
  if (primary !== undefined) return primary
  const start = yield { offset: 0, length: START_SIZE }
  for (const { type, offset, magic } of SIGNATURES) {
    const isInStart = offset + magic.length <= START_SIZE
    const bytes = isInStart ? start.subarray(offset) : yield { offset, length: magic.length }
    if (startsWith(bytes, magic)) return { type, label: '' }
  }
  const fat = yield* identifyFat(start)
  if (fat !== undefined) return fat
  for (const mirror of SUPERBLOCK_OFFSETS.slice(1)) {
    const found = mirror + SUPERBLOCK_SIZE <= size ? yield* btrfsAt(mirror) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

function* btrfsAt(offset: number): ReadRoutine<Content | undefined> {
  const bytes = yield { offset, length: SUPERBLOCK_SIZE }
  if (bytes.length < SUPERBLOCK_SIZE) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getBigUint64(Superblock.offsetOf('magic'), true) !== MAGIC) return undefined
  const label = fromBytes(bytes, Superblock.offsetOf('label'), Superblock.offsetOf('label') + LABEL_SIZE)
  return { type: 'btrfs', label: toDisplay(label.replace(/\0.*/s, '')) }
}

const LABEL_SIZE = 256

/** A damaged FAT counts as one if it says so of itself. */
function* identifyFat(start: Uint8Array): ReadRoutine<Content | undefined> {
  const named = FAT_SIGNATURES.find(({ offset, magic }) => startsWith(start.subarray(offset), magic))
  const isBootSector = startsWith(start.subarray(BOOT_SIGNATURE.offset), BOOT_SIGNATURE.magic)
  if (named === undefined && !isBootSector) return undefined
  try {
    const { type, label } = yield* openFat()
    return { type, label }
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error
    return named && { type: named.type, label: '' }
  }
}

function startsWith(bytes: Uint8Array, magic: ByteString): boolean {
  const expected = toBytes(magic)
  return bytes.length >= expected.length && expected.every((byte, i) => byte === bytes[i])
}

/** Whether it is a file system that can be opened here. */
export function canOpen(type: ContentType): type is FileSystemType {
  return !(OTHER_CONTENTS as readonly string[]).includes(type)
}
