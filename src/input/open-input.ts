/** Where do the bytes of an image come from? */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { afterFailure } from '../lib/clean-up.ts'
import { type ByteSource, memorySource } from '../lib/byte-source.ts'
import { InputError } from '../lib/errors.ts'
import { deviceSize } from './device-size.ts'
import { fileSource } from './file-source.ts'

/**
 * An image: the path of a file or block device, its bytes, a Blob or File, a file that is open (and stays so), or
 * anything else that can be read at any place.
 */
export type ImageSource = string | Uint8Array | Blob | FileHandle | ByteSource

/** An image as it is stored, compressed or not. */
export interface OpenInput {
  /** For messages. */
  name: string
  source: ByteSource
  /** Closes what was opened here. */
  close: () => Promise<void>
}

const UNNAMED = 'image'
const nothing = () => Promise.resolve()

/** Should it be a fifo, opening it must not wait for somebody who writes. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/** @throws InputError when it cannot be opened, or cannot be read at any place: a directory, pipe or socket */
export async function openInput(image: ImageSource): Promise<OpenInput> {
  if (typeof image === 'string') return openPath(image)
  if (image instanceof Uint8Array) {
    // Slices of a Buffer would not be copies.
    const bytes = new Uint8Array(image.buffer, image.byteOffset, image.byteLength)
    return { name: UNNAMED, source: memorySource(bytes), close: nothing }
  }
  if (image instanceof Blob) return { name: nameOf(image), source: blobSource(image), close: nothing }
  if ('fd' in image) {
    return { name: UNNAMED, source: await sourceOf(image, UNNAMED), close: nothing }
  }
  return { name: UNNAMED, source: image, close: nothing }
}

async function openPath(path: string): Promise<OpenInput> {
  let handle: FileHandle
  try {
    handle = await open(path, READ_FLAGS)
  } catch (error) {
    throw new InputError(reasonOf(error as NodeJS.ErrnoException), { source: path }, { cause: error })
  }
  try {
    return { name: path, source: await sourceOf(handle, path), close: () => handle.close() }
  } catch (error) {
    throw await afterFailure(error, () => handle.close())
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  // What open(2) says to one.
  ENXIO: 'expected a regular file or a block device, found a socket',
}

function reasonOf({ code = '', message }: NodeJS.ErrnoException): string {
  return REASONS[code] ?? message
}

async function sourceOf(handle: FileHandle, name: string): Promise<ByteSource> {
  const stats = await handle.stat()
  if (stats.isFile()) return fileSource(handle, stats.size, name)
  if (stats.isBlockDevice()) return fileSource(handle, await deviceSize(handle, stats.rdev), name)
  const found = stats.isDirectory()
    ? 'a directory'
    : stats.isFIFO()
      ? 'a pipe'
      : stats.isSocket()
        ? 'a socket'
        : 'a character device'
  throw new InputError(`expected a regular file or a block device, found ${found}`, { source: name })
}

/** Files of a browser have names. */
function nameOf(blob: Blob): string {
  return 'name' in blob && typeof blob.name === 'string' && blob.name !== '' ? blob.name : UNNAMED
}

function blobSource(blob: Blob): ByteSource {
  return {
    size: blob.size,
    read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
  }
}
