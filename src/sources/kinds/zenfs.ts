import type { OpenContext, SourceOpener } from './opener.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import type { ZenfsSourcePlan } from '../../spec/sources/zenfs.ts'
import { readZenfs } from '../zenfs.ts'

export const zenfsOpener: SourceOpener<ZenfsSourcePlan> = {
  nameOf: ({ name }) => name,
  open: openZenfs,
  inputs: () => [],
}

async function* openZenfs(
  { zenfs, root, name }: ZenfsSourcePlan,
  { signal, count, leavesOut }: OpenContext,
): AsyncGenerator<SourceEntry, void, undefined> {
  for await (const entry of readZenfs(zenfs, { root, source: name, leavesOut })) {
    signal?.throwIfAborted()
    if (entry.type !== 'file') {
      yield entry
      continue
    }
    const { content } = entry
    yield { ...entry, content: { [Symbol.asyncIterator]: () => count(content) } }
  }
}
