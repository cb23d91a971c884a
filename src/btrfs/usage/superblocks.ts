/** What do the superblock and its mirrors say? */
import type { BlockHash, HashName } from '../../lib/block-hash.ts'
import { hexText } from '../../lib/hex.ts'
import type { Reading } from '../../lib/reading.ts'
import { viewOf } from '../../lib/struct.ts'
import {
  CSUM_TYPES,
  FEATURE_COMPAT_RO_NAMES,
  FEATURE_INCOMPAT_NAMES,
  Header,
  MAGIC,
  SUPERBLOCK_OFFSETS,
  SUPERBLOCK_SIZE,
  Superblock,
} from '../format.ts'

/** A place where a superblock belongs. */
export interface SuperblockCopy {
  /** Bytes from the start of the device. */
  offset: number
  state: 'sound' | 'damaged' | 'missing'
  /** Of sound ones; they differ when one was not written as the others were. */
  generation: number | undefined
}

/** Which of its places hold a superblock; those beyond the end of the device are left out. */
export function* superblockCopies(size: number, hash: BlockHash): Reading<SuperblockCopy[]> {
  const copies: SuperblockCopy[] = []
  for (const offset of SUPERBLOCK_OFFSETS) {
    if (offset + SUPERBLOCK_SIZE > size) continue
    const bytes = yield { offset, length: SUPERBLOCK_SIZE }
    copies.push({ offset, ...stateOf(bytes, hash) })
  }
  return copies
}

function stateOf(bytes: Uint8Array, hash: BlockHash): Omit<SuperblockCopy, 'offset'> {
  const damaged = { state: 'damaged', generation: undefined } as const
  if (bytes.length < SUPERBLOCK_SIZE) return damaged
  const view = viewOf(bytes)
  if (view.getBigUint64(Superblock.offsetOf('magic'), true) !== MAGIC) {
    return { state: 'missing', generation: undefined }
  }
  const content = bytes.subarray(Header.offsetOf('fsid'))
  const sum = new Uint8Array(hash.size)
  hash.hashBlocks(content, content.length, sum)
  if (!sum.every((byte, i) => byte === bytes[i])) return damaged
  return {
    state: 'sound',
    generation: Number(view.getBigUint64(Superblock.offsetOf('generation'), true)),
  }
}

/** The function of a file system's checksums; without a known one it could not have been opened. */
export function checksumName({ csumType }: Superblock): HashName {
  return Object.entries(CSUM_TYPES).find(([, type]) => type === csumType)![0] as HashName
}

export interface Features {
  /** Who does not know them may not mount. */
  incompat: string[]
  /** Who does not know them may not write. */
  compatRo: string[]
  /** Who does not know them may do anything. */
  compat: string[]
}

export function featuresOf({ incompatFlags, compatRoFlags, compatFlags }: Superblock): Features {
  return {
    incompat: bitNames(incompatFlags, FEATURE_INCOMPAT_NAMES),
    compatRo: bitNames(compatRoFlags, FEATURE_COMPAT_RO_NAMES),
    compat: bitNames(compatFlags, {}),
  }
}

function bitNames(flags: bigint, names: Readonly<Record<number, string>>): string[] {
  return Array.from({ length: 64 }, (_, bit) => bit)
    .filter((bit) => (flags & (1n << BigInt(bit))) !== 0n)
    .map((bit) => names[bit] ?? `bit ${bit}`)
}

/** `f81d4fae-7dec-11d0-a765-00a0c91e6bf6`; undefined when it is all zeros, as those are that are not set. */
export function uuidText(uuid: Uint8Array): string | undefined {
  if (uuid.every((byte) => byte === 0)) return undefined
  return hexText(uuid).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
