/** Content of entries that are made by hand: text, bytes or streams. */
import { InputError } from '../lib/errors.ts'
import type { Entry, EntryOrigin } from './entry.ts'
import { EntryProblem } from './entry-problem.ts'
import { wholeNumberOf, givenName, problem } from './entry-values.ts'
import { contentLength, type DataRange, type FileContent } from './file-content.ts'

/** Checks the content of a file, and completes its size. */
export function contentOf(entry: Entry, origin: EntryOrigin): FileContent {
  const { content, size, ranges } = entry
  if (size !== undefined) wholeNumberOf('size', size, Number.MAX_SAFE_INTEGER)
  if (ranges !== undefined && size === undefined) throw new EntryProblem('"ranges" without "size"')
  if (content === undefined || typeof content === 'string' || content instanceof Uint8Array) {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : (content ?? NO_BYTES)
    const file = { size: size ?? bytes.length, ...rangesOf(ranges, size) }
    const expected = contentLength(file)
    if (bytes.length !== expected) {
      const declared = ranges === undefined ? '"size"' : '"ranges"'
      throw new EntryProblem(
        `"content": expected the ${expected} bytes that ${declared} declares, found ${bytes.length}`,
      )
    }
    return { ...file, content: memoryContent(bytes), repeatable: true }
  }
  if (!isStream(content)) {
    throw problem('content', 'text, bytes, or an iterable of byte arrays', content)
  }
  if (size === undefined) throw new EntryProblem('"size" is missing: a stream does not say how long it is')
  return { size, ...rangesOf(ranges, size), content: streamContent(content, entry, origin) }
}

const NO_BYTES = new Uint8Array(0)

function rangesOf(ranges: Entry['ranges'], size = 0): { ranges?: readonly DataRange[] } {
  if (ranges === undefined) return {}
  if (!Array.isArray(ranges)) throw problem('ranges', 'an array', ranges)
  let end = 0
  for (const [i, range] of (ranges as readonly DataRange[]).entries()) {
    const { offset, length } = range ?? {}
    wholeNumberOf(`ranges[${i}].offset`, offset, Number.MAX_SAFE_INTEGER)
    wholeNumberOf(`ranges[${i}].length`, length, Number.MAX_SAFE_INTEGER)
    if (offset < end || length === 0 || offset + length > size) {
      throw new EntryProblem(
        `"ranges[${i}]": expected 1 byte or more between ${end} and ${size}, found ${length} at ${offset}`,
      )
    }
    end = offset + length
  }
  return { ranges }
}

function isStream(content: object): content is AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  return typeof content === 'object' && (Symbol.asyncIterator in content || Symbol.iterator in content)
}

function memoryContent(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  return {
    async *[Symbol.asyncIterator]() {
      if (bytes.length > 0) yield await Promise.resolve(bytes)
    },
  }
}

/** The stream's pieces, each of which must be bytes. */
function streamContent(
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  entry: Entry,
  { source }: EntryOrigin,
): AsyncIterable<Uint8Array> {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const piece of content) {
        if (!(piece instanceof Uint8Array)) {
          const { message } = problem('content', 'pieces that are byte arrays', piece)
          throw new InputError(message, { source, entry: givenName(entry)! })
        }
        yield piece
      }
    },
  }
}
