import type { SourceEntry } from '../../file-tree/entry.ts'
import type { DirectorySourcePlan } from '../../spec/sources/directory.ts'
import { readDirectory } from '../directory.ts'
import type { OpenContext, SourceOpener } from './opener.ts'

export const directoryOpener: SourceOpener<DirectorySourcePlan> = {
  nameOf: ({ path }) => path,
  open: openDirectory,
  inputs: ({ path }) => [{ kind: 'directory', path }],
}

async function* openDirectory(
  { path }: DirectorySourcePlan,
  { signal, count, leavesOut }: OpenContext,
): AsyncGenerator<SourceEntry, void, undefined> {
  for await (const entry of readDirectory(path, { leavesOut })) {
    signal?.throwIfAborted()
    if (entry.type !== 'file') {
      yield entry
      continue
    }
    // Like the content itself, this may be read more than once: a hard link on FAT32 is a copy.
    const { content } = entry
    yield { ...entry, content: { [Symbol.asyncIterator]: () => count(content) } }
  }
}
