import type { EntryMetadata, SourceEntry } from './entry.ts'
import type { LeafNode } from './node.ts'

/** Anything without content of its own. */
export function leafOf<Content>(
  entry: Exclude<SourceEntry, { type: 'directory' | 'file' | 'hardlink' }>,
  metadata: EntryMetadata,
): LeafNode<Content> {
  switch (entry.type) {
    case 'symlink':
      return { type: 'symlink', metadata, hardLinked: false, target: entry.target }
    case 'block':
    case 'character':
      return { type: entry.type, metadata, hardLinked: false, major: entry.major, minor: entry.minor }
    case 'fifo':
    case 'socket':
      return { type: entry.type, metadata, hardLinked: false }
  }
}
