/** Files of images, and archives of their directories, on their way to where the user wants them. */
import { extractTar } from '../../../src/browser/index.ts'
import type { Calls, Saved, Target } from '../protocol.ts'
import type { CallContext } from './context.ts'
import { fileSystemOf } from './images.ts'
import { createFile } from './storage.ts'

const COPY_BYTES = 4 << 20

export const save = async (
  { signal, progress }: CallContext,
  ...[node, type, target]: Parameters<Calls['save']>
): Promise<Saved> => {
  const fileSystem = await fileSystemOf(node)
  const { size } = await fileSystem.lstat(node.ref)
  const pieces =
    type === 'tar' ? piecesOf(extractTar(fileSystem, { path: node.ref, signal })) : fileSystem.read(node.ref)
  const total = type === 'tar' ? undefined : size
  const onBytes = (done: number) => progress({ step: 'saving', done, total })
  return target.to === 'picked'
    ? { bytes: await writePicked(target.handle, pieces, { signal, onBytes }), file: undefined }
    : keep(pieces, { signal, onBytes })
}

interface CopyOptions {
  signal: AbortSignal
  onBytes: (done: number) => void
}

/** The file gets its content when all of it is there: a browser writes beside it, and puts it in its place at the end. */
async function writePicked(
  handle: FileSystemFileHandle,
  pieces: AsyncIterable<Uint8Array>,
  { signal, onBytes }: CopyOptions,
): Promise<number> {
  const writable = await handle.createWritable()
  let bytes = 0
  try {
    for await (const piece of pieces) {
      signal.throwIfAborted()
      await writable.write(piece as Uint8Array<ArrayBuffer>)
      onBytes((bytes += piece.length))
    }
    await writable.close()
    return bytes
  } catch (error) {
    await writable.abort().catch(() => undefined)
    throw error
  }
}

async function keep(pieces: AsyncIterable<Uint8Array>, { signal, onBytes }: CopyOptions): Promise<Saved> {
  const file = await createFile()
  let bytes = 0
  try {
    for await (const piece of pieces) {
      signal.throwIfAborted()
      for (let at = 0; at < piece.length;) {
        const written = await file.write(piece.subarray(at), { at: bytes })
        if (written === 0) throw new Error('there is no room left for the file')
        at += written
        bytes += written
      }
      onBytes(bytes)
    }
    return { bytes, file: await file.seal() }
  } catch (error) {
    await file.remove()
    throw error
  }
}

/** A file that is complete here goes to its place, or to the page. */
export async function deliver(
  file: Blob,
  target: Target,
  signal: AbortSignal,
  onBytes: (done: number) => void,
): Promise<Saved> {
  if (target.to === 'page') return { bytes: file.size, file }
  const bytes = await writePicked(target.handle, blobPieces(file), { signal, onBytes })
  return { bytes, file }
}

export async function* blobPieces(blob: Blob): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < blob.size; at += COPY_BYTES) {
    yield new Uint8Array(await blob.slice(at, at + COPY_BYTES).arrayBuffer())
  }
}

async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel()
  }
}
