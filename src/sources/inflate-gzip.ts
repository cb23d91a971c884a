import {
  zlibInflate,
  zlibInflateInit2,
  zlibInflateReset,
  Z_BUF_ERROR,
  Z_NO_FLUSH,
  Z_OK,
  Z_STREAM_END,
  ZStream,
} from 'pako'
import { InputError } from '../lib/errors.ts'

const OUTPUT_CHUNK = 256 << 10
/** The largest window, and 16: with the header of gzip. (inflateInit2) */
const GZIP_WINDOW = 15 + 16

/**
 * The content of a gzip file (RFC 1952), all its members, in places that lack node:zlib. Zeros after the last one are
 * padding.
 *
 * @throws InputError when it is damaged or truncated, or something else follows
 */
export async function* inflateGzip(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = new ZStream()
  zlibInflateInit2(stream, GZIP_WINDOW)
  const output = new Uint8Array(OUTPUT_CHUNK)
  let inMember = true
  let isPadding = false
  let offset = 0
  for await (const chunk of chunks) {
    stream.input = chunk
    stream.next_in = 0
    stream.avail_in = chunk.length
    let hasMore = false // output that is held back because the buffer was full
    while (stream.avail_in > 0 || hasMore) {
      if (!inMember) {
        const next = chunk[stream.next_in]
        if (next === 0 || isPadding) {
          isPadding = true
          if (next !== 0) throw unexpected(source, offset + stream.next_in)
          stream.next_in++
          stream.avail_in--
          continue
        }
        zlibInflateReset(stream)
        inMember = true
      }
      stream.output = output
      stream.next_out = 0
      stream.avail_out = output.length
      const status = zlibInflate(stream, Z_NO_FLUSH)
      if (status !== Z_OK && status !== Z_STREAM_END && status !== Z_BUF_ERROR) {
        throw damaged(source, stream.msg)
      }
      if (stream.next_out > 0) yield output.subarray(0, stream.next_out)
      inMember = status !== Z_STREAM_END
      hasMore = inMember && stream.avail_out === 0
    }
    offset += chunk.length
  }
  if (inMember) throw damaged(source, 'unexpected end of file')
}

function damaged(source: string, reason: string): InputError {
  return new InputError(`damaged or truncated gzip data: ${reason}`, { source })
}

function unexpected(source: string, offset: number): InputError {
  return new InputError(
    `damaged gzip data: expected nothing but zeros after its end, found more after ${offset} compressed bytes`,
    { source },
  )
}
