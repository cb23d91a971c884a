import type { FileHandle } from 'node:fs/promises'
import type { Sink } from '../lib/sink.ts'
import { openFile } from './open-file.ts'

/**
 * An open file as the destination of one file system. The file must be empty, and stays open.
 *
 * @param handle open for writing; for reading, too, when identical contents are to share extents
 * @param name of the file, for messages
 * @throws OutputError from its calls when the system cannot write or read
 * @example
 * const handle = await open('data.img', 'wx+')
 * await writeBtrfs({ label: 'data' }, entries, fileSink(handle))
 * await handle.close()
 */
export function fileSink(handle: FileHandle, name = 'file'): Required<Sink> {
  const file = openFile(handle, name)
  return {
    write: (position, bytes) => file.write(position, bytes),
    read: (position, length) => file.read(position, length),
  }
}
