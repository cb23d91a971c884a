import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { attachLoop, detachLoop } from './loop-device.ts'
import { extractPartition, isWholeFile, type Partition } from './partition.ts'
import { findTool, missingJudge, requireJudge, runTool } from './run-tool.ts'

/** The newest btrfs-progs that Debian's backports offer, unpacked there by `scripts/install-judges.sh`. */
const BACKPORTS_BTRFS = fileURLToPath(new URL('../../.cache/judges/btrfs-progs/bin/btrfs', import.meta.url))

export interface BtrfsCheckOptions {
  /** Which btrfs-progs judge: the release's and the backports' one (the default), or only the newest. */
  versions?: 'all' | 'newest'
  /** The second implementation of the checker too; yes when not given. */
  lowmem?: boolean
  /** Read all data and verify its checksums; yes when not given. */
  dataChecksums?: boolean
  timeoutMs?: number
}

/** Whether `btrfs check` can be run; says so loudly when not. */
export function canBtrfsCheck(): boolean {
  return requireJudge('btrfs')
}

/** All of a sound file system's output; whatever else the checker says is a finding. */
const SOUND = [
  /^$/,
  /^Opening filesystem to check\.\.\.$/,
  /^Checking filesystem on /,
  /^UUID: /,
  /^\[\d\/\d\] checking [^:]*$/,
  /^found \d+ bytes used, no error found$/,
  /^(total (csum|tree|fs tree|extent tree) bytes|btree space waste bytes|file data blocks allocated): \d+$/,
  /^ referenced \d+$/,
]

/** The lines of a checker's output that speak of something wrong. */
export function findings(output: string): string[] {
  return output.split('\n').filter((line) => !SOUND.some((sound) => sound.test(line)))
}

function toolsToRun(versions: 'all' | 'newest'): string[] {
  const release = findTool('btrfs')
  if (!existsSync(BACKPORTS_BTRFS)) {
    missingJudge('btrfs of backports', 'not unpacked; see scripts/install-judges.sh')
    return release === undefined ? [] : [release]
  }
  return versions === 'newest' || release === undefined ? [BACKPORTS_BTRFS] : [release, BACKPORTS_BTRFS]
}

async function check(target: string, options: BtrfsCheckOptions): Promise<void> {
  const { versions = 'all', lowmem = true, dataChecksums = true, timeoutMs = 600_000 } = options
  const modes = [dataChecksums ? ['--check-data-csum'] : []]
  if (lowmem) modes.push(['--mode=lowmem'])
  for (const tool of toolsToRun(versions)) {
    for (const mode of modes) {
      const args = ['check', '--readonly', ...mode, target]
      const { code, stdout, stderr } = await runTool(tool, args, { timeoutMs })
      const output = stdout + stderr
      if (code !== 0 || findings(output).length > 0) {
        throw new Error(`${tool} ${args.join(' ')}: exit code ${code}\n${output}`)
      }
    }
  }
}

/**
 * Has the BTRFS partition of an image checked by every btrfs-progs at hand, in both modes, data included.
 * The image is not written to.
 *
 * @throws Error with the checker's whole output when it complains of anything
 */
export async function btrfsCheck(
  image: string,
  partition: Partition,
  options: BtrfsCheckOptions = {},
): Promise<void> {
  if (isWholeFile(image, partition)) return check(image, options)
  if (process.getuid?.() === 0 && findTool('losetup') !== undefined) {
    const device = await attachLoop(image, partition, { readonly: true })
    try {
      return await check(device, options)
    } finally {
      await detachLoop(device)
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'btrfs-check-'))
  try {
    const copy = join(folder, 'partition')
    await extractPartition(image, partition, copy)
    return await check(copy, options)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
