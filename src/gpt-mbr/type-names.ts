/** The names of partition types. */

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

/** By the type GUID of a GPT. (UEFI 5.3.3; UAPI discoverable partitions) */
const GPT_NAMES: Readonly<Record<string, string>> = {
  'C12A7328-F81F-11D2-BA4B-00A0C93EC93B': 'EFI system',
  '21686148-6449-6E6F-744E-656564454649': 'BIOS boot',
  'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7': 'basic data',
  'E3C9E316-0B5C-4DB8-817D-F92DF00215AE': 'Microsoft reserved',
  '0FC63DAF-8483-4772-8E79-3D69D8477DE4': 'Linux',
  '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F': 'Linux swap',
  'E6D6D379-F507-44C2-A23C-238F2A3DF928': 'Linux LVM',
  'A19D880F-05FC-4D3B-A006-743F0F84911E': 'Linux RAID',
  'BC13C2FF-59E6-4262-A352-B275FD6F7172': 'Linux extended boot',
  '933AC7E1-2EB4-4F13-B844-0E14E2AEF915': 'Linux home',
  '3B8F8425-20E0-4F3B-907F-1A25A76F98E8': 'Linux server data',
  '4D21B016-B534-45C2-A9FB-5C16E091FD2D': 'Linux variable data',
  '44479540-F297-41B2-9AF7-D131D5F0458A': 'Linux root (x86)',
  '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709': 'Linux root (x86-64)',
  '69DAD710-2CE4-4E3C-B16C-21A1D49ABED3': 'Linux root (ARM)',
  'B921B045-1DF0-41C3-AF44-4C6F280D3FAE': 'Linux root (ARM 64)',
  '72EC70A6-CF74-40E6-BD49-4BDA08E8F224': 'Linux root (RISC-V 64)',
}

/** The name of a partition type; undefined for unknown ones. */
export function partitionTypeName(type: number | string): string | undefined {
  return typeof type === 'number' ? MBR_NAMES[type] : GPT_NAMES[type.toUpperCase()]
}
