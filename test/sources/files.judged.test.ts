/** Files that stand in a description. */
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buildImage, type FileSpec } from '../../src/index.ts'
import { inFolder } from '../images/build.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { mtoolsCopyAll } from '../judges/mtools.ts'
import { extractPartition } from '../judges/partition.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { imageOf, mountedSources } from './mounted-source.ts'

const FILES: Record<string, FileSpec> = {
  '/etc/hostname': 'größe\n',
  '/root/.ssh': { type: 'directory', mode: '0700' },
  '/root/.ssh/authorized_keys': { from: 'key.pub', mode: '0600' },
  '/usr/bin/tool': { from: 'tool', uid: 5, gid: 6, mtime: '2020-01-01' },
  '/usr/bin/alias': { type: 'hardlink', target: '/usr/bin/tool' },
  '/bin': { type: 'symlink', target: 'usr/bin' },
  '/bytes': { content: { base64: 'AP+A' }, xattrs: { 'user.a': 'text', 'user.b': { base64: '/w==' } } },
  '/empty': {},
  '/dev/console': { type: 'character', major: 5, minor: 1, mode: '0600' },
  '/dev/sda': { type: 'block', major: 8, minor: 0 },
  '/run/fifo': { type: 'fifo', mode: '0622' },
}

const inPlace = (work: (folder: string) => Promise<void>) =>
  inFolder(async (folder) => {
    writeFileSync(join(folder, 'key.pub'), 'ssh-ed25519 AAAA me\n')
    writeFileSync(join(folder, 'tool'), '#!/bin/sh\n')
    chmodSync(join(folder, 'tool'), 0o711)
    await work(folder)
  })

describe('files of a description', () => {
  test.skipIf(!canJudgeWithKernel())('are on BTRFS as they would be from a tar archive of the same', () =>
    inPlace(async (folder) => {
      const script = `
        umask 022; mkdir t && cd t && mkdir -p etc root usr/bin dev run && mkdir -m 700 root/.ssh
        printf 'größe\\n' > etc/hostname && install -m 600 ../key.pub root/.ssh/authorized_keys
        install -m 755 ../tool usr/bin/tool && chown 5:6 usr/bin/tool && ln usr/bin/tool usr/bin/alias
        ln -s usr/bin bin && printf '\\000\\377\\200' > bytes && setfattr -n user.a -v text bytes
        setfattr -n user.b -v 0xff bytes && touch empty && mknod -m 600 dev/console c 5 1 && mknod -m 644 dev/sda b 8 0
        mkfifo -m 622 run/fifo && find . -exec touch -hd @0 {} + && touch -d '2020-01-01 UTC' usr/bin/tool
        tar --xattrs --numeric-owner --sort=name --format=posix -cf ../t.tar .`
      await mustRun('bash', ['-ec', `cd ${folder}; ${script}`])
      expect(await mountedSources(folder, [{ files: FILES }])).toEqual(
        await mountedSources(folder, [{ tar: 't.tar' }]),
      )
    }),
  )

  test.skipIf(!requireJudge('mcopy'))('are on FAT32', () =>
    inPlace(async (folder) => {
      const files: Record<string, FileSpec> = {
        '/config.txt': 'arm_64bit=1\n',
        '/user-data': { from: 'key.pub' },
        '/ssh': '',
        '/overlays/x.dtbo': { content: { base64: 'AP+A' } },
      }
      const spec = {
        ...imageOf([]),
        partitions: [{ type: 'fat32' as const, size: '40MiB', sources: [{ files }] }],
      }
      const output = join(folder, 'fat.img')
      const { partitions } = await buildImage(spec, { output, baseDirectory: folder, workers: 0 })
      await extractPartition(output, partitions[0], join(folder, 'volume'))
      mkdirSync(join(folder, 'copied'))
      await mtoolsCopyAll(join(folder, 'volume'), join(folder, 'copied'))
      const contentOf = (name: string) => readFileSync(join(folder, 'copied', name)).toString('latin1')
      expect(['config.txt', 'user-data', 'ssh', 'overlays/x.dtbo'].map(contentOf)).toEqual([
        'arm_64bit=1\n',
        'ssh-ed25519 AAAA me\n',
        '',
        '\0\xff\x80',
      ])
    }),
  )

  test('do not depend on times of this machine, nor on its umask', () =>
    inPlace(async (folder) => {
      const digest = async (name: string) => {
        const output = join(folder, name)
        await buildImage(imageOf([{ files: FILES }]), { output, baseDirectory: folder, workers: 0 })
        return createHash('sha256').update(readFileSync(output)).digest('hex')
      }
      const before = await digest('a.img')
      writeFileSync(join(folder, 'key.pub'), readFileSync(join(folder, 'key.pub')))
      chmodSync(join(folder, 'tool'), 0o775)
      expect(await digest('b.img')).toBe(before)
    }))

  test.each<[string, FileSpec, RegExp]>([
    [
      'a file that is missing',
      { from: 'missing' },
      /sources\[0\]\.files: entry "x": no such file or directory/,
    ],
    ['a folder as a file', { from: '.' }, /expected a file$/],
    ['an attribute that nothing serves', { xattrs: { 'foo.bar': 'x' } }, /BTRFS has none of this name/],
    ['a hard link to nothing', { type: 'hardlink', target: '/y' }, /hard link's target "y" does not exist/],
  ])('%s is an error', (_, file, message) =>
    inPlace(async (folder) => {
      const building = buildImage(imageOf([{ files: { '/x': file } }]), {
        output: join(folder, 'x.img'),
        baseDirectory: folder,
        workers: 0,
      })
      await expect(building).rejects.toThrow(message)
    }),
  )
})
