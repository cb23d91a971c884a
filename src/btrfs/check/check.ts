/** Is a BTRFS file system sound? Everything that `btrfs check` and the kernel demand, and every copy of it. */
import type { ByteSource } from '../../lib/byte-source.ts'
import { CorruptError } from '../../lib/errors.ts'
import { findingOf, type Finding, type OnFinding } from '../../lib/finding.ts'
import { drive } from '../../lib/read-routine.ts'
import { SUPERBLOCK_OFFSETS } from '../format.ts'
import { checkVolume } from './passes.ts'
import { CheckContext } from './context.ts'
import { ChunkMap } from '../read/chunk-map.ts'
import { findSuperblock, type BtrfsCodecs } from '../read/open.ts'

export interface CheckOptions extends BtrfsCodecs {
  /** Is told of every fault, as it is found. Offsets are those of `source`. */
  onFinding: OnFinding
  /** Metadata alone: no content of files is read. */
  quick?: boolean
  /** Ends the check, which then rejects with the signal's reason. */
  signal?: AbortSignal
  /** Bytes that have been looked at, of about so many. */
  onProgress?: (done: number, total: number) => void
}

/**
 * Checks the file system that is all of `source`. That it is not sound is no error: `onFinding` is told.
 *
 * @throws UnsupportedError when it has features that are unknown here, or needs other devices
 */
export async function checkBtrfs(source: ByteSource, options: CheckOptions): Promise<void> {
  const { onFinding, signal, loadHash, zstd, quick = false, onProgress } = options
  const watched = { ...watchedBy(source, signal) }
  const ofMirrors: Finding[] = []
  let found
  try {
    found = await findSuperblock(watched, { loadHash, onFinding: (fault) => ofMirrors.push(fault) })
  } catch (error) {
    for (const fault of ofMirrors) onFinding(fault)
    if (error instanceof CorruptError && ofMirrors.length === 0) onFinding(findingOf(error))
    if (error instanceof CorruptError) return
    throw error
  }
  const { superblock, hash } = found
  // What lies beyond the end of the file system is of another one, and none of ours.
  const ours = ofMirrors.filter(({ offset = 0 }) => offset < superblock.devItem.totalBytes)
  for (const fault of ours) onFinding(fault)
  const known = SUPERBLOCK_OFFSETS.filter((place) =>
    ours.some(({ offset = 0 }) => Math.abs(offset - place) < 4096),
  )
  const volume = new CheckContext(superblock, hash, new ChunkMap(superblock.devItem.devid), onFinding)
  await drive(
    watched,
    checkVolume({
      volume,
      deviceSize: source.size,
      knownMirrors: known,
      zstd,
      quick,
      ...(onProgress !== undefined && { onProgress }),
    }),
  )
}

function watchedBy(source: ByteSource, signal: AbortSignal | undefined): ByteSource {
  return {
    size: source.size,
    read(offset, length) {
      signal?.throwIfAborted()
      return source.read(offset, length)
    },
  }
}
