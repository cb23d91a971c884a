/** How the chunks of a file system are stored, in words. */
import {
  BLOCK_GROUP_DATA,
  BLOCK_GROUP_DUP,
  BLOCK_GROUP_RAID0,
  BLOCK_GROUP_RAID1,
  BLOCK_GROUP_RAID10,
  BLOCK_GROUP_RAID1C3,
  BLOCK_GROUP_RAID1C4,
  BLOCK_GROUP_RAID5,
  BLOCK_GROUP_RAID6,
} from '../format.ts'
import type { ChunkMap } from './chunk-map.ts'

const PROFILES = new Map([
  [BLOCK_GROUP_DUP, 'dup'],
  [BLOCK_GROUP_RAID0, 'raid0'],
  [BLOCK_GROUP_RAID1, 'raid1'],
  [BLOCK_GROUP_RAID10, 'raid10'],
  [BLOCK_GROUP_RAID5, 'raid5'],
  [BLOCK_GROUP_RAID6, 'raid6'],
  [BLOCK_GROUP_RAID1C3, 'raid1c3'],
  [BLOCK_GROUP_RAID1C4, 'raid1c4'],
])

/** How chunks of that type are stored. */
export function profileName(type: bigint): string {
  for (const [flag, name] of PROFILES) if ((type & flag) !== 0n) return name
  return 'single'
}

/** Profiles of the chunks that data lie in. */
export function dataProfiles({ chunks }: ChunkMap): string[] {
  const ofData = chunks.filter(({ type }) => (type & BLOCK_GROUP_DATA) !== 0n)
  return [...new Set(ofData.map(({ type }) => profileName(type)))]
}
