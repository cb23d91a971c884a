/** Finds the superblock to go by, among the copies that there are. (btrfs_check_super_valid) */
import type { BlockHash, HashName } from '../../lib/block-hash.ts'
import { CorruptError, UnsupportedError } from '../../lib/errors.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import { decodeChecked, readExactly, type ReadRoutine } from '../../lib/read-routine.ts'
import { viewOf } from '../../lib/struct.ts'
import { checksumProblem } from '../checksum.ts'
import {
  CSUM_TYPES,
  FEATURE_INCOMPAT_KNOWN,
  FEATURE_INCOMPAT,
  MAGIC,
  MAX_TREE_LEVEL,
  SUPERBLOCK_OFFSETS,
  SUPERBLOCK_SIZE,
  Superblock,
  SYS_CHUNK_ARRAY_SIZE,
} from '../format.ts'

/** A superblock, and the hash of all blocks of its file system. */
export interface FoundSuperblock {
  superblock: Superblock
  hash: BlockHash
}

/** Names of the hash functions by the number that superblocks have for them. */
const HASH_OF_TYPE = new Map<number, HashName>(
  Object.entries(CSUM_TYPES).map(([name, type]) => [type, name as HashName]),
)

/**
 * Which hash functions the copies of the superblock say they have: they must be loaded before any is believed.
 *
 * @param size bytes of the device
 */
export function* hashNamesOf(size: number): ReadRoutine<Set<HashName>> {
  const names = new Set<HashName>()
  for (const offset of placesOn(size)) {
    const bytes = yield { offset, length: SUPERBLOCK_SIZE }
    if (bytes.length < SUPERBLOCK_SIZE) continue
    const { magic, csumType } = rawFields(bytes)
    const name = HASH_OF_TYPE.get(csumType)
    if (magic === MAGIC && name !== undefined) names.add(name)
  }
  return names
}

/**
 * Reads the superblock, or the newest sound mirror of it when it is damaged.
 *
 * @param size bytes of the device
 * @param hashes at least those of `hashNamesOf`
 * @param onFinding called with damaged copies
 * @throws CorruptError when none is sound
 * @throws UnsupportedError when the file system has features that are unknown here
 */
export function* readSuperblock(
  size: number,
  { hashes, onFinding }: { hashes: ReadonlyMap<HashName, BlockHash>; onFinding: OnFinding },
): ReadRoutine<FoundSuperblock> {
  let best: FoundSuperblock | undefined
  let first: Error | undefined
  for (const [i, offset] of placesOn(size).entries()) {
    try {
      const found = yield* readCopy(offset, hashes)
      const isNewer = best === undefined || found.superblock.generation > best.superblock.generation
      // The kernel goes by the first alone. A mirror may be older, or belong to a file system that was here before.
      if (i === 0 || (first !== undefined && isNewer)) best = found
    } catch (error) {
      const fault = findingOf(error)
      if (i === 0) first = error as Error
      else if (best !== undefined && fault.found === NO_SUPERBLOCK) continue
      onFinding(fault)
    }
  }
  if (best === undefined) throw first ?? noSuperblock(SUPERBLOCK_OFFSETS[0], `only ${size} bytes`)
  refuseUnknownFeatures(best.superblock)
  return best
}

const NO_SUPERBLOCK = 'something else'

function* readCopy(offset: number, hashes: ReadonlyMap<HashName, BlockHash>): ReadRoutine<FoundSuperblock> {
  const bytes = yield* readExactly(offset, SUPERBLOCK_SIZE, 'superblock')
  const { magic, csumType } = rawFields(bytes)
  if (magic !== MAGIC) throw noSuperblock(offset, NO_SUPERBLOCK)
  const fault = (field: keyof Superblock, expected: unknown, found: unknown) =>
    new CorruptError(`superblock, ${field}`, offset + Superblock.at[field].offset, { expected, found })
  const hash = hashes.get(HASH_OF_TYPE.get(csumType) ?? 'crc32c')
  if (HASH_OF_TYPE.get(csumType) !== hash?.name) {
    throw fault('csumType', [...HASH_OF_TYPE.keys()].join(', '), csumType)
  }
  const wrongSum = checksumProblem(bytes, hash!)
  if (wrongSum !== undefined) throw fault('csum', wrongSum.expected, wrongSum.found)
  const superblock = decodeChecked(Superblock, bytes, 0, { what: 'superblock', offset })
  const expect = (field: keyof Superblock, sound: boolean, expected: unknown) => {
    if (!sound) throw fault(field, expected, superblock[field])
  }
  const { sectorsize, nodesize, generation } = superblock
  expect('bytenr', superblock.bytenr === offset, offset)
  expect('sectorsize', isPowerOfTwo(sectorsize, 4096, 65536), 'a power of two from 4096 to 65536')
  expect('nodesize', isPowerOfTwo(nodesize, sectorsize, 65536), `a power of two from ${sectorsize} to 65536`)
  expect('leafsize', superblock.leafsize === nodesize, nodesize)
  expect('rootLevel', superblock.rootLevel < MAX_TREE_LEVEL, `less than ${MAX_TREE_LEVEL}`)
  expect('chunkRootLevel', superblock.chunkRootLevel < MAX_TREE_LEVEL, `less than ${MAX_TREE_LEVEL}`)
  expect('logRootLevel', superblock.logRootLevel < MAX_TREE_LEVEL, `less than ${MAX_TREE_LEVEL}`)
  expect('root', isBlockAddress(superblock.root, sectorsize), `a multiple of ${sectorsize}`)
  expect('chunkRoot', isBlockAddress(superblock.chunkRoot, sectorsize), `a multiple of ${sectorsize}`)
  expect('chunkRootGeneration', superblock.chunkRootGeneration <= generation, `at most ${generation}`)
  const { sysChunkArraySize } = superblock
  expect('sysChunkArraySize', sysChunkArraySize <= SYS_CHUNK_ARRAY_SIZE, `at most ${SYS_CHUNK_ARRAY_SIZE}`)
  return { superblock, hash: hash! }
}

function refuseUnknownFeatures({ incompatFlags }: Superblock): void {
  const unknown = incompatFlags & ~FEATURE_INCOMPAT_KNOWN
  if (unknown === 0n) return
  const names = bitNames(unknown, FEATURE_INCOMPAT)
  throw new UnsupportedError(`the BTRFS file system has unsupported features: ${names.join(', ')}`)
}

/** The names of the bits that are set; bits without a name are `bit 63`. */
export function bitNames(flags: bigint, bits: Readonly<Record<string, bigint>>): string[] {
  const names = new Map(Object.entries(bits).map(([name, bit]) => [bit, name]))
  return Array.from({ length: 64 }, (_, bit) => bit)
    .filter((bit) => (flags & (1n << BigInt(bit))) !== 0n)
    .map((bit) => names.get(1n << BigInt(bit)) ?? `bit ${bit}`)
}

/** The function of a file system's checksums; without a known one it could not have been opened. */
export function checksumName({ csumType }: Superblock): HashName {
  return HASH_OF_TYPE.get(csumType)!
}

/** The fsid that tree blocks have: another one than the superblock's when that was changed later. */
export function fsidOfBlocks({ incompatFlags, metadataUuid, fsid }: Superblock): Uint8Array {
  return (incompatFlags & FEATURE_INCOMPAT.METADATA_UUID) !== 0n ? metadataUuid : fsid
}

function placesOn(size: number): number[] {
  const [first, ...mirrors] = SUPERBLOCK_OFFSETS
  return [first, ...mirrors.filter((offset) => offset + SUPERBLOCK_SIZE <= size)]
}

/** The fields that say whether the rest can be believed. */
function rawFields(bytes: Uint8Array): { magic: bigint; csumType: number } {
  const view = viewOf(bytes)
  return { magic: Superblock.at.magic.get(view, 0), csumType: Superblock.at.csumType.get(view, 0) }
}

function noSuperblock(offset: number, found: string): CorruptError {
  return new CorruptError('superblock', offset, { expected: '_BHRfS_M', found })
}

function isPowerOfTwo(value: number, least: number, most: number): boolean {
  return value >= least && value <= most && Number.isInteger(Math.log2(value))
}

const isBlockAddress = (bytenr: number, sectorsize: number) => bytenr > 0 && bytenr % sectorsize === 0
