/** Container images: OCI image layouts and archives of `docker save`. */
import type { SourceEntry } from '../../file-tree/entry.ts'
import type { OciSourcePlan } from '../../spec/sources/oci.ts'
import { openLayout } from '../oci/open-layout.ts'
import { parsePlatform } from '../oci/platform.ts'
import { readImage } from '../oci/read-image.ts'
import type { OpenContext, SourceOpener } from './opener.ts'
import { archiveFile, openSourceArchive, STANDARD_INPUT } from './tar.ts'

export const ociOpener: SourceOpener<OciSourcePlan> = {
  nameOf: archiveFile.nameOf,
  open: (plan, context) => openOci(plan, archiveFile.nameOf(plan), context),
  // Whether it is a file or a folder, only the disk knows: nothing may be written into a folder.
  inputs: ({ path }) => (path === STANDARD_INPUT ? [] : [{ kind: 'directory', path }]),
}

async function* openOci(
  { path, platform, reference, time }: OciSourcePlan,
  source: string,
  context: OpenContext,
): AsyncGenerator<SourceEntry, void, undefined> {
  const { onRead, signal, retain, leavesOut, maxSize } = context
  let bytes = 0
  const onBytes = (length: number) => onRead?.((bytes += length))
  const readArchive = () =>
    openSourceArchive(path, source, { ...context, onRead: undefined, retain: undefined })
  const wanted = { reference, platform: platform === undefined ? undefined : parsePlatform(platform) }
  const files = await openLayout(path, { source, readArchive, signal, retain })
  try {
    yield* readImage({ files, onBytes, signal, maxSize }, { ...wanted, time, leavesOut })
  } finally {
    await files.close()
  }
}
