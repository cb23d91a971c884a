import { abortableEntries } from '../../file-tree/abortable-entries.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import { sourceEntries } from '../../file-tree/source-entries.ts'
import type { EntriesSourcePlan } from '../../spec/sources/entries.ts'
import type { OpenContext, SourceOpener } from './opener.ts'

export const entriesOpener: SourceOpener<EntriesSourcePlan> = {
  nameOf: ({ name }) => name,
  open: openEntries,
  inputs: () => [],
}

async function* openEntries(
  { name, entries, time }: EntriesSourcePlan,
  { signal }: OpenContext,
): AsyncGenerator<SourceEntry, void, undefined> {
  const iterable = typeof entries === 'function' ? await entries() : entries
  yield* abortableEntries(sourceEntries(iterable, { source: name, time }), signal)
}
