/** The only place that knows which reader is for which file system. */
import { openBtrfs } from '../btrfs/read/open.ts'
import { openFat } from '../fat32/read/reader.ts'
import { FileSystem, type FileSystemType } from './file-system.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import { toDisplay } from '../lib/byte-string.ts'
import type { OnFinding } from '../lib/finding.ts'
import { uuidText } from '../lib/hex.ts'
import { loadHash } from '../lib/load-hash.ts'
import { drive } from '../lib/read-routine.ts'
import { loadZstd } from '../lib/zstd/codec.ts'
import { formatVolumeId } from '../spec/numbers.ts'

/**
 * Opens a file system that takes all of `source`.
 *
 * @throws CorruptError when it is damaged where one must begin to read
 * @throws UnsupportedError when it has features that are unknown here
 */
export async function openFileSystem(
  type: FileSystemType,
  source: ByteSource,
  { onFinding }: { onFinding?: OnFinding | undefined } = {},
): Promise<FileSystem> {
  if (type !== 'btrfs') {
    const reader = await drive(source, openFat(onFinding === undefined ? {} : { onFinding }))
    return new FileSystem({
      type: reader.type,
      label: reader.label,
      uuid: formatVolumeId(reader.volumeId),
      reader,
      source,
      onFinding,
    })
  }
  const reader = await openBtrfs(source, {
    loadHash,
    zstd: await loadZstd(),
    ...(onFinding && { onFinding }),
  })
  return new FileSystem({
    type,
    label: toDisplay(reader.label),
    uuid: uuidText(reader.superblock.fsid),
    reader,
    source,
    subvolumes: () => reader.subvolumes(),
    notices: reader.notices,
    onFinding,
  })
}
