/** What of a file system matters to other readers, in words. */
import {
  BLOCK_GROUP_DATA,
  BLOCK_GROUP_DUP,
  BLOCK_GROUP_PROFILE_MASK,
  BLOCK_GROUP_RAID0,
  BLOCK_GROUP_RAID1,
  BLOCK_GROUP_RAID10,
  BLOCK_GROUP_RAID1C3,
  BLOCK_GROUP_RAID1C4,
  BLOCK_GROUP_RAID5,
  BLOCK_GROUP_RAID6,
  CSUM_TYPES,
  FEATURE_INCOMPAT_NAMES,
  type Superblock,
} from '../format.ts'
import type { ChunkMap } from './chunk-map.ts'

const PROFILES = new Map<bigint, string>([
  [0n, 'single'],
  [BLOCK_GROUP_DUP, 'dup'],
  [BLOCK_GROUP_RAID0, 'raid0'],
  [BLOCK_GROUP_RAID1, 'raid1'],
  [BLOCK_GROUP_RAID10, 'raid10'],
  [BLOCK_GROUP_RAID5, 'raid5'],
  [BLOCK_GROUP_RAID6, 'raid6'],
  [BLOCK_GROUP_RAID1C3, 'raid1c3'],
  [BLOCK_GROUP_RAID1C4, 'raid1c4'],
])

/** Profiles of the chunks that data lie in. */
export function profileNames({ chunks }: ChunkMap): string[] {
  const ofData = chunks.filter(({ type }) => (type & BLOCK_GROUP_DATA) !== 0n)
  return [...new Set(ofData.map(({ type }) => PROFILES.get(type & BLOCK_GROUP_PROFILE_MASK) ?? 'unknown'))]
}

/** Incompatible features, in lower case. */
export function featureNames({ incompatFlags }: Superblock): string[] {
  return Array.from({ length: 64 }, (_, bit) => bit)
    .filter((bit) => (incompatFlags & (1n << BigInt(bit))) !== 0n)
    .map((bit) => FEATURE_INCOMPAT_NAMES[bit]?.toLowerCase() ?? `bit ${bit}`)
}

export function checksumName({ csumType }: Superblock): string {
  return Object.entries(CSUM_TYPES).find(([, type]) => type === csumType)?.[0] ?? `type ${csumType}`
}
