/**
 * What is left of layers that lie on top of each other. Names in a directory are in the order in which the layers
 * brought them, so that the result depends on the layers alone.
 */
import type { ByteString } from '../../lib/byte-string.ts'
import type { SourceEntry, Timestamp } from '../../file-tree/entry.ts'
import type { LeavesOut } from '../directory.ts'
import type { LayerDirectory, LayerNode, LayerTree } from './layer-tree.ts'

/** Paths of the files that are left of a layer, by the number of their entry in it. */
export type FilePaths = Map<number, ByteString[]>

/**
 * The files that are left, by layer. Those with several paths have hard links.
 *
 * @param leavesOut what is not taken of the image
 */
export function filesOf(tree: LayerTree, layers: number, leavesOut: LeavesOut): FilePaths[] {
  const files: FilePaths[] = Array.from({ length: layers }, () => new Map<number, ByteString[]>())
  for (const { node, path } of walk(tree.root)) {
    if (node.type !== 'file' || leavesOut(path, false)) continue
    const known = files[node.layer].get(node.index)
    if (known === undefined) files[node.layer].set(node.index, [path])
    else known.push(path)
  }
  return files
}

/**
 * The entries that are left, but regular files: directories before what they hold.
 *
 * @param source its name in messages, for directories that no entry is for
 * @param time of these
 */
export function* entriesOf(
  tree: LayerTree,
  { source, time, leavesOut }: { source: string; time: Timestamp; leavesOut: LeavesOut },
): Generator<SourceEntry, void, undefined> {
  const firstPaths = new Map<LayerNode, ByteString>()
  for (const { node, path } of walk(tree.root)) {
    if (node.type === 'file') continue
    if (node.type === 'directory') {
      if (node.entry !== undefined) yield { ...node.entry, path }
      // What is on the way to others needs no entry of its own.
      else if (node.children.size === 0 && path !== '') {
        yield { path, type: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: time, origin: { source } }
      }
      continue
    }
    if (leavesOut(path, false)) continue
    const target = firstPaths.get(node)
    yield target === undefined ? { ...node.entry, path } : hardLink(node.entry, path, target)
    if (target === undefined) firstPaths.set(node, path)
  }
}

/** Another name for an entry. */
export function hardLink(
  { mode, uid, gid, mtime, origin }: SourceEntry,
  path: ByteString,
  target: ByteString,
): SourceEntry {
  return { path, type: 'hardlink', target, mode, uid, gid, mtime, origin }
}

function* walk(root: LayerDirectory): Generator<{ node: LayerNode; path: ByteString }, void, undefined> {
  // What is still to do, last first.
  const open: { node: LayerNode; path: ByteString }[] = [{ node: root, path: '' }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next
    const { node, path } = next
    if (node.type !== 'directory') continue
    const below = Array.from(node.children, ([name, child]) => ({
      node: child,
      path: path === '' ? name : `${path as string}/${name as string}`,
    }))
    for (let i = below.length - 1; i >= 0; i--) open.push(below[i])
  }
}
