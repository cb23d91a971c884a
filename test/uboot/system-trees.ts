/** Trees of systems that are only described. */
import { TreeView } from '../../src/file-tree/tree-view.ts'
import { FileTree } from '../../src/file-tree/tree.ts'
import type { SourceEntry } from '../../src/file-tree/entry.ts'

const time = { sec: 0, nsec: 0 }

/** A tree of files ('text') and symlinks ('-> target'). */
export async function systemTree(
  entries: Record<string, string | Uint8Array>,
): Promise<TreeView<Uint8Array>> {
  const tree = new FileTree<Uint8Array>({
    time,
    content: {
      store: async (entry) => {
        const pieces: Uint8Array[] = []
        for await (const piece of entry.content) pieces.push(piece)
        return Buffer.concat(pieces)
      },
      copy: (content) => Promise.resolve(content.slice()),
    },
  })
  const common = { mode: 0o644, uid: 0, gid: 0, mtime: time, origin: { source: 'test' } }
  for (const [path, what] of Object.entries(entries)) {
    const content = (async function* () {
      yield await Promise.resolve(typeof what === 'string' ? Buffer.from(what) : what)
    })()
    const entry: SourceEntry =
      typeof what === 'string' && what.startsWith('-> ')
        ? { ...common, path, type: 'symlink', target: what.slice(3) }
        : { ...common, path, type: 'file', size: what.length, content }
    await tree.add(entry)
  }
  const open = (bytes: Uint8Array) => ({
    size: bytes.length,
    content: (async function* () {
      yield await Promise.resolve(bytes)
    })(),
  })
  return new TreeView(tree, open)
}
