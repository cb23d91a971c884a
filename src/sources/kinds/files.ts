/** Files that stand in the description, and those of this machine that it names. */
import { Buffer } from 'node:buffer'
import { stat } from 'node:fs/promises'
import type { SourceEntry } from '../../file-tree/entry.ts'
import { sourceEntries } from '../../file-tree/source-entries.ts'
import { InputError } from '../../lib/errors.ts'
import type { FilesSourcePlan } from '../../spec/sources/files.ts'
import { HostFiles } from '../host-file.ts'
import { hostPlaceOf, withPlace } from '../with-place.ts'
import { countedContent } from './counted-content.ts'
import type { OpenContext, SourceOpener } from './opener.ts'

const ANY_EXECUTE = 0o111n

export const filesOpener: SourceOpener<FilesSourcePlan> = {
  nameOf: ({ name }) => name,
  open: openFiles,
  inputs: ({ files }) =>
    files.flatMap(({ from }) => (from === undefined ? [] : [{ kind: 'file', path: from }])),
}

async function* openFiles(
  { name, time, files }: FilesSourcePlan,
  { signal, count }: OpenContext,
): AsyncGenerator<SourceEntry, void, undefined> {
  const hostFiles = new HostFiles()
  let next = 0
  for await (const entry of sourceEntries(
    files.map(({ entry }) => entry),
    { source: name, time },
  )) {
    signal?.throwIfAborted()
    const { from, entry: described } = files[next++]
    if (from === undefined || entry.type !== 'file') {
      yield entry
      continue
    }
    const stats = await withPlace(hostPlaceOf(name, entry.path), () => stat(from, { bigint: true }))
    if (!stats.isFile()) throw new InputError('expected a file', { source: from })
    const host = { source: from, path: '', host: Buffer.from(from), stats, followed: true }
    yield {
      ...entry,
      mode: described.mode ?? ((stats.mode & ANY_EXECUTE) === 0n ? 0o644 : 0o755),
      size: Number(stats.size),
      content: countedContent(hostFiles.contentOf(host), count),
      repeatable: true,
    }
  }
}
