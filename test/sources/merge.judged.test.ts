/** Two archives meet as GNU tar lets them meet in a directory. */
import { mkdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inFolder } from '../images/build.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { comparableTree, mountedSources } from './mounted-source.ts'

const can = canJudgeWithKernel() && requireJudge('tar')

/** A system whose /lib is a symlink, and what is to be laid over it. */
const MAKE = `umask 022
mkdir -p base/usr/lib/modules base/usr/bin base/etc base/srv overlay/lib/modules/6.6 overlay/etc overlay/bin
ln -s usr/lib base/lib; ln -s usr/bin base/bin; ln -s nowhere base/opt
echo ld > base/usr/lib/ld.so; echo old > base/etc/hostname; echo sh > base/usr/bin/sh
echo fs > overlay/lib/modules/6.6/btrfs.ko; echo new > overlay/etc/hostname; chmod 0600 overlay/etc/hostname
echo tool > overlay/bin/tool; ln overlay/bin/tool overlay/bin/alias; mkdir overlay/opt; echo x > overlay/opt/x; ln -s ../etc overlay/srv
find base overlay -exec touch -hd '2020-01-02 03:04:05' {} +
tar --format=posix -C base -cf base.tar . && tar --format=posix -C overlay -cf overlay.tar .
# Without entries for directories: parents go through symlinks.
(cd overlay && find . ! -type d -print0 | sort -z | tar --format=posix --null -T - -cf ../files.tar)`

test.skipIf(!can).each([
  ['"follow" is --keep-directory-symlink', 'overlay.tar', 'follow', ['--keep-directory-symlink']],
  ['"replace" is what tar does by itself', 'overlay.tar', 'replace', []],
  ['parents that no entry brings go through symlinks', 'files.tar', 'follow', []],
  ['and do so under any rule', 'files.tar', 'replace', []],
] as const)('%s', (_, overlay, merge, flags) =>
  inFolder(async (folder) => {
    await mustRun('bash', ['-ec', `cd ${JSON.stringify(folder)}\n${MAKE}`])
    const out = join(folder, 'out')
    mkdirSync(out)
    const tar = (name: string, ...more: string[]) =>
      mustRun('tar', ['-C', out, '-xpf', join(folder, name), '--numeric-owner', ...more])
    await tar('base.tar')
    // With files.tar, /opt leads nowhere, which is an error for both.
    if (overlay === 'files.tar') await mustRun('rm', [join(out, 'opt')])
    await tar(overlay, ...flags)
    const sources = [
      { tar: 'base.tar', ...(overlay === 'files.tar' && { exclude: ['/opt'] }) },
      { tar: overlay, merge },
    ]
    const normal = (entries: Record<string, unknown>[]) =>
      entries
        .slice(1)
        // Directories that were extracted into have other times where tar has not set them at the end.
        .map((entry) => ({
          ...entry,
          ...(entry.type === 'directory' && { mtime: undefined, mtimeNs: undefined }),
        }))
    const time = new Date('2020-01-02T03:04:05Z')
    utimesSync(out, time, time)
    expect(normal(await mountedSources(folder, sources))).toEqual(normal(await comparableTree(out)))
  }),
)
