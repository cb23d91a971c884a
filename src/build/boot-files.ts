/** Puts the boot files of a system into their place. */
import type { BtrfsWriter } from '../btrfs/write/writer.ts'
import type { SourceEntry, Timestamp } from '../file-tree/entry.ts'
import type { FoundNode } from '../file-tree/tree-view.ts'
import type { ByteString } from '../lib/byte-string.ts'
import type { BootFile } from '../uboot/boot-file.ts'

const ORIGIN = { source: 'boot files' }
/** The directory of the boot files of a system on BTRFS. */
const BOOT = 'boot'

type Writer = Pick<BtrfsWriter, 'add' | 'collected'>

/** Puts the boot files into /boot of their system. */
export async function addBootFiles(
  writer: Writer,
  files: readonly BootFile[],
  time: Timestamp,
): Promise<void> {
  const { collected } = writer
  for (const file of files) {
    const path = `${BOOT}/${file.path}`
    if ('content' in file) {
      await writer.add(fileEntry(path, file.content, time), '')
      continue
    }
    // Kernels of a system that has them there.
    if (file.from === collected.find(path)?.path) continue
    const from = fileNode(file.from)
    const metadata = { mode: 0o644, uid: 0, gid: 0, mtime: collected.mtime(from) }
    await collected.copy(from, path, metadata, ORIGIN)
  }
}

/** The boot files as entries for another partition; their content is read back from where the system lies. */
export function* bootFileEntries(
  { collected }: Pick<BtrfsWriter, 'collected'>,
  files: readonly BootFile[],
  time: Timestamp,
): Generator<SourceEntry> {
  for (const file of files) {
    if ('content' in file) {
      yield fileEntry(file.path, file.content, time)
      continue
    }
    const from = fileNode(file.from)
    yield {
      ...{ path: file.path, type: 'file', mode: 0o644, uid: 0, gid: 0, origin: ORIGIN },
      mtime: collected.mtime(from),
      size: collected.content(from).size,
      content: { [Symbol.asyncIterator]: () => collected.content(from).content[Symbol.asyncIterator]() },
      repeatable: true,
    }
  }
}

export function fileNode(path: ByteString): FoundNode {
  return { path, type: 'file' }
}

/** A file of the image that is in memory. */
export function fileEntry(path: ByteString, bytes: Uint8Array, mtime: Timestamp): SourceEntry {
  // eslint-disable-next-line @typescript-eslint/require-await
  const pieces = async function* () {
    if (bytes.length > 0) yield bytes
  }
  return {
    ...{ path, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime, origin: ORIGIN, size: bytes.length },
    content: { [Symbol.asyncIterator]: pieces },
    repeatable: true,
  }
}
