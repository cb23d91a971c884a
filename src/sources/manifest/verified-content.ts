/** Content that is compared with digests as it is read. */
import { createHash, type Hash } from 'node:crypto'
import { zeros, type FileContent } from '../../file-tree/file-content.ts'
import type { ExpectedContent } from './manifest.ts'

/**
 * The same content.
 *
 * @param fail makes an error of a message
 * @throws that error when the last byte has been read and a digest, holes included, is another one
 */
export function verifiedContent(
  file: FileContent,
  digests: ExpectedContent['digests'],
  fail: (message: string) => Error,
): AsyncIterable<Uint8Array> {
  const hashes = () => digests.map(({ algorithm }) => newHash(algorithm, fail))
  // Content of size 0 is never read.
  if (file.size === 0) compare(hashes(), digests, fail)
  return {
    async *[Symbol.asyncIterator]() {
      const all = hashes()
      const update = (piece: Uint8Array) => all.forEach((hash) => hash.update(piece))
      const skip = (length: number) => {
        for (const piece of zeros(length)) update(piece)
      }
      const ranges = file.ranges ?? [{ offset: 0, length: file.size }]
      let [next, at] = [0, 0]
      for await (const piece of file.content) {
        for (let from = 0; from < piece.length && next < ranges.length;) {
          const { offset, length } = ranges[next]
          if (at < offset) {
            skip(offset - at)
            at = offset
          }
          const part = piece.subarray(from, from + Math.min(piece.length - from, offset + length - at))
          update(part)
          from += part.length
          at += part.length
          if (at === offset + length) next++
        }
        yield piece
      }
      skip(file.size - at)
      compare(all, digests, fail)
    },
  }
}

function newHash(algorithm: string, fail: (message: string) => Error): Hash {
  try {
    return createHash(algorithm)
  } catch {
    throw fail(`the digest ${algorithm} cannot be computed here: leave it out of the manifest`)
  }
}

function compare(
  hashes: readonly Hash[],
  digests: ExpectedContent['digests'],
  fail: (message: string) => Error,
): void {
  for (const [i, hash] of hashes.entries()) {
    const { algorithm, value } = digests[i]
    const found = hash.digest('hex')
    if (found !== value) throw fail(`${algorithm}: expected ${value}, found ${found}`)
  }
}
