import { readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { namingErrors, toOutputError } from '../lib/output-error.ts'
import { MAX_WRITES } from './image-file.ts'

/**
 * A file open for reading and writing at positions. Writes go on in the background, one after the other, so that the
 * next bytes can be made meanwhile. All failures are OutputErrors that name the output.
 */
export interface OpenFile {
  /**
   * Queues a write of one or more pieces, one behind the other. Once the promise is settled, and at once when there is
   * none, at most `MAX_WRITES` are under way, this one among them; the bytes of those must stay as they are. A failed
   * write makes everything that follows fail.
   */
  start(position: number, bytes: readonly Uint8Array[]): Promise<void> | void
  /** Settled when no write is under way. */
  idle(): Promise<void>
  /** Waits for everything in the background, and fails when any of it has. */
  settle(): Promise<void>
  /** Writes behind those in the background; the bytes are free when the promise is settled. */
  write(position: number, bytes: Uint8Array): Promise<void>
  /**
   * Reads what is at `position`; zeros where the file ends. Without a promise unless a write of these bytes is under
   * way: what was written a moment ago is in memory still, and copying it takes less time than a thread does to wake.
   */
  read(position: number, length: number): Promise<Uint8Array> | Uint8Array
  /** Sets the size of the file. */
  truncate(size: number): Promise<void>
}

/**
 * Bytes that are written at once, at most. Linux keeps larger writes in pages of 2 MiB, which take it several times as
 * long to find.
 */
const MAX_WRITE = 512 * 1024

/** Bytes written between two flushes of a file that is going to be synced. */
const FLUSH_DISTANCE = 16 << 20

/** A write in the background. */
interface Write {
  start: number
  end: number
  /** Settled when it and all writes before have ended. */
  ended: Promise<void>
}

/**
 * @param name what messages call the file: the path the user gave, not a temporary one
 * @param options.isDurable it is synced when it is complete: bytes are brought to the disk as they are written, so that
 *   the sync at the end has little to wait for
 */
export function openFile(handle: FileHandle, name: string, { isDurable = false } = {}): OpenFile {
  /** In the order in which they were started. */
  const writes: Write[] = []
  let lastEnded: Promise<void> = Promise.resolve()
  let failure: Error | undefined
  let unflushed = 0
  let flushing: Promise<void> | undefined

  const fail = (error: unknown) => {
    failure ??= error as Error
    throw failure
  }

  /** The system reports a failed write to the disk once, so a failure here is one of the file. */
  const flush = () => {
    unflushed = 0
    flushing = namingErrors(name, handle.datasync())
      .catch((error: unknown) => void (failure ??= error as Error))
      .finally(() => (flushing = undefined))
  }

  /** Writes when the writes before have ended. */
  async function writeInTurn(before: Promise<void>, position: number, bytes: readonly Uint8Array[]) {
    await before
    await namingErrors(name, writeAll(handle, position, bytes)).catch(fail)
    writes.shift()
  }

  const readNow = (position: number, length: number) => {
    try {
      return readAll(handle.fd, position, length)
    } catch (error) {
      throw toOutputError(name, error)
    }
  }

  const self: OpenFile = {
    start(position, bytes) {
      if (failure !== undefined) return Promise.reject(failure)
      const length = bytes.reduce((sum, { length }) => sum + length, 0)
      lastEnded = writeInTurn(lastEnded, position, bytes)
      // The next call reports a failure.
      lastEnded.catch(() => undefined)
      writes.push({ start: position, end: position + length, ended: lastEnded })
      unflushed += length
      if (isDurable && unflushed >= FLUSH_DISTANCE && flushing === undefined) flush()
      return writes.length > MAX_WRITES ? writes[0].ended : undefined
    },
    idle: () => lastEnded,
    async settle() {
      await lastEnded
      await flushing
      if (failure !== undefined) throw failure
    },
    async write(position, bytes) {
      await self.start(position, [bytes])
      await lastEnded
    },
    read(position, length) {
      const overlaps = ({ start, end }: Write) => position < end && position + length > start
      const written = writes.findLast(overlaps)
      return written === undefined
        ? readNow(position, length)
        : written.ended.then(() => readNow(position, length))
    },
    async truncate(size) {
      await lastEnded
      await namingErrors(name, handle.truncate(size))
    },
  }
  return self
}

/** The system may write less than it was given, for example when the disk is nearly full. */
async function writeAll(handle: FileHandle, position: number, bytes: readonly Uint8Array[]): Promise<void> {
  let at = position
  for (const group of groupsOf(bytes, MAX_WRITE)) {
    for (let left = group; left.length > 0;) {
      const { bytesWritten } = await handle.writev(left, at)
      at += bytesWritten
      left = behind(left, bytesWritten)
    }
  }
}

/** The same bytes in groups of at most `size` bytes; pieces are cut where a group ends. */
function* groupsOf(pieces: readonly Uint8Array[], size: number): Generator<Uint8Array[]> {
  let group: Uint8Array[] = []
  let room = size
  for (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const part = piece.subarray(at, at + room)
      group.push(part)
      at += part.length
      room -= part.length
      if (room > 0) continue
      yield group
      group = []
      room = size
    }
  }
  if (group.length > 0) yield group
}

/** The rest of pieces behind their first `length` bytes. */
function behind(pieces: readonly Uint8Array[], length: number): Uint8Array[] {
  let first = 0
  let done = length
  while (first < pieces.length && pieces[first].length <= done) done -= pieces[first++].length
  const left = pieces.slice(first)
  if (done > 0) left[0] = left[0].subarray(done)
  return left
}

function readAll(descriptor: number, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length;) {
    const bytesRead = readSync(descriptor, bytes, done, length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes
}
