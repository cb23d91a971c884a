/** Whether extents lie where they may: each in one chunk of its kind, and a tree block in one stripe of it. */
import { counted } from '../../lib/counted.ts'
import {
  BLOCK_GROUP_DATA,
  BLOCK_GROUP_METADATA,
  BLOCK_GROUP_SYSTEM,
  CHUNK_TREE_OBJECTID,
  STRIPE_LEN,
  TREE_BLOCK_REF_KEY,
} from '../format.ts'
import type { CheckContext } from './context.ts'
import type { ExtentTable } from './extent-table.ts'

interface ExtentPlacesInput {
  context: CheckContext
  extents: ExtentTable
  /** Whether some chunks could not be read. */
  chunksAreLost: boolean
}

export class ExtentPlaces {
  readonly #in: ExtentPlacesInput
  /** Extents in chunks of another kind, by the chunk. */
  readonly #misplaced = new Map<number, { count: number; first: number; kinds: bigint }>()

  constructor(input: ExtentPlacesInput) {
    this.#in = input
  }

  /** Checks an extent by its row. Extents in chunks of another kind are left to `report`. */
  add(row: number): { expected: string; found: string } | undefined {
    const { extents, context, chunksAreLost } = this.#in
    const [start, end] = [extents.bytenr(row), extents.end(row)]
    const chunk = context.chunks.find(start)
    if (chunk === undefined) {
      return chunksAreLost ? undefined : { expected: 'a chunk that holds it', found: 'none' }
    }
    const chunkEnd = chunk.logical + chunk.length
    if (end > chunkEnd) return { expected: 'a chunk that holds it', found: `one up to ${chunkEnd}` }
    const kinds = this.#kindsFor(row)
    if ((chunk.type & kinds) === 0n) {
      const misplaced = this.#misplaced.get(chunk.logical)
      if (misplaced === undefined) this.#misplaced.set(chunk.logical, { count: 1, first: row, kinds })
      else misplaced.count++
    }
    if (!extents.isTreeBlock(row) || extents.bytes(row) > STRIPE_LEN) return undefined
    const within = start - chunk.logical
    const lastByte = within + extents.bytes(row) - 1
    return Math.floor(within / STRIPE_LEN) === Math.floor(lastByte / STRIPE_LEN)
      ? undefined
      : { expected: `no border of ${STRIPE_LEN} bytes in it`, found: 'one' }
  }

  /** The kinds of chunks that an extent may be in. */
  #kindsFor(row: number): bigint {
    const { extents } = this.#in
    if (!extents.isTreeBlock(row)) return BLOCK_GROUP_DATA
    const ref = extents.firstRef(row)
    const first = ref < extents.endRef(row) ? extents.reference(ref) : undefined
    const isOfChunkTree =
      first?.type === TREE_BLOCK_REF_KEY && extents.ids.idOf(first.from) === CHUNK_TREE_OBJECTID
    return isOfChunkTree ? BLOCK_GROUP_SYSTEM : BLOCK_GROUP_METADATA
  }

  /** A chunk with a wrong kind has many extents: they are one fault. */
  report(): void {
    const { context, extents } = this.#in
    for (const [logical, { count, first, kinds }] of this.#misplaced) {
      const what = `${counted(count, 'extent')} in chunk ${logical}, the first at ${extents.bytenr(first)}`
      const found = `kind ${context.chunks.find(logical)!.type}`
      context.fault(what, extents.place(first), `a chunk whose kind has ${kinds}`, found)
    }
  }
}
