import type { SourceEntry } from '../../file-tree/entry.ts'
import type { OpenContext } from './opener.ts'

/** Content that is counted whenever it is read: that of a hard link on FAT32 is read more than once. */
export function countedContent(
  content: AsyncIterable<Uint8Array>,
  count: OpenContext['count'],
): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => count(content) }
}

/** The same entries; the content of files is counted, and the signal ends them. */
export async function* withCountedContent(
  entries: AsyncIterable<SourceEntry>,
  { signal, count }: Pick<OpenContext, 'signal' | 'count'>,
): AsyncGenerator<SourceEntry, void, undefined> {
  for await (const entry of entries) {
    signal?.throwIfAborted()
    if (entry.type === 'file') yield { ...entry, content: countedContent(entry.content, count) }
    else yield entry
  }
}
