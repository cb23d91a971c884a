/** Maps logical addresses to offsets on the device. */
import { CorruptError } from '../../lib/errors.ts'
import { decodeChecked } from '../../lib/read-routine.ts'
import {
  BLOCK_GROUP_DUP,
  BLOCK_GROUP_PROFILE_MASK,
  BLOCK_GROUP_RAID1,
  BLOCK_GROUP_RAID10,
  BLOCK_GROUP_RAID1C3,
  BLOCK_GROUP_RAID1C4,
  CHUNK_ITEM_KEY,
  ChunkItem,
  Key,
  Stripe,
  SYS_CHUNK_ARRAY_SIZE,
  Superblock,
} from '../format.ts'

/** A chunk as its item describes it. (struct btrfs_chunk) */
export interface MappedChunk {
  logical: number
  length: number
  /** Kind and profile. (BTRFS_BLOCK_GROUP_*) */
  type: bigint
  stripes: readonly { devid: number; offset: number; devUuid: Uint8Array }[]
  item: ChunkItem
}

/** Profiles whose stripes are copies of each other. */
const MIRRORED = BLOCK_GROUP_DUP | BLOCK_GROUP_RAID1 | BLOCK_GROUP_RAID1C3 | BLOCK_GROUP_RAID1C4

/** Whether every stripe of a chunk holds all of it. */
function areCopies({ stripes, type, item }: MappedChunk): boolean {
  const profile = type & BLOCK_GROUP_PROFILE_MASK
  if (stripes.length === 1 || (profile & MIRRORED) !== 0n) return true
  // On as few devices as it can be, there is nothing to spread over.
  return profile === BLOCK_GROUP_RAID10 && item.subStripes === stripes.length
}

/** All chunks known so far; of one device. */
export class ChunkMap {
  readonly #devid: number
  /** By their logical addresses, ascending. */
  readonly #chunks: MappedChunk[] = []

  constructor(devid: number) {
    this.#devid = devid
  }

  get chunks(): readonly MappedChunk[] {
    return this.#chunks
  }

  /** Adds a chunk; it replaces a known one at the same address. */
  add(chunk: MappedChunk): void {
    const at = this.#after(chunk.logical)
    const isKnown = at > 0 && this.#chunks[at - 1].logical === chunk.logical
    this.#chunks.splice(isKnown ? at - 1 : at, isKnown ? 1 : 0, chunk)
  }

  /** The chunk in which an address lies. */
  find(logical: number): MappedChunk | undefined {
    const chunk = this.#chunks[this.#after(logical) - 1] as MappedChunk | undefined
    return chunk !== undefined && logical < chunk.logical + chunk.length ? chunk : undefined
  }

  /**
   * The offsets on the device of the copies of a logical range; none when no chunk holds all of it, or its copies are
   * on other devices, or spread over several.
   */
  copies(logical: number, length: number): number[] {
    const chunk = this.find(logical)
    if (chunk === undefined || logical + length > chunk.logical + chunk.length) return []
    const { stripes } = chunk
    if (!areCopies(chunk)) return []
    const within = logical - chunk.logical
    return stripes.filter(({ devid }) => devid === this.#devid).map(({ offset }) => offset + within)
  }

  /** Index of the first chunk whose address is greater. */
  #after(logical: number): number {
    let [low, high] = [0, this.#chunks.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#chunks[middle].logical <= logical) low = middle + 1
      else high = middle
    }
    return low
  }
}

/**
 * Decodes the item of a chunk.
 *
 * @param where the bytes lie, for messages
 * @throws CorruptError when it is damaged
 */
export function decodeChunk(
  logical: number,
  bytes: Uint8Array,
  at: number,
  where: { what: string; offset: number },
): MappedChunk {
  const item = decodeChecked(ChunkItem, bytes, at, where)
  const stripes = Array.from({ length: item.numStripes }, (_, i) =>
    decodeChecked(Stripe, bytes, at + ChunkItem.size + i * Stripe.size, where),
  )
  const expect = (isSound: boolean, expected: string, found: unknown) => {
    if (!isSound) throw new CorruptError(where.what, where.offset + at, { expected, found })
  }
  expect(stripes.length > 0, 'a stripe', 'none')
  expect(item.length > 0, 'a length', item.length)
  for (const start of [logical, ...stripes.map(({ offset }) => offset)]) {
    expect(Number.isSafeInteger(start + item.length), 'an end below 2^53', `${start} + ${item.length}`)
  }
  return { logical, length: item.length, type: item.type, stripes, item }
}

/**
 * The system chunks, which the superblock has, so that the chunk tree can be found.
 *
 * @throws CorruptError when they are damaged
 */
export function* systemChunks({
  sysChunkArray,
  sysChunkArraySize,
  bytenr,
}: Superblock): Generator<MappedChunk> {
  const where = { what: 'sys_chunk_array', offset: bytenr + Superblock.at.sysChunkArray.offset }
  const array = sysChunkArray.subarray(0, Math.min(sysChunkArraySize, SYS_CHUNK_ARRAY_SIZE))
  for (let at = 0; at < array.length;) {
    const key = decodeChecked(Key, array, at, where)
    if (key.type !== CHUNK_ITEM_KEY || key.offset > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new CorruptError(where.what, where.offset + at, {
        expected: `a key of type ${CHUNK_ITEM_KEY}`,
        found: `type ${key.type}, offset ${key.offset}`,
      })
    }
    const chunk = decodeChunk(Number(key.offset), array, at + Key.size, where)
    yield chunk
    at += Key.size + ChunkItem.size + chunk.stripes.length * Stripe.size
  }
}
