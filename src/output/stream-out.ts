import type { Writable } from 'node:stream'
import type { WritableStream } from 'node:stream/web'
import { OutputError } from '../lib/errors.ts'
import type { FileRange } from './image-file.ts'
import type { OpenFile } from './open-file.ts'
import { toOutputError } from '../lib/output-error.ts'

const CHUNK_SIZE = 1024 * 1024
const STREAM_NAME = 'output stream'

/** Writes to a stream of either kind, and waits while it is full. */
export interface StreamWriter {
  /**
   * Passes bytes on when the stream has room for more. They must not change any more.
   *
   * @throws OutputError when the stream has failed or was closed
   */
  write(bytes: Uint8Array): Promise<void>
  /** Waits until everything is passed on, and ends the stream (standard output stays open). */
  end(): Promise<void>
  /** Breaks the stream off, so that its reader does not take what it has for the whole. */
  abort(): Promise<void>
}

/** @throws OutputError when the stream has ended or failed already */
export function streamWriterOf(stream: Writable | WritableStream): StreamWriter {
  return 'getWriter' in stream ? webStreamWriter(stream) : nodeStreamWriter(stream)
}

function broken(error: unknown): OutputError {
  const named = toOutputError(STREAM_NAME, error)
  if (named instanceof OutputError) return named
  const message = error instanceof Error ? error.message : String(error)
  return new OutputError(`${STREAM_NAME}: ${message}`, { cause: error })
}

function nodeStreamWriter(stream: Writable): StreamWriter {
  if (!stream.writable) throw new OutputError(`${STREAM_NAME}: cannot be written to any more`)
  const isStandard = stream === process.stdout || stream === process.stderr
  let failure: OutputError | undefined
  // A stream may fail at any time, also between our calls.
  let fail: (error: unknown) => void
  const failed = new Promise<never>((_, reject) => {
    fail = (error) => {
      reject((failure ??= broken(error)))
    }
  })
  failed.catch(() => undefined)
  const onError = (error: Error) => fail(error)
  const onClose = () => fail(new Error('closed before the image was complete'))
  stream.on('error', onError)
  stream.on('close', onClose)
  const release = () => {
    stream.off('close', onClose)
    // The listener for errors stays: a late one must not end the process.
  }

  return {
    async write(bytes) {
      if (failure !== undefined) throw failure
      if (stream.write(bytes)) return
      let onDrain = () => {}
      const drained = new Promise<void>((resolve) => stream.once('drain', (onDrain = resolve)))
      try {
        await Promise.race([drained, failed])
      } finally {
        stream.off('drain', onDrain)
      }
    },
    async end() {
      if (failure !== undefined) throw failure
      // The callback of a last, empty write comes when all before it has been passed on.
      const ended = new Promise<void>((resolve) => {
        const done = (error?: Error | null) => (error ? fail(error) : resolve())
        if (isStandard) stream.write('', done)
        else stream.end(done)
      })
      await Promise.race([ended, failed])
      release()
    },
    abort() {
      release()
      if (!isStandard) stream.destroy()
      fail(new Error('aborted'))
      return Promise.resolve()
    },
  }
}

function webStreamWriter(stream: WritableStream): StreamWriter {
  const writer = stream.getWriter()
  const orBroken = async (work: Promise<unknown>): Promise<void> => {
    try {
      await work
    } catch (error) {
      throw broken(error)
    }
  }
  writer.closed.catch(() => undefined)
  return {
    async write(bytes) {
      await orBroken(writer.ready)
      // A failure of this write also fails `ready` and `close`.
      writer.write(bytes).catch(() => undefined)
    },
    end: () => orBroken(writer.close()),
    abort: () => writer.abort(new OutputError(`${STREAM_NAME}: aborted`)).catch(() => undefined),
  }
}

/** Passes a file of `size` bytes on; what is outside of `data` is passed on as zeros without reading it. */
export async function streamFile(
  file: OpenFile,
  size: number,
  data: Iterable<FileRange>,
  writer: StreamWriter,
): Promise<void> {
  const zeros = new Uint8Array(CHUNK_SIZE)
  let at = 0
  const passZeros = async (end: number) => {
    for (; at < end; at += Math.min(CHUNK_SIZE, end - at)) {
      await writer.write(zeros.subarray(0, Math.min(CHUNK_SIZE, end - at)))
    }
  }
  for (const { start, end } of data) {
    await passZeros(start)
    while (at < end) {
      // A new buffer each time: the stream may keep it for as long as it likes.
      const chunk = await file.read(at, Math.min(CHUNK_SIZE, end - at))
      await writer.write(chunk)
      at += chunk.length
    }
  }
  await passZeros(size)
}
