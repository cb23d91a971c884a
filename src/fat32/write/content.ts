import type { SourceEntry } from '../../file-tree/entry.ts'
import type { TreeNode } from '../../file-tree/tree.ts'
import type { UnsupportedPolicy } from '../../file-tree/unsupported.ts'
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'

/** The content of a file on a FAT volume. */
export interface FatContent {
  /** Bytes, at most MAX_FILE_SIZE. */
  readonly size: number
  /**
   * Reads the content, exactly `size` bytes; a piece is valid until the next one is asked for. A file with
   * several names is read once for each.
   */
  open(): AsyncIterable<Uint8Array>
}

/** The entry of a source that an error is about. */
export type EntryPlace = Pick<SourceEntry, 'path' | 'origin'> & {
  /** `drop`: what FAT cannot hold is left out. Default: `error`. */
  policy?: UnsupportedPolicy
}

/** The last entry of each path of the tree, without symlinks on the way. Implied directories have none. */
export type EntryPlaces = ReadonlyMap<ByteString, EntryPlace>

/** The error about an entry, naming it and where it came from. */
export function entryError(message: string, { path, origin }: EntryPlace): InputError {
  return new InputError(message, {
    source: origin.source,
    entry: toDisplay(path),
    offset: origin.offset,
  })
}

/** The entry that made a node; for an implied directory the first entry in it. */
export function placeOf(path: ByteString, node: TreeNode<FatContent>, places: EntryPlaces): EntryPlace {
  for (let [at, below] = [path, node]; ;) {
    const place = places.get(at)
    if (place !== undefined) return place
    const first = below.type === 'directory' ? firstOf(below.children) : undefined
    if (first === undefined) return { path, origin: { source: 'FAT content' } }
    const [name, node] = first
    at = at === '' ? name : `${at}/${name}`
    below = node
  }
}

function firstOf<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value
  return undefined
}
