import type { Transform } from 'node:stream'
import { InputError } from '../lib/errors.ts'
import { nodeModule } from '../lib/node-module.ts'
import { inflateGzip } from './inflate-gzip.ts'
import { through } from './through.ts'

const OUTPUT_CHUNK = 256 << 10

/** The part of node:zlib used here. */
interface NodeZlib {
  createGunzip(options: { chunkSize: number }): Transform & { readonly bytesWritten: number }
}

/**
 * The content of a gzip file (RFC 1952), all its members. Zeros after the last one are padding.
 * @throws InputError when it is damaged or truncated, or something else follows
 */
export async function* decompressGzip(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const zlib = await nodeModule<NodeZlib>('node:zlib')
  if (zlib === undefined) {
    yield* inflateGzip(chunks, source)
    return
  }
  const iterator = chunks[Symbol.asyncIterator]()
  const gunzip = zlib.createGunzip({ chunkSize: OUTPUT_CHUNK })
  let last: Uint8Array = new Uint8Array(0)
  let offset = 0 // of the end of `last`
  let isOver = false

  const following = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    // Node's zlib stops at padding, and would take whatever follows it for padding, too.
    const unused = offset - gunzip.bytesWritten
    const isPadding = unused > 0 && !isOver
    if (isPadding) verifyPadding(last.subarray(last.length - unused), offset - unused, source)
    while (!isOver) {
      const next = await iterator.next()
      if (next.done) break
      last = next.value
      offset += last.length
      if (!isPadding) return { done: false, value: last }
      verifyPadding(last, offset - last.length, source)
    }
    isOver = true
    return { done: true, value: undefined }
  }

  try {
    yield* through(gunzip, { [Symbol.asyncIterator]: () => ({ next: following }) })
    if (!isOver) await following()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))) throw error
    throw new InputError(`damaged or truncated gzip data: ${error.message}`, { source }, { cause: error })
  } finally {
    await iterator.return?.()
  }
}

function verifyPadding(bytes: Uint8Array, offset: number, source: string): void {
  const at = bytes.findIndex((byte) => byte !== 0)
  if (at < 0) return
  throw new InputError(
    `damaged gzip data: expected nothing but zeros after its end, found more after ${offset + at} compressed bytes`,
    { source },
  )
}
