/** The names of partition types. */
import { GPT_TYPES } from '../spec/notation/gpt-types.ts'

/** By the type byte of an MBR. (sfdisk --list-types has these and more) */
const MBR_NAMES: Readonly<Record<number, string>> = {
  0x01: 'FAT12',
  0x04: 'FAT16 up to 32 MB',
  0x05: 'extended',
  0x06: 'FAT16',
  0x07: 'NTFS or exFAT',
  0x0b: 'FAT32',
  0x0c: 'FAT32 with LBA',
  0x0e: 'FAT16 with LBA',
  0x0f: 'extended with LBA',
  0x11: 'FAT12, hidden',
  0x14: 'FAT16 up to 32 MB, hidden',
  0x16: 'FAT16, hidden',
  0x1b: 'FAT32, hidden',
  0x1c: 'FAT32 with LBA, hidden',
  0x1e: 'FAT16 with LBA, hidden',
  0x82: 'Linux swap',
  0x83: 'Linux',
  0x85: 'Linux extended',
  0x8e: 'Linux LVM',
  0xa2: 'bare data for firmware',
  0xea: 'extended boot loader',
  0xee: 'GPT, protective',
  0xef: 'EFI system',
  0xfd: 'Linux RAID',
}

const GPT_NAMES = new Map(GPT_TYPES.map(({ guid, title }) => [guid, title]))

/** The name of a partition type; undefined for unknown ones. */
export function partitionTypeName(type: number | string): string | undefined {
  return typeof type === 'number' ? MBR_NAMES[type] : GPT_NAMES.get(type.toUpperCase())
}
