/** Types of partitions that boot loaders and systemd go by. (UAPI discoverable partitions; UEFI 5.2 and 5.3) */
import { gptTypeName } from '../spec/notation/gpt-types.ts'
import type { PartitionNames } from './boot-tree.ts'

/** By the names that boot loaders' files have for them. */
export type Architecture = 'x64' | 'aa64' | 'ia32' | 'arm' | 'riscv64'

/** Types of root partitions by their names in a description. */
const ROOTS: Readonly<Record<string, Architecture>> = {
  'root-x86-64': 'x64',
  'root-arm64': 'aa64',
  'root-x86': 'ia32',
  'root-arm': 'arm',
  'root-riscv64': 'riscv64',
}
const MBR_ESP = 0xef
const MBR_XBOOTLDR = 0xea

/** Whether the firmware takes a partition for an EFI system partition. */
export function isEsp({ typeGuid, mbrType }: PartitionNames): boolean {
  return typeGuid === undefined ? mbrType === MBR_ESP : gptTypeName(typeGuid) === 'esp'
}

/** Whether systemd-boot takes a partition for the one with the rest of the boot files. */
export function isXbootldr({ typeGuid, mbrType }: PartitionNames): boolean {
  return typeGuid === undefined ? mbrType === MBR_XBOOTLDR : gptTypeName(typeGuid) === 'xbootldr'
}

/** The architecture whose root a type is; undefined for all other types. */
export function rootArchitecture(typeGuid: string): Architecture | undefined {
  return ROOTS[gptTypeName(typeGuid) ?? '']
}
