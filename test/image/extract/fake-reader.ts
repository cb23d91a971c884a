/** File systems that say whatever a test wants, sound or not. */
import type { OpenFileSystem } from '../../../src/image/extract/read-entry.ts'
import type { FileSystemReader, Inode, InodeRef } from '../../../src/file-tree/reader.ts'
import { memorySource, type ByteSource } from '../../../src/lib/byte-source.ts'
import { toBytes, type ByteString } from '../../../src/lib/byte-string.ts'
import type { ReadRoutine } from '../../../src/lib/read-routine.ts'

/** An inode, with what it says of itself; another name of it is the same object again. */
export interface FakeInode extends Partial<Omit<Inode, 'tree' | 'ino'>> {
  type: Inode['type']
  entries?: (readonly [name: ByteString, inode: FakeInode])[]
  content?: Uint8Array | string
  target?: ByteString
  xattrs?: { name: ByteString; value: Uint8Array }[]
  ranges?: { offset: number; length: number }[]
}

export const file = (content: string | Uint8Array = '', more: Partial<FakeInode> = {}): FakeInode => ({
  type: 'file',
  content,
  ...more,
})
export const directory = (entries: FakeInode['entries'] = [], more: Partial<FakeInode> = {}): FakeInode => ({
  type: 'directory',
  entries,
  ...more,
})
export const symlink = (target: ByteString, more: Partial<FakeInode> = {}): FakeInode => ({
  type: 'symlink',
  target,
  ...more,
})

/** @param source what readings are run on; every one of them asks it for a byte */
export function fakeFileSystem(
  root: FakeInode,
  source: ByteSource = memorySource(new Uint8Array(1)),
): OpenFileSystem {
  const known: FakeInode[] = []
  const refOf = (inode: FakeInode): InodeRef => {
    let ino = known.indexOf(inode)
    if (ino < 0) ino = known.push(inode) - 1
    return { tree: 0, ino }
  }
  const bytesOf = ({ content = '' }: FakeInode) => (typeof content === 'string' ? toBytes(content) : content)
  function* of(ref: InodeRef): ReadRoutine<FakeInode> {
    yield { offset: 0, length: 1 }
    return known[ref.ino]
  }
  const reader: FileSystemReader = {
    root: refOf(root),
    *open(ref) {
      const found = yield* of(ref)
      const isDirectory = found.type === 'directory'
      const inode = {
        ...defaults,
        ...{ mode: isDirectory ? 0o755 : 0o644, size: bytesOf(found).length, ...found, ...ref },
      }
      return {
        inode,
        *target() {
          return (yield* of(ref)).target ?? ''
        },
        *xattrs() {
          return (yield* of(ref)).xattrs ?? []
        },
        *ranges() {
          return (yield* of(ref)).ranges ?? [{ offset: 0, length: inode.size }]
        },
        *read(offset, length) {
          const { ranges } = yield* of(ref)
          if (ranges === undefined) return bytesOf(found).slice(offset, offset + length)
          // Large and full of holes: its content are the numbers of its bytes.
          return Uint8Array.from({ length }, (_, i) => offset + i)
        },
      }
    },
    *list(ref) {
      const { entries = [] } = yield* of(ref)
      return entries.map(([name, inode]) => ({ name, type: inode.type, ...refOf(inode) }))
    },
    *lookup(ref, name) {
      return (yield* reader.list(ref)).find((entry) => entry.name === name)
    },
  }
  return { reader, source }
}

const time = { sec: 1_600_000_000, nsec: 0 }
const defaults = {
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  nlink: 1,
  mtime: time,
  atime: time,
  ctime: time,
  birthtime: time,
  major: 0,
  minor: 0,
  flags: [],
}
