/** Opens an image layout, whatever it lies in. */
import type { Stats } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { createNameless } from '../../lib/temporary-file.ts'
import { isCompressed, READ_FLAGS } from '../archive-chunks.ts'
import { writePieces } from '../spool.ts'
import { withPlace } from '../with-place.ts'
import { ArchiveFiles } from './archive-files.ts'
import { DirectoryFiles } from './directory-files.ts'
import type { LayoutFiles } from './stored-file.ts'

export interface OpenLayoutOptions {
  /** Name in messages. */
  source: string
  /** The bytes of an archive that cannot be read in any order, decompressed. */
  readArchive: () => AsyncIterable<Uint8Array>
  signal?: AbortSignal | undefined
  /** Takes files over that were opened. Without it they are closed with the layout. */
  retain?: ((file: FileHandle) => void) | undefined
}

/**
 * A directory, or a tar archive. One that is compressed, or comes out of a pipe, goes to a temporary file first, because
 * its files are read in another order than they lie in it.
 *
 * @throws InputError when there is nothing that can be read
 */
export async function openLayout(path: string, options: OpenLayoutOptions): Promise<LayoutFiles> {
  const { retain } = options
  const stats = await statsOf(path, options)
  if (stats?.isDirectory()) return new DirectoryFiles(path, retain)
  const plain = stats?.isFile() ? await openPlain(path, options) : undefined
  return ArchiveFiles.open(plain ?? (await spool(options.readArchive())), options)
}

/** Undefined for standard input. */
async function statsOf(path: string, { source }: OpenLayoutOptions): Promise<Stats | undefined> {
  if (path === '-') return undefined
  return withPlace({ source }, () => stat(path))
}

/** The file, unless it is compressed. */
async function openPlain(path: string, { source }: OpenLayoutOptions): Promise<FileHandle | undefined> {
  const handle = await withPlace({ source }, () => open(path, READ_FLAGS))
  let isPlain = false
  try {
    isPlain = !(await withPlace({ source }, () => isCompressed(handle)))
  } finally {
    if (!isPlain) await handle.close()
  }
  return isPlain ? handle : undefined
}

async function spool(bytes: AsyncIterable<Uint8Array>): Promise<FileHandle> {
  const { handle } = await createNameless()
  try {
    await writePieces(handle, bytes, 0)
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}
