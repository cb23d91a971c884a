/** A file system in memory, as its reader: for tests of what is built on readers. */
import type {
  DirectoryEntry,
  FileSystemReader,
  Inode,
  InodeRef,
  InodeType,
  OpenInode,
} from '../../src/file-tree/reader.ts'
import type { ByteString } from '../../src/lib/byte-string.ts'
import type { ReadRoutine } from '../../src/lib/read-routine.ts'

/** A directory, the target of a symlink, or the content of a file. */
export type MemoryNode = { [name: string]: MemoryNode } | string | Uint8Array

const typeOf = (node: MemoryNode): InodeType =>
  typeof node === 'string' ? 'symlink' : node instanceof Uint8Array ? 'file' : 'directory'

export class MemoryReader implements FileSystemReader {
  readonly root: InodeRef
  readonly #nodes: MemoryNode[] = []

  constructor(root: MemoryNode) {
    this.root = this.#ref(root)
  }

  /** The same node has the same number, wherever it is. */
  #ref(node: MemoryNode): InodeRef {
    if (!this.#nodes.includes(node)) this.#nodes.push(node)
    return { tree: 0, ino: this.#nodes.indexOf(node) }
  }

  #entries(directory: InodeRef): DirectoryEntry[] {
    return Object.entries(this.#nodes[directory.ino]).map(([name, node]: [string, MemoryNode]) => ({
      ...this.#ref(node),
      name,
      type: typeOf(node),
    }))
  }

  *open({ ino }: InodeRef): ReadRoutine<OpenInode> {
    const node = this.#nodes[ino]
    const time = { sec: 0, nsec: 0 }
    const size = node instanceof Uint8Array || typeof node === 'string' ? node.length : 0
    const inode: Inode = {
      ...{ tree: 0, ino, type: typeOf(node), mode: 0o755, uid: 0, gid: 0, nlink: 1, size },
      ...{ mtime: time, atime: time, ctime: time, birthtime: time, major: 0, minor: 0, flags: [] },
    }
    return {
      inode,
      *xattrs() {
        return []
      },
      *target() {
        return node as string
      },
      *ranges() {
        return [{ offset: 0, length: size }]
      },
      *read(offset, length) {
        return (node as Uint8Array).slice(offset, offset + length)
      },
    }
  }

  *list(directory: InodeRef): ReadRoutine<DirectoryEntry[]> {
    return this.#entries(directory)
  }

  *lookup(directory: InodeRef, wanted: ByteString): ReadRoutine<DirectoryEntry | undefined> {
    return this.#entries(directory).find(({ name }) => name === wanted)
  }
}
