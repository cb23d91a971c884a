/** A FAT32 file system of a description, with everything decided. */
import { parseHex } from './numbers.ts'
import type { Fat32FileSystemPlan } from './plan.ts'
import type { Fat32FileSystemSpec } from './fat32-spec.ts'

export function resolveFat32({ label = '', volumeId }: Fat32FileSystemSpec, derivedId: number) {
  return {
    type: 'fat32',
    label,
    volumeId: volumeId === undefined ? derivedId : parseHex(volumeId),
  } satisfies Partial<Fat32FileSystemPlan>
}
