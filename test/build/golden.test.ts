/**
 * The bytes of images are part of what a version promises. Here are some small images and the SHA-256 that they had when
 * they were recorded.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildImage } from 'diskwright'
import { describe, expect, test } from 'vitest'
import { inFolder, noise, text } from '../images/build.ts'
import { buildTar, type TarInput } from '../tar/build-tar.ts'
import type { ImageSpec, PartitionSpec } from '../../src/spec/image-spec.ts'

const RECORD = join(import.meta.dirname, 'golden.json')
const recording = process.env.RECORD_GOLDEN === '1'
const WORKERS = [0, 1, 3]

const HELP =
  'The bytes of this image are not those that were recorded. If that is what you want, it is a deliberate act: ' +
  'say so in CHANGELOG.md, and record anew with RECORD_GOLDEN=1 npx vitest run test/build/golden.test.ts'

const time = { sec: 1_700_000_000, nsec: 123_456_789 }
const ROOT: TarInput[] = [
  { path: 'etc/hostname', type: 'file', content: 'golden\n', mtime: time },
  { path: 'etc/motd', type: 'file', content: text(5000), uid: 1000, gid: 100, mode: 0o600 },
  { path: 'bin/tool', type: 'file', content: noise(300_001), mode: 0o4755, mtime: time },
  { path: 'bin/again', type: 'hardlink', target: 'bin/tool' },
  { path: 'bin/copy', type: 'file', content: noise(300_001), xattrs: [{ name: 'user.a', value: noise(20) }] },
  { path: 'lib/text', type: 'file', content: text(400_000) },
  { path: 'lib/sparse', type: 'file', content: new Uint8Array([...new Uint8Array(200_000), 1, 2, 3]) },
  { path: 'lib/link', type: 'symlink', target: '../bin/tool' },
  { path: 'dev/null', type: 'character', major: 1, minor: 3 },
  { path: 'run/fifo', type: 'fifo' },
  { path: 'gr\xc3\xbc\xc3\x9fe \xff', type: 'directory', mode: 0o1777 },
  { path: 'boot/Image', type: 'file', content: noise(150_000, 2) },
  ...Array.from({ length: 200 }, (_, i): TarInput => ({
    path: `many/${i}`,
    type: 'file',
    content: text(90, i),
  })),
]
const FIRMWARE: TarInput[] = [
  { path: 'config.txt', type: 'file', content: 'arm_64bit=1\n', mtime: time },
  { path: 'overlays/a rather long name.dtbo', type: 'file', content: noise(20_000, 3) },
]

const sources = [{ tar: 'root.tar' }]
const table = { type: 'mbr' } as const
const fat32: PartitionSpec = {
  type: 'fat32',
  size: '40MiB',
  label: 'FIRMWARE',
  sources: [{ tar: 'firmware.tar' }],
}
const subvolumes = [
  { name: '@', path: '/' },
  { name: '@boot', path: '/boot', nodatacow: true },
]

const IMAGES: Record<string, ImageSpec> = {
  'btrfs as it is by default': {
    seed: 'golden',
    table,
    partitions: [{ type: 'btrfs', size: 'fit', sources }],
  },
  'btrfs with subvolumes, compressed': {
    seed: 'golden',
    time: '2024-01-02T03:04:05Z',
    table,
    partitions: [
      {
        type: 'btrfs',
        size: 'fit',
        slack: 0,
        compression: 'zstd:3',
        subvolumes,
        links: { boot: '@boot' },
        sources,
      },
    ],
  },
  'btrfs of small nodes and single copies': {
    seed: 'golden',
    table,
    partitions: [
      {
        type: 'btrfs',
        size: '32MiB',
        nodeSize: 4096,
        profiles: { system: 'single', metadata: 'single' },
        dedupe: false,
        compression: 'zstd:15',
        paths: [{ path: '/lib', nodatacow: true }],
        sources,
      },
    ],
  },
  'fat32 and btrfs': {
    seed: 'golden',
    table: { type: 'mbr', diskId: '0x12345678' },
    partitions: [
      fat32,
      { type: 'btrfs', size: 'fit', slack: 0, label: 'root', compression: 'zstd', subvolumes, sources },
    ],
  },
}

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

describe('golden images', () => {
  const recorded = recording ? {} : (JSON.parse(readFileSync(RECORD, 'utf8')) as Record<string, string>)
  const cases = Object.keys(IMAGES).flatMap((name) => ['img', 'img.zst'].map((form) => `${name}, .${form}`))

  test.each(cases)('%s', (name) =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'root.tar'), buildTar(ROOT))
      writeFileSync(join(folder, 'firmware.tar'), buildTar(FIRMWARE))
      const [described, form] = name.split(', .')
      for (const workers of WORKERS) {
        const output = join(folder, `${workers}.${form}`)
        await buildImage(IMAGES[described], { output, baseDirectory: folder, workers })
        const found = sha256(output)
        if (recording) recorded[name] ??= found
        expect(found, `${HELP} (${workers} workers)`).toBe(recorded[name])
      }
    }),
  )

  test('nothing else is recorded', () => {
    if (recording) writeFileSync(RECORD, `${JSON.stringify(recorded, undefined, 2)}\n`)
    expect(Object.keys(recorded)).toEqual(cases)
  })
})
