/** The superblock and its mirrors. (btrfs_check_super) */
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { equalBytes } from '../../lib/equal-bytes.ts'
import {
  ChunkItem,
  COMPRESS_LZO,
  COMPRESS_ZSTD,
  FEATURE_COMPAT_RO,
  FEATURE_INCOMPAT,
  Header,
  Key,
  MAGIC,
  SUPER_FLAG,
  SUPER_FLAG_METADUMP,
  SUPERBLOCK_OFFSETS,
  SUPERBLOCK_SIZE,
  Stripe,
  Superblock,
} from '../format.ts'
import { viewOf, type Field } from '../../lib/struct.ts'
import { bitNames } from '../read/superblock.ts'
import { chunkContentProblem } from './device-item-rules.ts'
import type { CheckContext } from './context.ts'

/** The fewest tree blocks that a file system has. */
const MIN_BLOCKS = 6

/** Flags of a file system that is whole. */
const SOUND_FLAGS = SUPER_FLAG.WRITTEN | SUPER_FLAG.RELOC | SUPER_FLAG.SEEDING | SUPER_FLAG_METADUMP
const KNOWN_COMPAT_RO = Object.values(FEATURE_COMPAT_RO).reduce((all, bit) => all | bit)

/** Checks fields that readers ignore. */
export function checkSuperblockFields(context: CheckContext): void {
  const { superblock } = context
  const { nodesize, sectorsize, totalBytes, bytesUsed, stripesize, numDevices, devItem, logRoot } = superblock
  const expect = (field: keyof Superblock, isSound: boolean, expected: unknown, found: unknown) => {
    if (isSound) return
    context.fault(`superblock, ${field}`, superblock.bytenr + Superblock.offsetOf(field), expected, found)
  }
  expect('totalBytes', totalBytes > 0, 'more than 0', totalBytes)
  expect('bytesUsed', bytesUsed >= MIN_BLOCKS * nodesize, `at least ${MIN_BLOCKS * nodesize}`, bytesUsed)
  expect('stripesize', stripesize === 4096 || stripesize === sectorsize, `4096, or ${sectorsize}`, stripesize)
  expect('numDevices', numDevices > 0, 'more than 0', numDevices)
  expect('logRoot', logRoot % sectorsize === 0, `a multiple of ${sectorsize}`, logRoot)
  expect('devItem', equalBytes(devItem.fsid, context.fsid), 'the fsid in it', 'another one')
  const minSize = Key.size + ChunkItem.size + Stripe.size
  const { sysChunkArraySize } = superblock
  expect('sysChunkArraySize', sysChunkArraySize >= minSize, `at least ${minSize}`, sysChunkArraySize)
  checkFlags(context)
}

/** Every bit that is set is known, and no conversion is under way. */
function checkFlags(context: CheckContext): void {
  const { superblock } = context
  const { flags, compatFlags, compatRoFlags, logRoot, nodesize, sectorsize } = superblock
  const place = (field: keyof Superblock) => superblock.bytenr + Superblock.offsetOf(field)
  const expect = (field: keyof Superblock, isSound: boolean, expected: string, found: unknown) => {
    if (!isSound) context.fault(`superblock, ${field}`, place(field), expected, found)
  }
  const warn = (field: keyof Superblock, message: string) =>
    context.warn(`superblock, ${field}`, place(field), message)
  const odd = flags & ~SOUND_FLAGS
  const oddNames = bitNames(odd, SUPER_FLAG).join(', ')
  expect('flags', odd === 0n, 'no error, unfinished conversion or unknown flag', oddNames)
  if ((flags & SUPER_FLAG_METADUMP) !== 0n) {
    warn('flags', 'METADUMP: btrfs-image has restored only the metadata, so no data could be checked')
  }
  if ((flags & SUPER_FLAG.SEEDING) !== 0n) {
    warn('flags', 'SEEDING: it can only be mounted read-only, or as the base of another file system')
  }
  expect('compatFlags', compatFlags === 0n, 'known features alone', bitNames(compatFlags, {}).join(', '))
  const unknown = compatRoFlags & ~KNOWN_COMPAT_RO
  const unknownNames = bitNames(unknown, {}).join(', ')
  expect('compatRoFlags', unknown === 0n, 'known features alone', unknownNames)
  const { FREE_SPACE_TREE, FREE_SPACE_TREE_VALID } = FEATURE_COMPAT_RO
  const needed = FREE_SPACE_TREE | FREE_SPACE_TREE_VALID
  const canHaveGroupTree = (compatRoFlags & needed) === needed && context.has(FEATURE_INCOMPAT.NO_HOLES)
  expect(
    'compatRoFlags',
    !context.hasBlockGroupTree || canHaveGroupTree,
    'BLOCK_GROUP_TREE with NO_HOLES and a valid FREE_SPACE_TREE',
    'it without them',
  )
  const isMixed = context.has(FEATURE_INCOMPAT.MIXED_GROUPS)
  expect('nodesize', !isMixed || nodesize === sectorsize, `${sectorsize} with MIXED_GROUPS`, nodesize)
  if (logRoot !== 0) {
    warn('logRoot', 'there is a log of what was synced last: the next mount replays it, which changes files')
  }
}

/** @param compressions those of all extents (COMPRESS_*) */
export function checkCompressionFlags(context: CheckContext, compressions: ReadonlySet<number>): void {
  const { bytenr, incompatFlags } = context.superblock
  for (const [algorithm, name] of [
    [COMPRESS_LZO, 'COMPRESS_LZO'],
    [COMPRESS_ZSTD, 'COMPRESS_ZSTD'],
  ] as const) {
    if (!compressions.has(algorithm) || context.has(FEATURE_INCOMPAT[name])) continue
    const place = bytenr + Superblock.offsetOf('incompatFlags')
    const expected = `${name}, which extents need`
    context.fault('superblock, incompatFlags', place, expected, `0x${incompatFlags.toString(16)}`)
  }
}

/** Checks one chunk of the superblock's array by itself. */
export function checkSystemChunk(context: CheckContext, at: number, logical: number): void {
  const { superblock } = context
  const problem = chunkContentProblem(context, viewOf(superblock.sysChunkArray), at, logical)
  if (problem === undefined) return
  const place = superblock.bytenr + Superblock.offsetOf('sysChunkArray') + at
  const field = problem.field === undefined ? '' : `, ${problem.field}`
  context.fault(`sys_chunk_array, chunk ${logical}${field}`, place, problem.expected, problem.found)
}

/**
 * Mirrors on the device, as far as the file system reaches, are there, and those of the same transaction are the same as
 * the superblock but for their places. What btrfs-image restored has none.
 */
export function* checkMirrors(context: CheckContext, used: readonly number[]): ReadRoutine<void> {
  const { superblock } = context
  if ((superblock.flags & SUPER_FLAG_METADUMP) !== 0n) return
  const encoded = Superblock.encode(superblock)
  for (const offset of SUPERBLOCK_OFFSETS) {
    if (offset === superblock.bytenr || used.includes(offset)) continue
    if (offset + SUPERBLOCK_SIZE > superblock.devItem.totalBytes) continue
    const bytes = yield { offset, length: SUPERBLOCK_SIZE }
    // A device that is too short has been reported.
    if (bytes.length < SUPERBLOCK_SIZE) continue
    const what = `mirror of the superblock`
    if (Superblock.at.magic.get(viewOf(bytes), 0) !== MAGIC) {
      context.fault(what, offset, '_BHRfS_M', 'something else')
      continue
    }
    // A crash may come between the superblock and its mirrors, which then are of the transaction before.
    if (!isOfSameTransaction(encoded, bytes)) continue
    const different = differingField(encoded, bytes)
    if (different !== undefined) {
      const at = offset + Superblock.offsetOf(different)
      context.fault(`${what}, ${different}`, at, 'what the superblock has', 'something else')
    }
  }
}

function isOfSameTransaction(a: Uint8Array, b: Uint8Array): boolean {
  const isSame = ({ offset, size }: Pick<Field<unknown>, 'offset' | 'size'>) =>
    equalBytes(a.subarray(offset, offset + size), b.subarray(offset, offset + size))
  return isSame(Superblock.at.fsid) && isSame(Superblock.at.generation)
}

/** fsync(2) writes its log's address to the first copy alone. */
const MAY_DIFFER = new Set<keyof Superblock>(['bytenr', 'logRoot', 'logRootTransid', 'logRootLevel'])
const FIELDS = Object.keys(Superblock.decode(new Uint8Array(SUPERBLOCK_SIZE))) as (keyof Superblock)[]

function differingField(a: Uint8Array, b: Uint8Array): keyof Superblock | undefined {
  for (let i = Header.offsetOf('fsid'); i < SUPERBLOCK_SIZE; i++) {
    if (a[i] === b[i]) continue
    const field = FIELDS.findLast((field) => Superblock.offsetOf(field) <= i)!
    if (!MAY_DIFFER.has(field)) return field
  }
  return undefined
}
