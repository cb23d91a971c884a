/** Entries of a layer that remove what lower layers brought. (image-spec, layer.md, "Whiteouts") */
import type { ByteString } from '../../lib/byte-string.ts'

const PREFIX = '.wh.'
/** Everything that lower layers have in this directory. */
const OPAQUE = '.wh..wh..opq'
/** Names of AUFS itself, from which whiteouts come: no part of the image's tree. */
const AUFS_PREFIX = '.wh..wh.'

/** What the name of an entry asks to remove. */
export type Whiteout = { kind: 'opaque' } | { kind: 'name'; name: ByteString } | { kind: 'invalid' }

/** @param name the last component of a path */
export function whiteoutOf(name: ByteString): Whiteout | undefined {
  if (!name.startsWith(PREFIX)) return undefined
  if (name === OPAQUE) return { kind: 'opaque' }
  const removed = name.slice(PREFIX.length)
  if (removed === '' || removed === '.' || removed === '..') return { kind: 'invalid' }
  return { kind: 'name', name: removed }
}

export function isOfAufs(name: ByteString): boolean {
  return name.startsWith(AUFS_PREFIX)
}

/** Whether the last component of a path is the name of a whiteout. */
export function isWhiteoutPath(path: ByteString): boolean {
  // Few paths hold it anywhere.
  return path.includes(PREFIX) && path.startsWith(PREFIX, path.lastIndexOf('/') + 1)
}
