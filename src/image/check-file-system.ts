/** The only place that knows which checker is for which file system. */
import { checkBtrfs } from '../btrfs/check/check.ts'
import { checkFat } from '../fat32/check/check.ts'
import type { FileSystemType } from './file-system.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import type { OnFinding } from '../lib/finding.ts'
import { loadHash } from '../lib/load-hash.ts'
import { drive } from '../lib/read-routine.ts'
import { loadZstd } from '../lib/zstd/codec.ts'

export interface FileSystemCheckOptions {
  /** Is told of every fault, as it is found; offsets are those of the source. */
  onFinding: OnFinding
  /** Leave out the content of files. */
  quick: boolean
  /** @param done bytes looked at, of about `total` */
  onProgress: (done: number, total: number) => void
  signal?: AbortSignal | undefined
}

/**
 * Checks a file system that takes all of `source`. That it is not sound is no error.
 *
 * @throws UnsupportedError when it has features that are unknown here
 */
export async function checkFileSystem(
  type: FileSystemType,
  source: ByteSource,
  { onFinding, quick, onProgress, signal }: FileSystemCheckOptions,
): Promise<void> {
  if (type !== 'btrfs') return drive(source, checkFat(onFinding))
  await checkBtrfs(source, {
    loadHash,
    zstd: await loadZstd(),
    onFinding,
    quick,
    onProgress,
    ...(signal && { signal }),
  })
}
