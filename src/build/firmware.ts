import { readSource, type BuildContext } from './context.ts'
import type { SourceEntry, Timestamp } from '../file-tree/entry.ts'
import { fromText, toBytes } from '../lib/byte-string.ts'
import { fileEntry } from './boot-files.ts'
import type { FirmwarePlan } from '../spec/plan/plan.ts'
import { configTxt, ubootFileName } from '../uboot/config-txt.ts'
import { isFirmwareFile } from '../uboot/firmware.ts'

/**
 * Yields the firmware's files that the boards need, U-Boot and config.txt. Sources come after them and may replace them.
 * Content can be read more than once.
 *
 * @param time of files that are made here
 * @throws InputError when a file cannot be read
 */
export async function* firmwareEntries(
  { directory, versions, uboot, startsKernel, settings, extraLines }: FirmwarePlan,
  time: Timestamp,
  context: BuildContext,
): AsyncGenerator<SourceEntry, void, undefined> {
  if (directory !== undefined) {
    for await (const entry of await readSource(
      { kind: 'directory', path: directory, to: '', merge: 'follow', xattrs: false },
      context,
    )) {
      context.progress.entries++
      if (entry.path === '' || isFirmwareFile(entry.path, versions)) yield entry
    }
  }
  for (const { version, path } of uboot) {
    yield fileEntry(ubootFileName(version), await context.host.readFile(path), time)
  }
  const text = configTxt({ versions, startsKernel, settings, extraLines })
  yield fileEntry('config.txt', toBytes(fromText(text)), time)
}
