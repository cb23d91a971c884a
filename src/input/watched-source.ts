import { type ByteSource, isSync } from '../lib/byte-source.ts'
import { InputError } from '../lib/errors.ts'

/** What reading an image has taken so far. */
export interface ReadStatistics {
  /** Bytes read of the image as it is stored. */
  bytesRead: number
  /** Frames of a compressed image that were decompressed; one that is needed again later may count again. */
  framesDecompressed: number
}

/**
 * A source that can be stopped and whose reads are counted. Of sources that give fewer bytes than asked for the rest
 * is read, too.
 *
 * @throws InputError when its size is none; from its reads the signal's reason when that has aborted
 */
export function watchedSource(
  source: ByteSource,
  { name, statistics, signal }: { name: string; statistics: ReadStatistics; signal?: AbortSignal | undefined },
): ByteSource {
  const { size } = source
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new InputError(`expected a size in bytes, found ${String(size)}`, { source: name })
  }
  const clip = (offset: number, length: number) => Math.max(0, Math.min(length, size - offset))
  const taken = (bytes: Uint8Array, wanted: number) => {
    if (bytes.length > wanted) throw new Error(`${name}: read ${bytes.length} bytes instead of ${wanted}`)
    statistics.bytesRead += bytes.length
    return bytes
  }

  async function readAll(offset: number, length: number, first: Promise<Uint8Array> | Uint8Array) {
    let bytes = taken(await first, length)
    while (bytes.length < length) {
      signal?.throwIfAborted()
      const left = length - bytes.length
      const more = taken(await source.read(offset + bytes.length, left), left)
      if (more.length === 0) break
      bytes = joined(bytes, more)
    }
    return bytes
  }

  return {
    size,
    read(offset, wanted) {
      signal?.throwIfAborted()
      const length = clip(offset, wanted)
      if (length === 0) return new Uint8Array(0)
      const answer = source.read(offset, length)
      // Without a promise where there is none: most reads are short.
      if (answer instanceof Uint8Array && answer.length === length) return taken(answer, length)
      return readAll(offset, length, answer)
    },
    ...(isSync(source) && {
      readSync(offset: number, wanted: number) {
        signal?.throwIfAborted()
        const length = clip(offset, wanted)
        let bytes = taken(source.readSync(offset, length), length)
        while (bytes.length < length) {
          const left = length - bytes.length
          const more = taken(source.readSync(offset + bytes.length, left), left)
          if (more.length === 0) break
          bytes = joined(bytes, more)
        }
        return bytes
      },
    }),
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
