/** The state of the superblock and its mirrors. */
import type { BlockHash } from '../../lib/block-hash.ts'
import { uuidText } from '../../lib/hex.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { viewOf } from '../../lib/struct.ts'
import { checksumProblem } from '../checksum.ts'
import {
  FEATURE_COMPAT_RO,
  FEATURE_INCOMPAT,
  looseU64,
  MAGIC,
  SUPERBLOCK_OFFSETS,
  SUPERBLOCK_SIZE,
  Superblock,
} from '../format.ts'
import { bitNames } from '../read/superblock.ts'

/** A place where a superblock belongs. */
export interface SuperblockCopy {
  /** Bytes from the start of the device. */
  offset: number
  state: 'sound' | 'damaged' | 'missing'
  /** Of a sound copy. Generations differ if the last write did not reach all copies. */
  generation: number | undefined
}

/** Which of its places hold a superblock; those beyond the end of the device are left out. */
export function* superblockCopies(size: number, hash: BlockHash): ReadRoutine<SuperblockCopy[]> {
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
  if (Superblock.at.magic.get(view, 0) !== MAGIC) {
    return { state: 'missing', generation: undefined }
  }
  if (checksumProblem(bytes, hash) !== undefined) return damaged
  return {
    state: 'sound',
    generation: looseU64(view, Superblock.at.generation.offset),
  }
}

export interface Features {
  /** Features without which an implementation must not mount the file system. */
  incompat: string[]
  /** Features without which an implementation may mount the file system, but not write to it. */
  compatRo: string[]
  /** Features that an implementation may ignore. */
  compat: string[]
}

export function featuresOf({ incompatFlags, compatRoFlags, compatFlags }: Superblock): Features {
  return {
    incompat: bitNames(incompatFlags, FEATURE_INCOMPAT),
    compatRo: bitNames(compatRoFlags, FEATURE_COMPAT_RO),
    compat: bitNames(compatFlags, {}),
  }
}

/** As text; undefined when it is all zeros, as those are that are not set. */
export function givenUuid(uuid: Uint8Array): string | undefined {
  return uuid.every((byte) => byte === 0) ? undefined : uuidText(uuid)
}
