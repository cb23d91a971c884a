/** The directories of all subvolumes, as rows of the tree of sizes. */
import type { SizeTree } from '../../file-tree/size-tree.ts'
import type { ByteString } from '../../lib/byte-string.ts'
import { CorruptError } from '../../lib/errors.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { FIRST_FREE_OBJECTID } from '../format.ts'
import { directoryName } from '../read/subvolumes.ts'
import type { TreeRoot, Trees } from '../read/trees.ts'
import type { SubvolumePlace } from './roots.ts'

export class DirectoryRows {
  readonly #sizes: SizeTree
  /** By the id of the subvolume and the number of the inode. */
  readonly #rows = new Map<number, Map<number, number>>()
  readonly #placed = new Set<number>()

  constructor(sizes: SizeTree) {
    this.#sizes = sizes
  }

  /** The subvolume that is scanned next. The root of the first one, the top level, is the top of the tree. */
  beginSubvolume(id: number, place: SubvolumePlace | undefined): void {
    if (this.#rows.size === 0) this.#rows.set(id, new Map([[FIRST_FREE_OBJECTID, 0]]))
    const row = this.row(id, FIRST_FREE_OBJECTID)
    this.#sizes.beginSubvolume(row, id)
    this.#placed.add(row)
    if (place === undefined) return
    this.#sizes.place(row, this.row(place.parentTree, place.parentInode), place.name)
  }

  row(subvolume: number, ino: number): number {
    let rows = this.#rows.get(subvolume)
    if (rows === undefined) this.#rows.set(subvolume, (rows = new Map<number, number>()))
    let row = rows.get(ino)
    if (row === undefined) rows.set(ino, (row = this.#sizes.newDirectory()))
    return row
  }

  place(subvolume: number, ino: number, parent: number, name: ByteString): void {
    const row = this.row(subvolume, ino)
    this.#placed.add(row)
    this.#sizes.place(row, this.row(subvolume, parent), name)
  }

  /**
   * Places those directories of a subvolume whose own items were not scanned, since an earlier subvolume has them, too.
   * Their names are looked up in its tree.
   */
  *placeRest(subvolume: number, root: TreeRoot, trees: Trees, onFinding: OnFinding): ReadRoutine<void> {
    const cursor = trees.cursor(root)
    for (const start of [...(this.#rows.get(subvolume)?.keys() ?? [])]) {
      for (let ino = start; !this.#placed.has(this.row(subvolume, ino));) {
        try {
          const { parent, name } = yield* directoryName(cursor, subvolume, ino)
          this.place(subvolume, ino, parent, name)
          ino = parent
        } catch (error) {
          if (!(error instanceof CorruptError)) throw error
          onFinding(findingOf(error))
          break
        }
      }
    }
  }
}
