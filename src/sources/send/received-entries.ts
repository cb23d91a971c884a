/** A received subvolume as the entries of a source. */
import { INODE_NODATACOW } from '../../btrfs/format.ts'
import { flagNames } from '../../btrfs/read/inodes.ts'
import type { SendNode } from '../../btrfs/send/apply/tree.ts'
import type { EntryMetadata, SourceEntry, Timestamp } from '../../file-tree/entry.ts'
import type { ByteString } from '../../lib/byte-string.ts'
import type { LeavesOut } from '../directory.ts'
import { ExtentDecoder } from './extent-decoder.ts'
import { receivedContent } from './received-content.ts'
import type { ReceivedTree } from './receiver.ts'

export interface ReceivedEntriesOptions {
  /** Of what has none. */
  time: Timestamp
  /** Name of the stream, for messages. */
  source: string
  leavesOut: LeavesOut
  signal: AbortSignal | undefined
}

/** The root first, a directory before what it holds, names in the order in which the streams brought them. */
export async function* receivedEntries(
  { tree, received }: ReceivedTree,
  { time, source, leavesOut, signal }: ReceivedEntriesOptions,
): AsyncGenerator<SourceEntry, void, undefined> {
  const origin = { source }
  const decoder = await ExtentDecoder.load(source)
  /** The first name of what has several. */
  const firstNames = new Map<number, ByteString>()
  const open: { path: ByteString; node: SendNode }[] = [{ path: '', node: tree.root }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    signal?.throwIfAborted()
    const { path, node } = next
    if (path !== '' && leavesOut(path, node.type === 'directory')) continue
    const common = { path, origin, ...metadataOf(node, time) }
    const target = firstNames.get(node.id)
    if (target !== undefined) {
      yield { ...common, type: 'hardlink', target }
      continue
    }
    if (node.type !== 'directory' && node.nlink > 1) firstNames.set(node.id, path)
    switch (node.type) {
      case 'directory':
        yield { ...common, type: 'directory', ...(path === '' && { received }) }
        for (const [name, id] of [...node.children].reverse()) {
          open.push({ path: path === '' ? name : `${path}/${name}`, node: tree.get(id) })
        }
        break
      case 'file':
        yield { ...common, type: 'file', ...receivedContent(node.size, node.content.extents, decoder) }
        break
      case 'symlink':
        yield { ...common, type: 'symlink', target: node.target }
        break
      case 'block':
      case 'character':
        yield { ...common, type: node.type, major: node.major, minor: node.minor }
        break
      case 'fifo':
      case 'socket':
        yield { ...common, type: node.type }
    }
  }
}

function metadataOf(node: SendNode, time: Timestamp): EntryMetadata {
  const { type, mode, uid, gid, mtime = time, atime, ctime, otime, xattrs, flags } = node
  const names = type === 'file' || type === 'directory' ? flagNames(flags) : []
  return {
    ...{ mode, uid, gid, mtime },
    ...(atime && { atime }),
    ...(ctime && { ctime }),
    ...(otime && { birthtime: otime }),
    ...(xattrs.size > 0 && { xattrs: Array.from(xattrs, ([name, value]) => ({ name, value })) }),
    ...(names.length > 0 && { flags: names }),
    ...((type === 'file' || type === 'directory') && (flags & INODE_NODATACOW) !== 0n && { nodatacow: true }),
  }
}
