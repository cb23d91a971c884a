/** Nix archives, and streams of `nix-store --export`: files, named pipes and standard input. */
import { stat } from 'node:fs/promises'
import { InputError } from '../../lib/errors.ts'
import { FOREIGN_START, foreignFormatOf } from '../../lib/foreign-format.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import type { NarSourcePlan } from '../../spec/sources/nar.ts'
import { isExportStart } from '../nix/export-stream.ts'
import { isNarStart, NAR_START } from '../nix/nar-encoder.ts'
import { NarReader } from '../nix/nar-reader.ts'
import { openExport } from '../nix/nix-source.ts'
import { FileSpool } from '../spool.ts'
import type { OpenContext, SourceOpener } from './opener.ts'
import { archiveFile, openSourceArchive } from './tar.ts'

export const narOpener: SourceOpener<NarSourcePlan> = { ...archiveFile, open: openNar }

async function* openNar(
  plan: NarSourcePlan,
  context: OpenContext,
): AsyncGenerator<SourceEntry, void, undefined> {
  const source = archiveFile.nameOf(plan)
  const reader = new NarReader(openSourceArchive(plan.path, source, context), source)
  try {
    const start = await reader.peek(NAR_START.length)
    if (isNarStart(start)) {
      yield* reader.entries()
      await reader.expectEnd()
    } else if (isExportStart(start)) {
      yield* openExportStream(plan, source, reader, context)
    } else {
      const found = foreignFormatOf(await reader.peek(FOREIGN_START))
      const expected = 'expected a Nix archive (NAR) or the output of nix-store --export'
      throw new InputError(found === undefined ? expected : `this is ${found}: ${expected}`, {
        source,
        offset: 0,
      })
    }
  } finally {
    await reader.close()
  }
}

/** A stream that can be read once is kept meanwhile. */
async function* openExportStream(
  { path }: NarSourcePlan,
  source: string,
  reader: NarReader,
  context: OpenContext,
): AsyncGenerator<SourceEntry, void, undefined> {
  const stats = await stat(path).catch(() => undefined)
  if (stats?.isFile()) {
    const again = { ...context, retain: undefined }
    const open = (isLast: boolean) =>
      openSourceArchive(path, source, isLast ? again : { ...again, onRead: undefined })
    yield* openExport(open, source, context)
    return
  }
  const spool = new FileSpool()
  try {
    const open = await spool.add(reader.rest())
    yield* openExport(open, source, context)
  } finally {
    await spool.close()
  }
}
