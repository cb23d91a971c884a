import { readSync as readFileSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import type { SyncByteSource } from '../lib/byte-source.ts'
import { InputError } from '../lib/errors.ts'
import { systemMessageOf } from '../lib/system-message.ts'

/** Reads up to here take less time than asking another thread for them. */
const SHORT_READ = 128 * 1024
/** The system takes no more at once. */
const MAX_READ = 1 << 30

/**
 * A file or a block device. Short reads answer at once, long ones leave the thread free.
 *
 * @param size bytes
 * @param name for messages
 * @throws InputError from its reads when the system cannot read, and Error when the file was closed
 */
export function fileSource(handle: FileHandle, size: number, name: string): SyncByteSource {
  /** Bytes that there can be. */
  const clip = (offset: number, length: number) => Math.max(0, Math.min(length, size - offset))
  const failed = (offset: number, error: unknown) =>
    new InputError(systemMessageOf(error), { source: name, offset }, { cause: error })

  function readSync(offset: number, wanted: number, into?: Uint8Array): Uint8Array {
    checkOpen(handle, name)
    const bytes = memoryFor(clip(offset, wanted), into)
    let done = 0
    while (done < bytes.length) {
      try {
        const read = readFileSync(
          handle.fd,
          bytes,
          done,
          Math.min(bytes.length - done, MAX_READ),
          offset + done,
        )
        if (read === 0) break
        done += read
      } catch (error) {
        if (!isInterruption(error)) throw failed(offset + done, error)
      }
    }
    return bytes.subarray(0, done)
  }

  async function readInPool(offset: number, wanted: number, into?: Uint8Array): Promise<Uint8Array> {
    checkOpen(handle, name)
    const bytes = memoryFor(clip(offset, wanted), into)
    let done = 0
    while (done < bytes.length) {
      try {
        const length = Math.min(bytes.length - done, MAX_READ)
        const { bytesRead } = await handle.read(bytes, done, length, offset + done)
        if (bytesRead === 0) break
        done += bytesRead
      } catch (error) {
        if (!isInterruption(error)) throw failed(offset + done, error)
      }
    }
    return bytes.subarray(0, done)
  }

  return {
    size,
    readSync,
    locate(offset, length) {
      checkOpen(handle, name)
      return offset + length <= size ? { descriptor: handle.fd, offset } : undefined
    },
    read: (offset, length, into) =>
      clip(offset, length) <= SHORT_READ ? readSync(offset, length, into) : readInPool(offset, length, into),
  }
}

function memoryFor(length: number, into: Uint8Array | undefined): Uint8Array {
  return into === undefined ? new Uint8Array(length) : into.subarray(0, length)
}

/** The number of a file that was closed may be another file's by now. */
function checkOpen(handle: FileHandle, name: string): void {
  if (handle.fd < 0) throw new Error(`${name}: read after it was closed`)
}

/** A signal came in between; Node does not try again by itself. */
function isInterruption(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EINTR'
}
