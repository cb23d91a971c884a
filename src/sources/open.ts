/** Opens what an image description names as sources. */
import { Buffer } from 'node:buffer'
import { constants, openSync } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'
import { InputError } from '../lib/errors.ts'
import { abortableEntries } from '../file-tree/abortable-entries.ts'
import type { SourceEntry } from '../file-tree/entry.ts'
import { sourceEntries } from '../file-tree/source-entries.ts'
import type { SourcePlan } from '../spec/plan.ts'
import { decompress } from './decompress.ts'
import { readDirectory } from './directory.ts'
import { readTarEntries } from '../tar/read/entries.ts'

const READ_SIZE = 1 << 20
/** Should it be a fifo, opening it must not wait for somebody who writes. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

export interface OpenSourceOptions {
  /**
   * Called as reading goes on with the bytes read so far: of a tar file as it lies there (compressed, if it is),
   * of a directory the content of its files. Not called for entries that a program makes.
   */
  onRead?: (bytes: number) => void
  /** Ends the reading: what is being waited for throws the signal's reason. */
  signal?: AbortSignal
}

/**
 * The entries of a source, where they lie in it: `to` is not applied. The path `-` of a tar means standard input.
 * Files are open only while the result is being iterated.
 *
 * @throws InputError when it is missing or cannot be read, and as readTarEntries, decompress and readDirectory do
 */
export function openSource(
  plan: SourcePlan,
  { onRead, signal }: OpenSourceOptions = {},
): AsyncIterable<SourceEntry> {
  let bytes = 0
  const count = (chunks: AsyncIterable<Uint8Array>) =>
    counted(chunks, signal, (length) => onRead?.((bytes += length)))

  if (plan.kind === 'entries') return openEntries(plan, signal)
  if (plan.kind === 'directory') return openDirectory(plan.path, signal, count)
  const source = sourceName(plan)
  return readTarEntries(decompress(count(readArchive(plan.path, source, signal)), source), source)
}

async function* openEntries(
  { name, entries, time }: SourcePlan & { kind: 'entries' },
  signal: AbortSignal | undefined,
): AsyncGenerator<SourceEntry, void, undefined> {
  const iterable = typeof entries === 'function' ? await entries() : entries
  yield* abortableEntries(sourceEntries(iterable, { source: name, time }), signal)
}

async function* openDirectory(
  path: string,
  signal: AbortSignal | undefined,
  count: (content: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array, void>,
): AsyncGenerator<SourceEntry, void, undefined> {
  for await (const entry of readDirectory(path)) {
    signal?.throwIfAborted()
    if (entry.type !== 'file') {
      yield entry
      continue
    }
    // Like the content itself, this may be read more than once: a hard link on FAT32 is a copy.
    const { content } = entry
    yield { ...entry, content: { [Symbol.asyncIterator]: () => count(content) } }
  }
}

/** The bytes of an archive. It is opened when the first are asked for. */
async function* readArchive(
  path: string,
  source: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (path === '-') {
    yield* readStream(process.stdin, source, signal)
  } else if (await isFifo(path)) {
    yield* readFifo(path, signal)
  } else {
    const handle = await openFile(path)
    try {
      yield* readChunks(handle, source)
    } finally {
      await handle.close()
    }
  }
}

/** Another program may keep a pipe open without writing: the signal ends the waiting, too. */
async function* readStream(
  stream: Readable,
  source: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (signal) addAbortSignal(signal, stream)
  try {
    yield* stream as AsyncIterable<Uint8Array>
  } catch (error) {
    signal?.throwIfAborted()
    throw new InputError((error as Error).message, { source }, { cause: error })
  }
}

async function isFifo(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined)
  return stats?.isFIFO() ?? false
}

/**
 * A named pipe. Opening one for reading usually waits for a writer, and so does reading it as a file, in a thread
 * that nothing can call back; as a socket it is waited for without one.
 */
async function* readFifo(
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let stream: Socket
  try {
    stream = new Socket({ fd: openSync(path, READ_FLAGS), writable: false })
  } catch (error) {
    throw new InputError((error as Error).message, { source: path }, { cause: error })
  }
  yield* readStream(stream, path, signal)
}

/** A source as messages name it. */
export function sourceName(plan: SourcePlan): string {
  if (plan.kind === 'entries') return plan.name
  return plan.kind === 'tar' && plan.path === '-' ? 'standard input' : plan.path
}

/** Bytes that `onRead` will count up to, if that is known before: for a tar file. */
export async function sourceSize(plan: SourcePlan): Promise<number | undefined> {
  if (plan.kind !== 'tar' || plan.path === '-') return undefined
  const stats = await stat(plan.path).catch(() => undefined)
  return stats?.isFile() ? stats.size : undefined
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    const handle = await open(path, READ_FLAGS)
    if (!(await handle.stat()).isDirectory()) return handle
    await handle.close()
  } catch (error) {
    throw new InputError((error as Error).message, { source: path }, { cause: error })
  }
  throw new InputError('expected a tar file, found a directory', { source: path })
}

/** The file in large pieces, from two buffers: one is filled while the other is in use. */
async function* readChunks(handle: FileHandle, source: string): AsyncGenerator<Uint8Array, void, undefined> {
  const read = (buffer: Buffer) => {
    const reading = handle.read(buffer, 0, READ_SIZE, null)
    reading.catch(() => undefined) // it is waited for later: that a read ahead failed counts only then
    return reading
  }
  let ready = Buffer.allocUnsafeSlow(READ_SIZE)
  let spare = Buffer.allocUnsafeSlow(READ_SIZE)
  let pending = read(ready)
  try {
    for (;;) {
      const { bytesRead } = await pending
      if (bytesRead === 0) return
      pending = read(spare)
      yield ready.subarray(0, bytesRead)
      ;[ready, spare] = [spare, ready]
    }
  } catch (error) {
    throw new InputError((error as Error).message, { source }, { cause: error })
  } finally {
    await pending.catch(() => undefined)
  }
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
  onBytes: (length: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted()
  for await (const chunk of chunks) {
    signal?.throwIfAborted()
    onBytes(chunk.length)
    yield chunk
  }
}
