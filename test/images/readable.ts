/** An image with two file systems and something of everything in them, for tests that read images. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildImage } from 'diskwright'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import { fromText } from '../../src/lib/byte-string.ts'
import { buildTar, type TarInput } from '../tar/build-tar.ts'
import { noise, text } from './build.ts'

const MIB = 1 << 20

export const BIG_FILE = noise(9 * MIB + 77, 5)
export const TEXT_FILE = text(700_001)
export const NOT_UTF8 = 'caf\xe9'

const ENTRIES: TarInput[] = [
  { path: '', type: 'directory', mtime: { sec: 1, nsec: 5 } },
  { path: 'etc', type: 'directory', mode: 0o750, uid: 1, gid: 2 },
  { path: 'etc/hostname', type: 'file', content: 'disk\n', mode: 0o640, mtime: { sec: -5, nsec: 123456789 } },
  { path: 'etc/big', type: 'file', content: BIG_FILE, xattrs: [{ name: 'user.note', value: noise(10) }] },
  { path: 'etc/text', type: 'file', content: TEXT_FILE },
  {
    path: 'etc/xattrs',
    type: 'file',
    xattrs: [
      { name: 'user.a', value: noise(1000) },
      { name: 'user.b', value: noise(3900) },
      { name: 'user.c', value: noise(100) },
    ],
  },
  { path: 'etc/again', type: 'hardlink', target: 'etc/hostname' },
  {
    path: 'etc/sparse',
    type: 'file',
    content: Buffer.concat([text(4096), new Uint8Array(3 * MIB), text(4096, 2), new Uint8Array(MIB)]),
    sparse: '1.0',
  },
  { path: fromText('etc/größe'), type: 'file', content: 'umlaut\n' },
  { path: `etc/${NOT_UTF8}`, type: 'file', content: 'latin\n' },
  { path: 'etc/line\nend', type: 'file', content: 'odd\n' },
  { path: 'home/user/note', type: 'file', content: 'note\n' },
  { path: 'link', type: 'symlink', target: 'etc/hostname' },
  { path: 'absolute', type: 'symlink', target: '/etc' },
  { path: 'home/up', type: 'symlink', target: '../../../../etc/hostname' },
  { path: 'dangling', type: 'symlink', target: 'etc/missing' },
  { path: 'loop', type: 'symlink', target: 'loop' },
  { path: 'dev/null', type: 'character', major: 1, minor: 3 },
  { path: 'dev/sda', type: 'block', major: 8, minor: 0x12345 },
  { path: 'run/pipe', type: 'fifo' },
]

/** The description of the image; its sources are put into the folder. */
export function readableImage(folder: string): ImageSpec {
  mkdirSync(join(folder, 'firmware/overlays'), { recursive: true })
  writeFileSync(join(folder, 'firmware/config.txt'), 'arm_64bit=1\n')
  writeFileSync(join(folder, 'firmware/overlays/a longer name.dtbo'), noise(5000))
  writeFileSync(join(folder, 'firmware/kernel8.img'), noise(2 * MIB + 3, 7))
  writeFileSync(join(folder, 'root.tar'), buildTar(ENTRIES))
  return {
    seed: 'readable',
    table: { type: 'mbr', diskId: '0x12345678' },
    partitions: [
      {
        type: 'fat32',
        label: 'FIRMWARE',
        size: '64MiB',
        sources: [{ directory: 'firmware' }],
      },
      {
        type: 'btrfs',
        label: 'ROOT',
        uuid: '44444444-4444-4444-8888-888888888889',
        bootable: true,
        size: 'fit',
        compression: 'zstd:3',
        subvolumes: [
          { name: '@', path: '/' },
          { name: '@home', path: '/home' },
        ],
        sources: [{ tar: 'root.tar' }],
      },
    ],
  }
}

/** Builds it as `disk.img` and `disk.img.zst`. */
export async function buildReadable(folder: string): Promise<{ raw: string; zstd: string }> {
  const spec = readableImage(folder)
  const [raw, zstd] = [join(folder, 'disk.img'), join(folder, 'disk.img.zst')]
  for (const output of [raw, zstd]) await buildImage(spec, { output, baseDirectory: folder })
  return { raw, zstd }
}
