/** A BTRFS file system as boot loaders see it. */
import { FEATURE_INCOMPAT } from '../../btrfs/format.ts'
import type { BtrfsReader, FileExtent } from '../../btrfs/read/open.ts'
import { dataProfiles } from '../../btrfs/read/profiles.ts'
import { bitNames, checksumName } from '../../btrfs/read/superblock.ts'
import type { FileLayout } from '../../file-tree/file-layout.ts'
import type { InodeRef } from '../../file-tree/reader.ts'
import { toDisplay } from '../../lib/byte-string.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { zstdExtentProblem } from '../../uboot/zstd-extent.ts'
import type { BootView } from './driver.ts'

/** Boot loaders begin in the default subvolume. */
export function* btrfsBootView(reader: BtrfsReader): ReadRoutine<BootView> {
  const subvolumes = yield* reader.subvolumes()
  const defaultId = yield* reader.defaultSubvolume()
  const root = subvolumes.find(({ id }) => id === defaultId) ?? subvolumes[0]
  const features = bitNames(reader.superblock.incompatFlags, FEATURE_INCOMPAT)
  return {
    type: 'btrfs',
    root: root?.root ?? reader.root,
    layout: (file, size) => layoutOf(reader, file, size),
    btrfs: {
      checksum: checksumName(reader.superblock),
      dataProfiles: dataProfiles(reader.chunks),
      features: features.map((name) => name.toLowerCase()),
      subvolumes: subvolumes.map(({ path }) => toDisplay(path)).filter((path) => path !== ''),
      defaultSubvolume: toDisplay(root?.path ?? ''),
    },
  }
}

function* layoutOf(reader: BtrfsReader, file: InodeRef, size: number): ReadRoutine<FileLayout> {
  const { sectorsize } = reader.superblock
  const extents = yield* (yield* reader.open(file)).extents()
  const compressions = new Set<string>()
  let end = 0
  let holes = false
  let preallocated = false
  let compressedTail = false
  let oddExtent: string | undefined
  for (const extent of extents) {
    const { type, fileOffset, length, compression, diskBytenr } = extent
    if (fileOffset >= size) break
    if (fileOffset > end || (type === 'regular' && diskBytenr === 0)) holes = true
    if (type === 'prealloc') preallocated = true
    if (type === 'inline' && extents.length > 1) oddExtent ??= 'an inline extent is not its only one'
    end = fileOffset + length
    if (compression === 'none') continue
    compressions.add(compression)
    if (type === 'inline') continue
    compressedTail = end > size || (end === size && size % sectorsize !== 0)
    if (compression === 'zstd') oddExtent ??= yield* frameProblem(reader, extent)
  }
  if (end < size) holes = true
  return { holes, preallocated, compressions: [...compressions], compressedTail, oddExtent }
}

function* frameProblem(reader: BtrfsReader, extent: FileExtent): ReadRoutine<string | undefined> {
  const { diskBytenr, diskNumBytes, ramBytes } = extent
  const [place] = reader.chunks.copies(diskBytenr, diskNumBytes)
  if (place === undefined) return 'an extent lies outside of the device'
  const stored = yield { offset: place, length: diskNumBytes }
  return stored.length < 4 ? 'an extent is cut off' : zstdExtentProblem(stored, ramBytes)
}
