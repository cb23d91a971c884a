/** The attributes of GPT partitions by name. (UEFI, table 5-8; Discoverable Partitions Specification) */
import type { GptFlag } from '../image-spec.ts'

const BITS: Readonly<Record<GptFlag, number>> = {
  'required-partition': 0,
  'no-block-io-protocol': 1,
  'legacy-bios-bootable': 2,
  'grow-file-system': 59,
  'read-only': 60,
  'no-auto': 63,
}

export const GPT_FLAG_NAMES = Object.keys(BITS) as [GptFlag, ...GptFlag[]]

/** The attributes as they are in a GPT. */
export function gptAttributes(flags: readonly (GptFlag | number)[]): bigint {
  return flags.reduce((all, flag) => all | (1n << BigInt(typeof flag === 'number' ? flag : BITS[flag])), 0n)
}

/** The attributes by their names, and where they have none by their bits. */
export function gptFlagsOf(attributes: bigint): (GptFlag | number)[] {
  const bits = Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (attributes >> BigInt(bit)) & 1n)
  return bits.map((bit) => GPT_FLAG_NAMES.find((name) => BITS[name] === bit) ?? bit)
}
