/** Hash, size and references of NARs, computed while their content goes by. */
import { createHash } from 'node:crypto'
import { InputError } from '../../lib/errors.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import { wholeContent } from '../../file-tree/file-content.ts'
import { formatSha256 } from './hash.ts'
import { NarEncoder } from './nar-encoder.ts'
import type { ReferenceScanner } from './references.ts'

/** Takes the bytes of something that has a hash. */
export class Digest {
  size = 0
  readonly #hash = createHash('sha256')
  readonly #scanner: ReferenceScanner | undefined

  constructor(scanner?: ReferenceScanner) {
    this.#scanner = scanner
  }

  update(bytes: Uint8Array): void {
    this.size += bytes.length
    this.#hash.update(bytes)
    this.#scanner?.update(bytes)
  }

  /** SHA-256 in hexadecimal. Nothing can be added any more. */
  end(): string {
    return this.#hash.digest('hex')
  }
}

/** What a NAR, or a file with one, is to be. */
export interface ExpectedDigest {
  what: string
  hash: string | undefined
  size: number | undefined
}

/** @throws InputError when the bytes were not those that were promised */
export function expectDigest(
  digest: Digest,
  { what, hash, size }: ExpectedDigest,
  where: { source: string; entry: string },
): void {
  if (size !== undefined && digest.size !== size) {
    throw new InputError(`expected ${what} of ${size} bytes, found ${digest.size}`, where)
  }
  const found = digest.end()
  if (hash !== undefined && found !== hash) {
    throw new InputError(`expected ${what} with ${formatSha256(hash)}, found ${formatSha256(found)}`, where)
  }
}

/**
 * The same chunks, hashed on their way.
 *
 * @throws InputError at the end, when they are not what was promised; before, as soon as they are more
 */
export async function* verified(
  chunks: AsyncIterable<Uint8Array>,
  expected: ExpectedDigest,
  where: { source: string; entry: string },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { what, size = Infinity } = expected
  const digest = new Digest()
  for await (const chunk of chunks) {
    digest.update(chunk)
    if (digest.size > size) throw new InputError(`expected ${what} of ${size} bytes, found more`, where)
    yield chunk
  }
  expectDigest(digest, expected, where)
}

/**
 * The same entries; the digest takes the NAR that they make. Content that nobody reads is read for it.
 *
 * @param entries of one tree, in the order that `NarEncoder` needs
 */
export async function* digestedTree(
  entries: AsyncIterable<SourceEntry>,
  digest: Digest,
): AsyncGenerator<SourceEntry, void, undefined> {
  const encoder = new NarEncoder()
  for await (const entry of entries) {
    digest.update(encoder.begin(entry))
    if (entry.type !== 'file') {
      yield entry
      continue
    }
    const content = digestedContent(wholeContent(entry), digest)
    try {
      // A reader that stops before the end must not end the content: the rest belongs to the hash.
      yield {
        ...entry,
        content: { [Symbol.asyncIterator]: () => ({ next: () => content.next() }) },
        ranges: undefined,
        location: undefined,
        repeatable: undefined,
      }
      while (!(await content.next()).done);
    } finally {
      await content.return()
    }
    digest.update(encoder.endFile(entry))
  }
  digest.update(encoder.end())
}

async function* digestedContent(
  content: AsyncIterable<Uint8Array>,
  digest: Digest,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of content) {
    digest.update(piece)
    yield piece
  }
}
