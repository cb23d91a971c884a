import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import type { OnFinding } from '../../lib/finding.ts'
import type { VolumeHead } from '../read/boot-sector.ts'
import type { FatTable } from '../read/fat-table.ts'

/** The input of all parts of the check. */
export interface Check extends VolumeHead {
  /** The boot sector. */
  bytes: Uint8Array
  fat: FatTable
  onFinding: OnFinding
}

export const quote = (name: ByteString) => JSON.stringify(toDisplay(name))
export const hex = (value: number) => `0x${value.toString(16)}`

/** Index of the first byte that differs, or -1. */
export function differenceIn(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Math.min(a.length, b.length)
  return a.findIndex((byte, i) => byte !== b[i])
}
