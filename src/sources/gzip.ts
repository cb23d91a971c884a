import { createGunzip } from 'node:zlib'
import type { Transform } from 'node:stream'
import { InputError } from '../lib/errors.ts'

const OUTPUT_CHUNK = 256 << 10

/**
 * The content of a gzip file (RFC 1952), all its members.
 * @throws InputError when it is damaged or truncated
 */
export async function* decompressGzip(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* through(createGunzip({ chunkSize: OUTPUT_CHUNK }), chunks)
  } catch (error) {
    if (!isZlibError(error)) throw error
    throw new InputError(`damaged or truncated gzip data: ${error.message}`, { source }, { cause: error })
  }
}

/** Feeds a transform stream chunk by chunk, each only when the one before it is used up, and gives its output. */
export async function* through(
  stream: Transform,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const write = (chunk: Uint8Array) =>
    new Promise<void>((resolve, reject) =>
      stream.write(chunk, (error) => (error ? reject(error) : resolve())),
    )
  const feed = async () => {
    for await (const chunk of chunks) {
      if (stream.destroyed) return
      await write(chunk)
    }
    stream.end()
  }
  // An error of the chunks destroys the stream, so that reading it throws just that error.
  const fed = feed().catch((error: unknown) => void stream.destroy(error as Error))
  try {
    yield* stream as AsyncIterable<Uint8Array>
  } finally {
    stream.destroy()
    await fed
  }
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}
