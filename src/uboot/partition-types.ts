/** Types of partitions that boot loaders and systemd go by. (UAPI discoverable partitions; UEFI 5.2 and 5.3) */
import type { PartitionNames } from './boot-tree.ts'

/** By the names that boot loaders' files have for them. */
export type Architecture = 'x64' | 'aa64' | 'ia32' | 'arm' | 'riscv64'

const ESP = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b'
const XBOOTLDR = 'bc13c2ff-59e6-4262-a352-b275fd6f7172'
const ROOTS: Readonly<Record<string, Architecture>> = {
  '4f68bce3-e8cd-4db1-96e7-fbcaf984b709': 'x64',
  'b921b045-1df0-41c3-af44-4c6f280d3fae': 'aa64',
  '44479540-f297-41b2-9af7-d131d5f0458a': 'ia32',
  '69dad710-2ce4-4e3c-b16c-21a1d49abed3': 'arm',
  '72ec70a6-cf74-40e6-bd49-4bda08e8f224': 'riscv64',
}
const MBR_ESP = 0xef
const MBR_XBOOTLDR = 0xea

/** Whether the firmware takes a partition for an EFI system partition. */
export function isEsp({ typeGuid, mbrType }: PartitionNames): boolean {
  return typeGuid === undefined ? mbrType === MBR_ESP : typeGuid.toLowerCase() === ESP
}

/** Whether systemd-boot takes a partition for the one with the rest of the boot files. */
export function isXbootldr({ typeGuid, mbrType }: PartitionNames): boolean {
  return typeGuid === undefined ? mbrType === MBR_XBOOTLDR : typeGuid.toLowerCase() === XBOOTLDR
}

/** The architecture whose root a type is; undefined for all other types. */
export function rootArchitecture(typeGuid: string): Architecture | undefined {
  return ROOTS[typeGuid.toLowerCase()]
}
