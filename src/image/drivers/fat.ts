import type { FatType } from '../../fat32/format.ts'
import { readFatVolume } from '../../fat32/read/reader.ts'
import { PLAIN_FORM } from '../../file-tree/file-layout.ts'
import type { ByteSource } from '../../lib/byte-source.ts'
import { CorruptError } from '../../lib/errors.ts'
import type { OnFinding } from '../../lib/finding.ts'
import { observeSource } from '../../lib/observe-source.ts'
import { drive, type ReadRoutine } from '../../lib/read-routine.ts'
import { formatVolumeId } from '../../spec/notation/numbers.ts'
import type { CheckOptions, FileSystemDriver, Identity, OpenedFileSystem } from './driver.ts'
import { hasMagic, type MagicNumber } from './magic.ts'

/** (BS_FilSysType, at its two places) */
const TYPE_TEXTS: readonly (MagicNumber & { type: FatType })[] = [
  { type: 'fat12', offset: 54, magic: 'FAT12   ' },
  { type: 'fat16', offset: 54, magic: 'FAT16   ' },
  { type: 'fat32', offset: 82, magic: 'FAT32   ' },
]
const BOOT_SIGNATURE: MagicNumber = { offset: 510, magic: '\x55\xaa' }

/** FAT12, FAT16 and FAT32. */
export const fatDriver: FileSystemDriver<FatType> = {
  name: 'fat',
  title: 'FAT',
  types: ['fat12', 'fat16', 'fat32'],
  linux: { magic: 0x4d44, name: 'vfat' },
  isWeak: true,
  identify,
  open,
  async check(source: ByteSource, { onFinding, signal }: CheckOptions) {
    const { checkFatVolume } = await import('../../fat32/check/check.ts')
    await drive(observeSource(source, { signal }), checkFatVolume(onFinding))
  },
}

/** A damaged boot sector counts if it names its type. */
function* identify(start: Uint8Array): ReadRoutine<Identity<FatType> | undefined> {
  const named = TYPE_TEXTS.find((text) => hasMagic(start, text))
  if (named === undefined && !hasMagic(start, BOOT_SIGNATURE)) return undefined
  try {
    const { type, label, volumeId } = yield* readFatVolume()
    return { type, label, uuid: formatVolumeId(volumeId) }
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error
    return named && { type: named.type, label: '', uuid: '' }
  }
}

async function open(source: ByteSource, onFinding: OnFinding): Promise<OpenedFileSystem<FatType>> {
  const reader = await drive(source, readFatVolume({ onFinding }))
  const { type, label, volumeId } = reader
  return {
    type,
    label,
    uuid: formatVolumeId(volumeId),
    reader,
    async usage({ onFinding, signal }) {
      const { fatUsage } = await import('../../fat32/usage/usage.ts')
      return drive(observeSource(source, { signal }), fatUsage(reader, { onFinding }))
    },
    bootView: () =>
      Promise.resolve({
        type: 'fat',
        fatType: type,
        root: reader.root,
        *layout() {
          return PLAIN_FORM
        },
      }),
  }
}
