/** Tar archives: files, named pipes and standard input. */
import { openSync } from 'node:fs'
import { stat, type FileHandle } from 'node:fs/promises'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'
import type { SourceEntry } from '../../file-tree/entry.ts'
import { InputError } from '../../lib/errors.ts'
import { systemMessageOf } from '../../lib/system-message.ts'
import type { TarSourcePlan } from '../../spec/sources/tar.ts'
import type { NameTables } from '../../tar/names.ts'
import { ArchiveChunks, READ_FLAGS } from '../archive-chunks.ts'
import { decompress, type DecompressOptions } from '../decompress.ts'
import { ANY_NAME, readNameTables } from '../name-tables.ts'
import type { InputPath, OpenContext, SourceOpener } from './opener.ts'
import { tarEntries } from './tar-entries.ts'

/** The path that stands for standard input. */
export const STANDARD_INPUT = '-'

/** What all kinds of sources share that are one file, which may be standard input. */
export const archiveFile = {
  nameOf: ({ path }: { path: string }) => (path === STANDARD_INPUT ? 'standard input' : path),
  inputs: ({ path }: { path: string }): InputPath[] =>
    path === STANDARD_INPUT ? [] : [{ kind: 'file', path }],
  async sizeOf({ path }: { path: string }) {
    if (path === STANDARD_INPUT) return undefined
    const stats = await stat(path).catch(() => undefined)
    return stats?.isFile() ? stats.size : undefined
  },
}

export const tarOpener: SourceOpener<TarSourcePlan> = {
  ...archiveFile,
  open(plan, context) {
    const source = archiveFile.nameOf(plan)
    return plan.resolveNames ? openWithNames(plan, source, context) : openEntries(plan, source, context)
  },
}

function openEntries(
  { path, concatenated }: TarSourcePlan,
  source: string,
  context: OpenContext,
  names?: NameTables,
): AsyncIterable<SourceEntry> {
  const open = (decompression: DecompressOptions) => openSourceArchive(path, source, context, decompression)
  return tarEntries(open, { source, concatenated, names, maxSize: context.maxSize })
}

/** Reads the archive twice: first for the names, then with them. */
async function* openWithNames(
  plan: TarSourcePlan,
  source: string,
  context: OpenContext,
): AsyncGenerator<SourceEntry, void, undefined> {
  const stats = await stat(plan.path).catch(() => undefined)
  if (stats !== undefined && !stats.isFile()) {
    throw new InputError('"resolveNames" reads an archive twice: expected a file', { source })
  }
  const opened: FileHandle[] = []
  let names: NameTables
  try {
    // Uncompressed content is passed over without being read.
    const first = { ...context, onRead: undefined, retain: (file: FileHandle) => void opened.push(file) }
    names = await readNameTables(openEntries(plan, source, first, ANY_NAME))
  } finally {
    await Promise.all(opened.map((file) => file.close()))
  }
  yield* openEntries(plan, source, context, names)
}

/** The bytes of an archive, decompressed. It is opened when the first are asked for. */
export function openSourceArchive(
  path: string,
  source: string,
  { count, signal, ...options }: OpenContext,
  decompression: DecompressOptions = { expansion: { maxSize: options.maxSize } },
): AsyncIterable<Uint8Array> {
  const ofStream = (stream: AsyncIterable<Uint8Array>) => decompress(count(stream), source, decompression)
  if (path === STANDARD_INPUT) return ofStream(readStream(process.stdin, source, signal))
  return new ArchiveChunks(path, {
    ...options,
    decompression,
    signal,
    readFifo: () => ofStream(readFifo(path, signal)),
  })
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
    throw new InputError(systemMessageOf(error), { source }, { cause: error })
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
    throw new InputError(systemMessageOf(error), { source: path }, { cause: error })
  }
  yield* readStream(stream, path, signal)
}
