/** Single questions to readers of file systems. */
import type { DataRange } from '../../src/file-tree/file-content.ts'
import type { FileSystemReader, Inode, InodeRef } from '../../src/file-tree/reader.ts'
import type { ReadRoutine } from '../../src/lib/read-routine.ts'

export function* inodeOf(reader: FileSystemReader, ref: InodeRef): ReadRoutine<Inode> {
  return (yield* reader.open(ref)).inode
}

export function* contentOf(
  reader: FileSystemReader,
  file: InodeRef,
  offset: number,
  length: number,
): ReadRoutine<Uint8Array> {
  return yield* (yield* reader.open(file)).read(offset, length)
}

export function* rangesOf(reader: FileSystemReader, file: InodeRef): ReadRoutine<DataRange[]> {
  return yield* (yield* reader.open(file)).ranges()
}
