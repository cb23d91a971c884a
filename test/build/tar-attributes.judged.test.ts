/** Archives that GNU tar and bsdtar make of a BTRFS file system, with what other file systems do not have. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { build, inFolder } from '../images/build.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { attachLoop, detachLoop } from '../judges/loop-device.ts'
import { withMount } from '../judges/mounted.ts'
import { findTool, mustRun, requireJudge } from '../judges/run-tool.ts'

const SIZE = 200 << 20

/** Makes a BTRFS file system, and archives what `fill` puts into it. */
async function archiveOf(
  folder: string,
  fill: (root: string) => Promise<void>,
  archive: (root: string) => Promise<void>,
): Promise<void> {
  const image = join(folder, 'source.img')
  await mustRun('truncate', ['-s', String(SIZE), image])
  await mustRun('mkfs.btrfs', ['-q', '-f', image])
  await mounted(image, { start: 0, size: SIZE }, folder, async (root) => {
    await fill(root)
    try {
      await archive(root)
    } finally {
      await mustRun('chattr', ['-R', '-f', '-a', '-i', root]).catch(() => undefined)
    }
  })
}

async function mounted<T>(
  image: string,
  partition: { start: number; size: number },
  folder: string,
  work: (root: string) => Promise<T>,
): Promise<T> {
  const device = await attachLoop(image, partition, { readonly: false })
  try {
    return await withMount(device, 'noatime', folder, work)
  } finally {
    await detachLoop(device)
  }
}

/** What the kernel says of everything below a mount point. */
async function listed(root: string, command: string, args: string[]): Promise<string> {
  const { stdout } = await mustRun('sh', ['-c', `cd "$1" && shift && "$@"`, 'sh', root, command, ...args])
  return stdout
}

async function imageOf(folder: string, source: object, work: (root: string) => Promise<void>): Promise<void> {
  const { image, btrfs } = await build(folder, {
    table: { type: 'mbr' },
    partitions: [{ type: 'btrfs', size: 'fit', slack: '32MiB', sources: [{ tar: 'a.tar', ...source }] }],
  })
  await mounted(image, btrfs, folder, work)
  rmSync(image)
}

describe.skipIf(!canJudgeWithKernel())('what the kernel shows is what was archived', () => {
  test.skipIf(!requireJudge('bsdtar'))('flags, by bsdtar', () =>
    inFolder(async (folder) => {
      const flags = 'find . -mindepth 1 -print0 | sort -z | xargs -0 lsattr -d'
      let expected = ''
      await archiveOf(
        folder,
        async (root) => {
          for (const flag of ['a', 'i', 'A', 'd', 'S', 'C', 'c']) {
            mkdirSync(join(root, `directory-${flag}`))
            writeFileSync(join(root, `file-${flag}`), '')
            await mustRun('chattr', [`+${flag}`, join(root, `directory-${flag}`), join(root, `file-${flag}`)])
          }
          mkdirSync(join(root, 'cow'))
          await mustRun('chattr', ['+C', join(root, 'cow')])
          writeFileSync(join(root, 'cow', 'inherits'), 'x'.repeat(100_000))
          writeFileSync(join(root, 'plain'), 'x')
        },
        async (root) => {
          expected = await listed(root, 'sh', ['-c', flags])
          await mustRun('bsdtar', ['--format', 'pax', '-cf', join(folder, 'a.tar'), '-C', root, '.'])
        },
      )
      expect(expected).toMatch(/-C-.* \.\/cow\/inherits/)
      await imageOf(folder, {}, async (root) => {
        expect(await listed(root, 'sh', ['-c', flags])).toBe(expected)
        const property = await mustRun('btrfs', ['property', 'get', join(root, 'file-c'), 'compression'])
        expect(property.stdout).toBe('compression=zlib\n')
        await mustRun('chattr', ['-R', '-f', '-a', '-i', root]).catch(() => undefined)
      })
    }),
  )

  const hasAcls = requireJudge('setfacl') && requireJudge('tar')
  test.skipIf(!hasAcls)('ACLs with names, by GNU tar', () =>
    inFolder(async (folder) => {
      const acls = ['-n', '-R', '-p', '.']
      let expected = ''
      const gnuTar =
        (...options: string[]) =>
        (root: string) =>
          mustRun('tar', [
            '--numeric-owner',
            '--acls',
            ...options,
            '-cf',
            join(folder, 'a.tar'),
            '-C',
            root,
            '.',
          ]).then(() => undefined)
      const fill = async (root: string) => {
        mkdirSync(join(root, 'etc'))
        writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0::/:\ndaemon:x:1:1::/:\n')
        writeFileSync(join(root, 'etc/group'), 'root:x:0:\ndaemon:x:1:\n')
        writeFileSync(join(root, 'file'), 'x')
        await mustRun('setfacl', ['-m', 'u:daemon:rwx,g:daemon:r', join(root, 'file')])
        await mustRun('setfacl', ['-d', '-m', 'u:daemon:rx', join(root, 'etc')])
        expected = await listed(root, 'getfacl', acls)
      }
      const compare = async (root: string) => expect(await listed(root, 'getfacl', acls)).toBe(expected)

      await archiveOf(folder, fill, gnuTar('--xattrs', '--xattrs-include=*'))
      expect(expected).toContain('user:1:rwx')
      await imageOf(folder, {}, compare)

      await archiveOf(folder, fill, gnuTar())
      expect(
        execFileSync(findTool('grep')!, ['-a', '-c', 'user:daemon', join(folder, 'a.tar')]).toString(),
      ).not.toBe('0\n')
      await expect(imageOf(folder, {}, compare)).rejects.toThrow('"resolveNames"')
      await imageOf(folder, { resolveNames: true }, compare)
    }),
  )
})
