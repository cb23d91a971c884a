/** Writes an archive to a file, under a temporary name until it is complete, or to a stream; compressed or not. */
import type { Writable } from 'node:stream'
import type { WritableStream } from 'node:stream/web'
import { afterFailure } from '../../lib/clean-up.ts'
import { OutputError } from '../../lib/errors.ts'
import { createBeside } from '../../lib/temporary-file.ts'
import { workerCount } from '../../lib/worker-count.ts'
import { openFile } from '../../output/open-file.ts'
import { streamWriterOf, type StreamWriter } from '../../output/stream-out.ts'
import { gzipStage } from './gzip-stage.ts'
import type { ChunkSink } from '../../tar/write/writer.ts'
import { zstdStage } from './zstd-stage.ts'

export type ArchiveCompression = 'none' | 'gzip' | 'zstd'

export interface ArchiveOptions {
  output: string | Writable | WritableStream<Uint8Array>
  /** Default: by the name (`.zst`, `.gz`, `.tgz`); streams: `none`. */
  compression?: ArchiveCompression | undefined
  /** Compression level: 1 to 22 for zstd, 1 to 9 for gzip. */
  level?: number | undefined
  /** Replace an existing file. */
  force?: boolean | undefined
  /**
   * Threads that compress with zstd. Default, and at most: as many as the machine runs at once. 0: this one does it. The
   * bytes do not depend on it.
   */
  workers?: number | undefined
}

/** An archive that is being written. Exactly one of `finish` and `abort` ends it. */
export interface ArchiveFile extends ChunkSink {
  readonly compression: ArchiveCompression
  /** Gives the file its name, or ends the stream. @returns bytes written out */
  finish(): Promise<number>
  /** Leaves nothing behind. */
  abort(): Promise<void>
}

/** @throws OutputError when the file exists already, or cannot be written */
export async function openArchive(options: ArchiveOptions): Promise<ArchiveFile> {
  const { output, level, force = false } = options
  const compression = options.compression ?? compressionOf(output)
  checkLevel(compression, level)
  const writer = counted(
    typeof output === 'string' ? await openFileWriter(output, force) : streamWriterOf(output),
  )
  try {
    const stage =
      compression === 'none'
        ? writer
        : compression === 'gzip'
          ? gzipStage(writer, level)
          : await zstdStage(writer, { level, workers: workerCount(options.workers) })
    return {
      compression,
      keepsChunks: compression === 'none' && typeof output !== 'string',
      write: (chunk) => stage.write(chunk),
      async finish() {
        await stage.end()
        return writer.bytes
      },
      abort: () => stage.abort(),
    }
  } catch (error) {
    throw await afterFailure(error, () => writer.abort())
  }
}

function compressionOf(output: ArchiveOptions['output']): ArchiveCompression {
  if (typeof output !== 'string') return 'none'
  if (output.endsWith('.zst') || output.endsWith('.tzst')) return 'zstd'
  return output.endsWith('.gz') || output.endsWith('.tgz') ? 'gzip' : 'none'
}

function checkLevel(compression: ArchiveCompression, level: number | undefined): void {
  const most = { none: 0, gzip: 9, zstd: 22 }[compression]
  if (level === undefined || (Number.isInteger(level) && level >= 1 && level <= most)) return
  throw new OutputError(
    most === 0
      ? `level ${level}: the archive is not compressed`
      : `level of ${compression}: expected 1 to ${most}, found ${level}`,
  )
}

function counted(writer: StreamWriter): StreamWriter & { readonly bytes: number } {
  let bytes = 0
  return {
    get bytes() {
      return bytes
    },
    write(chunk) {
      bytes += chunk.length
      return writer.write(chunk)
    },
    end: () => writer.end(),
    abort: () => writer.abort(),
  }
}

async function openFileWriter(path: string, force: boolean): Promise<StreamWriter> {
  const { temporary, commit, discard } = await createBeside(path, force)
  const file = openFile(temporary.handle, path, { isDurable: true })
  let at = 0
  return {
    async write(bytes) {
      const position = at
      at += bytes.length
      await file.idle()
      await file.start(position, [bytes])
    },
    async end() {
      await file.settle()
      await commit()
    },
    async abort() {
      await file.settle().catch(() => undefined)
      await discard()
    },
  }
}
