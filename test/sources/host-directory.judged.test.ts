/** Folders with everything that Linux keeps: the kernel shows the same in the image. */
import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Finding } from '../../src/lib/finding.ts'
import { loadHostCalls } from '../../src/sources/host-calls.ts'
import { directoryEntries } from '../../src/sources/kinds/directory.ts'
import { inFolder } from '../images/build.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { collect } from '../tar/collect.ts'
import { comparableTree, mountedSources, withMountedSources } from './mounted-source.ts'

const SETUP = `
umask 022; mkdir tree && cd tree
mkdir -p usr/bin etc var/shared empty
echo x > etc/owned && chown 1234:5678 etc/owned && chmod 4751 etc/owned
echo y > usr/bin/ping && setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 usr/bin/ping
ln usr/bin/ping usr/bin/ping6 && ln etc/owned var/again
setfattr -n user.note -v 'größe' etc/owned && setfattr -n trusted.overlay.opaque -v y var/shared
setfattr -n user.empty etc/owned
setfattr -n security.selinux -v 'unconfined_u:object_r:user_home_t:s0' usr
python3 - <<'PY'
import os, struct
def acl(*entries): return struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *e) for e in entries)
N = 0xffffffff
a = acl((1, 7, N), (2, 7, 33), (4, 5, N), (16, 7, N), (32, 5, N))
os.setxattr('etc/owned', 'system.posix_acl_access', a)
os.setxattr('var/shared', 'system.posix_acl_default', a)
with open('sparse', 'wb') as f:
    f.truncate(50 << 20); f.seek(1 << 20); f.write(b'a' * 5000); f.seek(30 << 20); f.write(b'b' * 70000)
with open('holes-only', 'wb') as f: f.truncate(3 << 20)
PY
ln -s etc/owned link && mkfifo var/fifo && mknod var/tty c 5 1 && mknod var/disk b 259 70000
touch -d '2021-02-03 04:05:06.123456789' etc/owned && touch -hd '1999-01-01' link
printf x > "$(printf 'bad\\377name')"
`

const inTree = (work: (folder: string) => Promise<void>) =>
  inFolder(async (folder) => {
    execFileSync('bash', ['-ec', SETUP], { cwd: folder, env: { ...process.env, TZ: 'UTC' } })
    await work(folder)
  })

const can = canJudgeWithKernel() && requireJudge('getfattr')

/** Where the data of a file are, as the file system that it lies in says. */
const dataRanges = async (file: string) => {
  const script = `
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY); size = os.fstat(fd).st_size; at = 0
while at < size:
    try: start = os.lseek(fd, at, os.SEEK_DATA)
    except OSError: break
    at = os.lseek(fd, start, os.SEEK_HOLE)
    print(start, at)`
  return (await mustRun('python3', ['-c', script, file])).stdout
}

describe.skipIf(!can)('a folder', () => {
  test('with its owners is in the image as it is here', () =>
    inTree(async (folder) => {
      const expected = await comparableTree(join(folder, 'tree'))
      await withMountedSources(
        folder,
        [{ directory: 'tree', owner: 'keep' }],
        async (mountPoint, { findings }) => {
          expect(await comparableTree(mountPoint)).toEqual(expected)
          expect(findings).toEqual([])
          for (const name of ['sparse', 'holes-only']) {
            expect(await dataRanges(join(mountPoint, name))).toBe(
              await dataRanges(join(folder, 'tree', name)),
            )
          }
        },
      )
      expect(expected.length).toBe(18)
      const owned = expected.find(({ path }) => path === 'etc/owned')!
      expect((owned.xattrs as [string][]).map(([name]) => name)).toEqual([
        'system.posix_acl_access',
        'user.empty',
        'user.note',
      ])
    }))

  test("is root's by default, and without the labels of this machine", () =>
    inTree(async (folder) => {
      const expected = (await comparableTree(join(folder, 'tree'))).map((entry) => {
        const { xattrs = [], ...rest } = entry as { xattrs?: [string, string][] }
        const kept = xattrs.filter(([name]) => name !== 'security.selinux')
        return { ...rest, uid: 0, gid: 0, ...(kept.length > 0 && { xattrs: kept }) }
      })
      expect(await mountedSources(folder, [{ directory: 'tree' }])).toEqual(expected)
      const none = await mountedSources(folder, [{ directory: 'tree', xattrs: false }])
      // An ACL shows itself in the mode alone.
      expect(none).toEqual(
        expected.map(({ xattrs, ...rest }: Record<string, unknown>) => (void xattrs, rest)),
      )
    }))

  test('with symlinks followed is what GNU tar -h archives', () =>
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'tree/dir'), { recursive: true })
      mkdirSync(join(folder, 'outside'))
      writeFileSync(join(folder, 'outside/file'), 'content')
      writeFileSync(join(folder, 'tree/dir/real'), 'x')
      for (const [target, name] of [
        ['../outside', 'out'],
        ['dir/real', 'alias'],
        ['dir', 'dir2'],
      ]) {
        symlinkSync(target, join(folder, 'tree', name))
      }
      linkSync(join(folder, 'tree/dir/real'), join(folder, 'tree/hard'))
      const flags = ['-h', '--sort=name', '--owner=0', '--group=0', '--format=posix']
      await mustRun('tar', [...flags, '-C', join(folder, 'tree'), '-cf', join(folder, 'tree.tar'), '.'])
      const expected = await mountedSources(folder, [{ tar: 'tree.tar' }])
      expect(await mountedSources(folder, [{ directory: 'tree', followSymlinks: true }])).toEqual(expected)
      expect(expected.filter(({ type }) => type === 'symlink')).toEqual([])
    }))
})

test.each([
  ['a loop', '.', 'leads to a directory that it lies in'],
  ['nothing', 'missing', 'no such file or directory'],
  ['itself', 'link', 'too many symbolic links encountered'],
])('a symlink to %s cannot be followed', (_, target, message) =>
  inFolder(async (folder) => {
    symlinkSync(target, join(folder, 'link'))
    const plan = { kind: 'directory' as const, path: folder, followSymlinks: true }
    const reading = collect(directoryEntries(plan, context(), await loadHostCalls()))
    await expect(reading).rejects.toThrow(message)
    await expect(reading).rejects.toMatchObject({ source: folder, entry: 'link' })
  }),
)

test('without koffi attributes are left out with a notice, or an error', () =>
  inFolder(async (folder) => {
    const findings: Finding[] = []
    const plan = { kind: 'directory' as const, path: folder }
    await collect(directoryEntries(plan, context(findings), undefined))
    expect(findings).toMatchObject([{ severity: 'notice', where: folder }])
    expect(findings[0].message).toContain('koffi')
    await collect(directoryEntries({ ...plan, xattrs: false }, context(findings), undefined))
    expect(findings.length).toBe(1)
    const needed = collect(directoryEntries({ ...plan, xattrs: true }, context(), undefined))
    await expect(needed).rejects.toThrow('"xattrs" needs Linux and the optional package koffi')
  }))

function context(findings: Finding[] = []) {
  return {
    onFinding: (finding: Finding) => void findings.push(finding),
    leavesOut: () => false,
    async *count(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
      yield* chunks
    },
  }
}
