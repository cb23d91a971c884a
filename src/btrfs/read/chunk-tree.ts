/** All chunks, from the tree that has them. */
import type { BlockHash } from '../../lib/block-hash.ts'
import type { OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { CHUNK_ITEM_KEY, FIRST_CHUNK_TREE_OBJECTID, type Superblock } from '../format.ts'
import { ChunkMap, decodeChunk, systemChunks } from './chunk-map.ts'
import { chunkTreeRoot } from './roots.ts'
import { itemPlace } from './tree-block.ts'
import { Trees } from './trees.ts'

/**
 * Reads the chunk tree, so that all other trees can be read.
 *
 * @throws CorruptError when it is damaged
 */
export function* readChunkTree({
  superblock,
  hash,
  onFinding,
}: {
  superblock: Superblock
  hash: BlockHash
  onFinding: OnFinding
}): ReadRoutine<{ chunks: ChunkMap; trees: Trees }> {
  const chunks = new ChunkMap(superblock.devItem.devid)
  for (const chunk of systemChunks(superblock)) chunks.add(chunk)
  const trees = new Trees({ superblock, hash, chunks, onFinding })
  const cursor = trees.cursor(chunkTreeRoot(superblock))
  const start = { objectid: FIRST_CHUNK_TREE_OBJECTID, type: CHUNK_ITEM_KEY, offset: 0n }
  for (let isThere = yield* cursor.seek(start); isThere; isThere = yield* cursor.next()) {
    const { leaf, slot, key, data } = cursor
    if (key.objectid !== start.objectid || key.type !== start.type) break
    chunks.add(decodeChunk(leaf.keyNumber(slot), data, 0, itemPlace(leaf, slot)))
  }
  return { chunks, trees }
}
