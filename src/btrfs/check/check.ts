/** Checks a BTRFS file system: everything that `btrfs check` and the kernel demand, in every copy. */
import type { ByteSource } from '../../lib/byte-source.ts'
import { collectFindings, type CheckResult } from '../../lib/check-result.ts'
import { CorruptError } from '../../lib/errors.ts'
import { findingOf, type Finding, type OnFinding } from '../../lib/finding.ts'
import { loadHash } from '../../lib/load-hash.ts'
import { observeSource } from '../../lib/observe-source.ts'
import { drive } from '../../lib/read-routine.ts'
import { loadZstd } from '../../lib/zstd/codec.ts'
import { SUPERBLOCK_OFFSETS, SUPERBLOCK_SIZE } from '../format.ts'
import { ChunkMap } from '../read/chunk-map.ts'
import { findSuperblock, type BtrfsCodecs } from '../read/open.ts'
import { CheckContext } from './context.ts'
import { checkData } from './data.ts'
import { DecodeAhead } from './decode-ahead.ts'
import { runPasses } from './passes.ts'
import { CheckProgress } from './progress.ts'
import { callingThreadChecker, type OpenWindowChecker } from './window-checker.ts'

/** Bytes in use below which starting threads takes longer than they save. */
const MIN_THREADED = 8 << 20

/** `loadHash` and `zstd` have defaults for Node and for browsers. */
export interface BtrfsCheckOptions extends Partial<BtrfsCodecs> {
  /** Called with each finding as it is made. Offsets count from the start of `source`. */
  onFinding?: OnFinding
  /** Check metadata alone and read no content of files. Default: false. */
  quick?: boolean
  /** Ends the check, which then rejects with the signal's reason. */
  signal?: AbortSignal
  /** @param done bytes checked so far, of about `total` */
  onProgress?: (done: number, total: number) => void
}

/**
 * Checks the BTRFS file system that is all of `source`. A damaged file system is a result, not an error.
 *
 * @param source bytes of one device; its offset 0 is where the file system begins
 * @throws UnsupportedError when the file system has unknown features, or needs other devices
 * @example
 * const { findings } = await checkBtrfs(source, { quick: true })
 * for (const { where, expected, found } of findings) console.log(`${where}: expected ${expected}, found ${found}`)
 */
export async function checkBtrfs(source: ByteSource, options: BtrfsCheckOptions = {}): Promise<CheckResult> {
  return checkBtrfsWith(source, options)
}

/**
 * The same, with threads.
 *
 * @param openChecker makes what checks data; default: the calling thread does
 */
export async function checkBtrfsWith(
  source: ByteSource,
  options: BtrfsCheckOptions,
  openChecker?: OpenWindowChecker,
): Promise<CheckResult> {
  return collectFindings((onFinding) => check(source, options, onFinding, openChecker), options.onFinding)
}

async function check(
  source: ByteSource,
  options: BtrfsCheckOptions,
  onFinding: OnFinding,
  openChecker: OpenWindowChecker | undefined,
): Promise<void> {
  const { signal, quick = false, onProgress } = options
  const codecs = { loadHash: options.loadHash ?? loadHash, zstd: options.zstd ?? (await loadZstd()) }
  const abortable = observeSource(source, { signal })
  const superblockFindings: Finding[] = []
  let found
  try {
    found = await findSuperblock(abortable, {
      loadHash: codecs.loadHash,
      onFinding: (finding) => superblockFindings.push(finding),
    })
  } catch (error) {
    for (const finding of superblockFindings) onFinding(finding)
    if (!(error instanceof CorruptError)) throw error
    if (superblockFindings.length === 0) onFinding(findingOf(error))
    return
  }
  const { superblock, hash } = found
  // A mirror beyond the end of the file system belongs to another one.
  const own = superblockFindings.filter(({ offset = 0 }) => offset < superblock.devItem.totalBytes)
  for (const finding of own) onFinding(finding)
  const damagedMirrors = SUPERBLOCK_OFFSETS.filter((place) =>
    own.some(({ offset = 0 }) => Math.abs(offset - place) < SUPERBLOCK_SIZE),
  )
  const context = new CheckContext(superblock, hash, new ChunkMap(superblock.devItem.devid), onFinding)
  const { zstd } = codecs
  const progress = new CheckProgress(superblock.bytesUsed, onProgress)
  const deviceSize = source.size
  const isThreaded = openChecker !== undefined && !quick && superblock.bytesUsed >= MIN_THREADED
  // Threads start while the trees are read.
  const checker = await (isThreaded ? openChecker : callingThreadChecker)(hash, zstd)
  try {
    const ahead = isThreaded ? new DecodeAhead({ context, source, checker }) : undefined
    const input = { context, deviceSize, damagedMirrors, zstd, quick, progress, ahead }
    const data = await drive(abortable, runPasses(input))
    if (data !== undefined) {
      progress.expect(data.items.bytes)
      await ahead?.finish(data.uses)
      await checkData(data, { source: abortable, checker, zstd, signal })
    }
  } finally {
    await checker.close()
  }
  progress.finish()
}
