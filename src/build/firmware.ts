/** What a Raspberry Pi starts with, as entries of the firmware partition. */
import { readSource, type BuildContext } from './context.ts'
import type { SourceEntry, Timestamp } from '../file-tree/entry.ts'
import { fromText, toBytes } from '../lib/byte-string.ts'
import { fileEntry } from './nixos-system.ts'
import { readWholeFile } from '../sources/file.ts'
import type { FirmwarePlan } from '../spec/plan.ts'
import { configTxt, ubootFileName } from '../uboot/config-txt.ts'
import { isFirmwareFile } from '../uboot/firmware.ts'

/**
 * Adds the firmware's files that the boards need, U-Boot and config.txt. Sources come after it, and may replace it.
 *
 * @param time of what is made here
 * @throws InputError when a file cannot be read
 */
export async function addFirmware(
  { directory, versions, uboot, settings, extraLines }: FirmwarePlan,
  time: Timestamp,
  context: BuildContext,
  add: (entry: SourceEntry) => Promise<void>,
): Promise<void> {
  if (directory !== undefined) {
    await readSource({ kind: 'directory', path: directory, to: '' }, context, async (entry) => {
      if (entry.path === '' || isFirmwareFile(entry.path, versions)) await add(entry)
    })
  }
  for (const { version, path } of uboot) {
    await add(fileEntry(ubootFileName(version), await readWholeFile(path), time))
  }
  const text = configTxt({ versions, settings, extraLines })
  await add(fileEntry('config.txt', toBytes(fromText(text)), time))
}
