/** Opens what an image description names as sources. */
import { openSync } from 'node:fs'
import { stat, type FileHandle } from 'node:fs/promises'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'
import { InputError } from '../lib/errors.ts'
import { abortableEntries } from '../file-tree/abortable-entries.ts'
import type { SourceEntry } from '../file-tree/entry.ts'
import { sourceEntries } from '../file-tree/source-entries.ts'
import type { SourcePlan } from '../spec/plan.ts'
import { ArchiveChunks, READ_FLAGS } from './archive-chunks.ts'
import { decompress } from './decompress.ts'
import { readDirectory } from './directory.ts'
import { readTarEntries } from '../tar/read/entries.ts'

export interface OpenSourceOptions {
  /**
   * Called as reading goes on with the bytes read so far: of a tar file as it lies there (compressed, if it is),
   * of a directory the content of its files. Not called for entries that a program makes.
   */
  onRead?: (bytes: number) => void
  /** Ends the reading: what is being waited for throws the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * Takes files over that were opened, for the caller to close. Content then has a `location` in them; without it the
   * files are open only while the result is being iterated.
   */
  retain?: ((file: FileHandle) => void) | undefined
}

/** The same chunks, counted. */
type CountChunks = (chunks: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array, void>

/**
 * The entries of a source, where they lie in it: `to` is not applied. The path `-` of a tar means standard input.
 *
 * @throws InputError when it is missing or cannot be read, and as readTarEntries, decompress and readDirectory do
 */
export function openSource(
  plan: SourcePlan,
  { onRead, signal, retain }: OpenSourceOptions = {},
): AsyncIterable<SourceEntry> {
  let bytes = 0
  const count = (chunks: AsyncIterable<Uint8Array>) =>
    counted(chunks, signal, (length) => onRead?.((bytes += length)))

  if (plan.kind === 'entries') return openEntries(plan, signal)
  if (plan.kind === 'directory') return openDirectory(plan.path, signal, count)
  const source = sourceName(plan)
  return readTarEntries(openArchive(plan.path, source, { onRead, signal, retain, count }), source)
}

/** The bytes of an archive, decompressed. It is opened when the first are asked for. */
function openArchive(
  path: string,
  source: string,
  { count, signal, ...options }: OpenSourceOptions & { count: CountChunks },
): AsyncIterable<Uint8Array> {
  const ofStream = (stream: AsyncIterable<Uint8Array>) => decompress(count(stream), source)
  if (path === '-') return ofStream(readStream(process.stdin, source, signal))
  return new ArchiveChunks(path, { ...options, signal, readFifo: () => ofStream(readFifo(path, signal)) })
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
  count: CountChunks,
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
