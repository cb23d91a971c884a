/** Cursors that stay where they were, since most searches are for something near the last one. */
import { CorruptError, NotFoundError } from '../../lib/errors.ts'
import { LruCache } from '../../lib/lru-cache.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { CSUM_TREE_OBJECTID, FIRST_FREE_OBJECTID, FS_TREE_OBJECTID } from '../format.ts'
import type { Cursor } from './cursor.ts'
import type { Roots } from './roots.ts'
import type { TreeRoot, Trees } from './trees.ts'

/** Trees whose last place is remembered. */
const MAX_IDLE = 16

export class TreeSearch {
  readonly #trees: Trees
  readonly #roots: Roots
  /** By their trees. */
  readonly #idle = new LruCache<number, Cursor>(MAX_IDLE)

  constructor(trees: Trees, roots: Roots) {
    this.#trees = trees
    this.#roots = roots
  }

  /**
   * Works with a cursor over a file tree or the checksum tree, which no other search moves meanwhile.
   *
   * @throws NotFoundError when there is no such subvolume
   */
  *search<T>(tree: number, work: (cursor: Cursor) => ReadRoutine<T>): ReadRoutine<T> {
    const cursor = this.#idle.get(tree) ?? this.#trees.cursor(yield* this.#rootOf(tree))
    this.#idle.delete(tree)
    const result = yield* work(cursor)
    this.#idle.set(tree, cursor)
    return result
  }

  *#rootOf(tree: number): ReadRoutine<TreeRoot> {
    const isSubvolume = tree === Number(FS_TREE_OBJECTID) || tree >= FIRST_FREE_OBJECTID
    const isKnownKind = isSubvolume || tree === Number(CSUM_TREE_OBJECTID)
    const root = isKnownKind ? yield* this.#roots.find(BigInt(tree)) : undefined
    if (root !== undefined) return root
    if (isSubvolume) throw new NotFoundError(`no subvolume has the id ${tree}`)
    const { bytenr } = this.#roots.rootTree
    throw new CorruptError(`root tree ${bytenr}`, bytenr, {
      expected: `a root item of tree ${tree}`,
      found: 'none',
    })
  }
}
