/** An image with two partitions, and the built command reading it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildImage } from 'diskwright'
import { noise, text } from '../images/build.ts'
import { buildTar, type TarInput } from '../tar/build-tar.ts'

export const entries: TarInput[] = [
  { path: '', type: 'directory', mode: 0o755 },
  {
    path: 'bin/sh',
    type: 'file',
    content: text(300_000),
    mode: 0o4755,
    mtime: { sec: 1_600_000_000, nsec: 5 },
  },
  { path: 'bin/bash', type: 'hardlink', target: 'bin/sh' },
  { path: 'etc/passwd', type: 'file', content: 'root:x:0:0\n', uid: 1000, gid: 100, mode: 0o640 },
  { path: 'etc/a\nb\x1b[31m', type: 'file', content: 'odd\n' },
  { path: 'etc/\xff\xfe', type: 'file', content: 'bytes\n' },
  { path: 'etc/gr\xc3\xbc\xc3\x9fe', type: 'symlink', target: 'pass\x07wd', mode: 0o777 },
  { path: 'etc/link', type: 'symlink', target: 'passwd', mode: 0o777 },
  { path: 'dev/null', type: 'character', major: 1, minor: 3, mode: 0o666 },
  { path: 'dev/pipe', type: 'fifo', mode: 0o1600 },
  { path: 'home/me/noise', type: 'file', content: noise(2_500_000) },
  { path: 'home/sticky', type: 'directory', mode: 0o1777, mtime: { sec: -1, nsec: 0 } },
]

/** Builds NAME in the folder: partition 1 is FAT32, 2 BTRFS with a subvolume for /home. */
export async function buildReadable(
  folder: string,
  name: string,
  {
    inputs = entries,
    seed = 'test',
    label = 'ROOT',
  }: { inputs?: TarInput[]; seed?: string; label?: string } = {},
): Promise<string> {
  const boot: TarInput[] = [{ path: 'config.txt', type: 'file', content: 'arm_64bit=1\n' }]
  writeFileSync(join(folder, 'boot.tar'), buildTar(boot))
  writeFileSync(join(folder, 'root.tar'), buildTar(inputs))
  const image = join(folder, name)
  await buildImage(
    {
      seed,
      time: 1_700_000_000,
      table: { type: 'mbr' },
      partitions: [
        { type: 'fat32', size: '34MiB', label: 'BOOT', sources: [{ tar: join(folder, 'boot.tar') }] },
        {
          type: 'btrfs',
          size: 'fit',
          label,
          compression: 'zstd',
          subvolumes: [
            { name: '@', path: '/' },
            { name: '@home', path: '/home' },
          ],
          sources: [{ tar: join(folder, 'root.tar') }],
        },
      ],
    },
    { output: image, force: true },
  )
  return image
}
