import type { FileHandle } from 'node:fs/promises'
import { afterFailure } from '../lib/clean-up.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import { createNameless } from '../lib/temporary-file.ts'
import { openFile } from '../output/open-file.ts'
import { rawFile } from '../output/raw-file.ts'
import { decompress } from '../sources/decompress.ts'
import { fileSource } from './file-source.ts'

const READ_SIZE = 1 << 20

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
    const size = await writeSparse(handle, folder, decompress(piecesOf(file, onRead), name))
    return { source: fileSource(handle, size, name), close: () => handle.close() }
  } catch (error) {
    throw await afterFailure(error, () => handle.close())
  }
}

async function* piecesOf(
  file: ByteSource,
  onRead: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < file.size;) {
    const piece = await file.read(at, READ_SIZE)
    if (piece.length === 0) return
    at += piece.length
    yield piece
    onRead(at)
  }
}

/** @returns the bytes written, holes included */
async function writeSparse(
  handle: FileHandle,
  folder: string,
  pieces: AsyncIterable<Uint8Array>,
): Promise<number> {
  const file = openFile(handle, folder)
  const image = rawFile(file)
  try {
    let size = 0
    for await (const piece of pieces) {
      await image.write(size, piece)
      size += piece.length
    }
    return await image.finish(size)
  } finally {
    await file.settle().catch(() => undefined)
  }
}
