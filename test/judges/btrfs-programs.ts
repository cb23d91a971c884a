import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findTool, missingJudge } from './run-tool.ts'

/** The newest btrfs-progs that Debian's backports offer, unpacked there by `scripts/install-judges.sh`. */
const BACKPORTS_BTRFS = fileURLToPath(new URL('../../.cache/judges/btrfs-progs/bin/btrfs', import.meta.url))

const BACKPORTS_MKFS = fileURLToPath(
  new URL('../../.cache/judges/btrfs-progs/sbin/mkfs.btrfs', import.meta.url),
)

/** The `btrfs` programs to judge with: the release's and the backports' one, or only the newest. */
export function btrfsPrograms(versions: 'all' | 'newest'): string[] {
  const release = findTool('btrfs')
  if (!existsSync(BACKPORTS_BTRFS)) {
    missingJudge('btrfs of backports', 'not unpacked; see scripts/install-judges.sh')
    return release === undefined ? [] : [release]
  }
  return versions === 'newest' || release === undefined ? [BACKPORTS_BTRFS] : [release, BACKPORTS_BTRFS]
}

/** The newest `btrfs` there is. */
export function newestBtrfs(): string | undefined {
  return btrfsPrograms('newest')[0]
}

/** The newest `mkfs.btrfs` there is. */
export function newestMkfs(): string | undefined {
  return existsSync(BACKPORTS_MKFS) ? BACKPORTS_MKFS : findTool('mkfs.btrfs')
}
