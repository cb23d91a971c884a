import { TarWriter } from '../../tar/write/writer.ts'
import type { ExtractOptions } from './options.ts'
import type { OpenFileSystem } from './read-entry.ts'
import { TarExtraction } from './tar-extraction.ts'

/** Writes the entries of a file system into the archive. */
export type WriteEntries = (fileSystem: OpenFileSystem, options: ExtractOptions) => Promise<void>

/** A tar archive as a stream, written as fast as it is read. @param work calls `write` once */
export function tarStream(work: (write: WriteEntries) => Promise<void>): ReadableStream<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  const tar = new TarWriter({ keepsChunks: true, write: (chunk) => writer.write(chunk) })
  const writing = work(async (fileSystem, options) => {
    options.signal?.throwIfAborted()
    await new TarExtraction(fileSystem, tar, options).all()
  })
  writing
    .then(() => tar.finish())
    .then(() => writer.close())
    // A stream that was cancelled cannot be aborted.
    .catch((error: unknown) => writer.abort(error).catch(() => undefined))
  return readable
}
