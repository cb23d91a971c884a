/** Opens the sources of images that need Node: paths and file handles. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { afterFailure } from '../lib/clean-up.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import { InputError } from '../lib/errors.ts'
import { systemMessageOf } from '../lib/system-message.ts'
import { deviceSize } from './device-size.ts'
import { fileSource } from './file-source.ts'
import { openMemory, UNNAMED, type MemorySource, type OpenInput } from './memory-input.ts'

export type { OpenInput } from './memory-input.ts'

/**
 * An image: the path of a file or block device, its bytes, a Blob or File, a file that is open (and stays so), or
 * anything else that can be read at any place.
 */
export type ImageSource = string | FileHandle | MemorySource

/** Should it be a fifo, opening it must not wait for somebody who writes. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * @throws TypeError when it is nothing that can be opened
 * @throws InputError when it cannot be opened, or cannot be read at any place: a directory, pipe or socket
 */
export async function openInput(image: ImageSource): Promise<OpenInput> {
  if (typeof image === 'string') return openPath(image)
  if (isFileHandle(image)) {
    return { name: UNNAMED, source: await sourceOf(image, UNNAMED), close: () => Promise.resolve() }
  }
  return openMemory(image, 'a path, a FileHandle, ')
}

function isFileHandle(image: FileHandle | MemorySource): image is FileHandle {
  return typeof image === 'object' && (image as unknown) !== null && 'fd' in image && 'stat' in image
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
  // The error of open(2) for a socket.
  ENXIO: 'expected a regular file or a block device, found a socket',
}

function reasonOf(error: NodeJS.ErrnoException): string {
  return REASONS[error.code ?? ''] ?? systemMessageOf(error)
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
