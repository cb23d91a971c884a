import { abortable } from '../lib/abortable.ts'
import type { SourceEntry } from './entry.ts'

/**
 * The same entries, until the signal is aborted: an entry or a piece of content that is being waited for then rejects
 * with the signal's reason.
 */
export async function* abortableEntries(
  entries: AsyncIterable<SourceEntry>,
  signal: AbortSignal | undefined,
): AsyncGenerator<SourceEntry, void, undefined> {
  if (signal === undefined) {
    yield* entries
    return
  }
  for await (const entry of abortable(entries, signal)) {
    yield entry.type === 'file' ? { ...entry, content: abortable(entry.content, signal) } : entry
  }
}
