/** Makes a tar archive of what lies in a file system. */
import { openArchive, type ArchiveCompression, type ArchiveOptions } from './archive-file.ts'
import type { ExtractOptions, ExtractResult } from './options.ts'
import type { OpenFileSystem } from './read-entry.ts'
import { TarExtraction } from './tar-extraction.ts'
import { TarWriter } from '../../tar/write/writer.ts'

export interface ExtractTarOptions extends ExtractOptions, ArchiveOptions {}

export interface ExtractTarResult extends ExtractResult {
  compression: ArchiveCompression
  /** Bytes of the archive before compression. */
  archiveBytes: number
  /** Bytes written. */
  outputBytes: number
}

/**
 * A pax archive of a directory and all below it, or of one file: with owners, times to the nanosecond, extended
 * attributes, ACLs, devices, hard links and holes. Paths are relative to where it begins, which is `./` itself (a
 * single file has its own name). The same file system gives the same bytes. Memory is bounded.
 *
 * @throws OutputError when the archive cannot be written
 * @throws CorruptError when what is read is damaged
 */
export async function writeArchive(
  fileSystem: OpenFileSystem,
  options: ExtractTarOptions,
): Promise<ExtractTarResult> {
  const { signal } = options
  signal?.throwIfAborted()
  const archive = await openArchive(options)
  try {
    const writer = new TarWriter(archive)
    const result = await new TarExtraction(fileSystem, writer, options).all()
    await writer.finish()
    signal?.throwIfAborted()
    const outputBytes = await archive.finish()
    return { ...result, compression: archive.compression, archiveBytes: writer.size, outputBytes }
  } catch (error) {
    await archive.abort()
    throw error
  }
}
