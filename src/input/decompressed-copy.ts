import { afterFailure } from '../lib/clean-up.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import { createNameless } from '../lib/temporary-file.ts'
import { openFile } from '../output/open-file.ts'
import { decompress } from '../sources/decompress.ts'
import { fileSource } from './file-source.ts'
import { piecesOf, writeSparse } from './write-sparse.ts'

export interface CopyOptions {
  name: string
  /** Called with the bytes of the compressed image that are done. */
  onRead: (bytes: number) => void
  /** Folder of the copy. Default: the system's folder for temporary files. */
  temporaryDirectory?: string | undefined
}

/**
 * Decompresses an image that can only be read front to back, into a sparse file that has no name and is gone when it
 * is closed.
 *
 * @throws InputError when it is damaged or truncated
 * @throws OutputError when there is no room for it
 */
export async function decompressedCopy(
  file: ByteSource,
  { name, onRead, temporaryDirectory }: CopyOptions,
): Promise<{ source: ByteSource; close: () => Promise<void> }> {
  const { handle, folder } = await createNameless(temporaryDirectory)
  try {
    const size = await writeSparse(openFile(handle, folder), decompress(piecesOf(file, onRead), name))
    return { source: fileSource(handle, size, name), close: () => handle.close() }
  } catch (error) {
    throw await afterFailure(error, () => handle.close())
  }
}
