import { btrfsPrograms } from './btrfs-programs.ts'
import { type Partition, withReadOnlyPartition } from './partition.ts'
import { requireJudge, runTool } from './run-tool.ts'

export interface BtrfsCheckOptions {
  /** Which btrfs-progs judge: the release's and the backports' one (the default), or only the newest. */
  versions?: 'all' | 'newest'
  /** The second implementation of the checker too; yes when not given. */
  lowmem?: boolean
  /** Read all data and verify its checksums; yes when not given. */
  dataChecksums?: boolean
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

/**
 * The lowmem mode of btrfs-progs up to 6.19 at least takes every INODE_EXTREF item for an error (it compares the file
 * type of the directory entry with the whole mode of the inode), those of the kernel too, and does not say
 * which: its only complaint is the summary. That alone, when there are such items, is no finding.
 */
async function isExtrefFalseAlarm(tool: string, target: string, output: string): Promise<boolean> {
  const summary = [/^ERROR: errors found in fs roots$/, /^found \d+ bytes used, error\(s\) found$/]
  const found = findings(output)
  if (found.length === 0 || !found.every((line) => summary.some((known) => known.test(line)))) return false
  // The shell ends the dump at the first such item: the whole of it may be large.
  const search = '"$0" inspect-internal dump-tree "$1" | grep -q -m1 INODE_EXTREF'
  return (await runTool('sh', ['-c', search, tool, target])).code === 0
}

async function check(target: string, options: BtrfsCheckOptions): Promise<void> {
  const { versions = 'all', lowmem = true, dataChecksums = true } = options
  const modes = [dataChecksums ? ['--check-data-csum'] : []]
  if (lowmem) modes.push(['--mode=lowmem'])
  for (const tool of btrfsPrograms(versions)) {
    for (const mode of modes) {
      const args = ['check', '--readonly', ...mode, target]
      const { code, stdout, stderr } = await runTool(tool, args)
      const output = stdout + stderr
      if (code !== 0 || findings(output).length > 0) {
        if (mode.includes('--mode=lowmem') && (await isExtrefFalseAlarm(tool, target, output))) continue
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
export function btrfsCheck(
  image: string,
  partition: Partition,
  options: BtrfsCheckOptions = {},
): Promise<void> {
  return withReadOnlyPartition(image, partition, (target) => check(target, options))
}
