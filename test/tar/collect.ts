/** Feeding and emptying sources in tests. */
import { type ByteString } from '../../src/lib/byte-string.ts'
import { wholeContent } from '../../src/file-tree/file-content.ts'
import type { SourceEntry } from '../../src/file-tree/entry.ts'

/** A copy of an entry, with its whole content in place of the stream, without its origin. */
export type Collected = { type: SourceEntry['type']; path: ByteString; content?: Uint8Array } & Record<
  string,
  unknown
>

/** All entries, each one's content read before the next is asked for. */
export async function collect(entries: AsyncIterable<SourceEntry>): Promise<Collected[]> {
  const collected: Collected[] = []
  for await (const entry of entries) {
    const { origin, ...rest } = entry
    if (origin.source === '') throw new Error('expected the name of a source')
    collected.push(rest.type === 'file' ? { ...rest, content: await join(wholeContent(rest)) } : { ...rest })
  }
  return collected
}

/** The pieces, copied as they come, as one. */
export async function join(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const copies: Uint8Array[] = []
  for await (const piece of pieces) copies.push(new Uint8Array(piece))
  return new Uint8Array(Buffer.concat(copies))
}

/** Takes no more than the first. */
export async function takeOne(items: AsyncIterable<unknown>): Promise<void> {
  const iterator = items[Symbol.asyncIterator]()
  await iterator.next()
  await iterator.return?.()
}

/** Takes all and looks at none. */
export async function exhaust(items: AsyncIterable<unknown>): Promise<void> {
  const iterator = items[Symbol.asyncIterator]()
  while (!(await iterator.next()).done);
}

/** The bytes in pieces of one size. Each piece is spoilt when the next is asked for, as the contract allows. */
export async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    const piece = new Uint8Array(bytes.subarray(at, at + size)) // slice() of a Buffer makes no copy
    yield await Promise.resolve(piece)
    piece.fill(0xe5)
  }
}
