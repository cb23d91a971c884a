/** Rules and followed symlinks of a FAT32 partition, from the description to the result. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  buildImage,
  openImage,
  planImage,
  type Entry,
  type Fat32Spec,
  type ImageSpec,
} from '../../src/index.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fat32-rules-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const spec = (partition: Omit<Fat32Spec, 'type' | 'size'>): ImageSpec => ({
  table: { type: 'mbr' },
  uboot: { version: '2025.01' },
  partitions: [{ type: 'fat32', size: '40MiB', bootable: true, ...partition }],
})

const build = (partition: Omit<Fat32Spec, 'type' | 'size'>) =>
  buildImage(spec(partition), { output: join(folder, 'disk.img'), force: true, workers: 0 })

/** As U-Boot checks it. */
const KERNEL = new Uint8Array(100)
KERNEL.set(new TextEncoder().encode('ARM\x64'), 56)

const BOOT: Entry[] = [
  { path: '/extlinux', type: 'symlink', target: 'boot/extlinux' },
  {
    path: '/boot/extlinux/extlinux.conf',
    type: 'file',
    content: 'LABEL x\n  LINUX /Image\n  FDTDIR /dtbs\n',
  },
  { path: '/boot/Image', type: 'file', content: KERNEL },
  { path: '/Image', type: 'symlink', target: '/boot/Image' },
  { path: '/boot/dtbs/a.dtb', type: 'file', content: 'tree' },
  { path: '/dtbs', type: 'symlink', target: 'boot/dtbs' },
]

async function namesIn(path: string): Promise<string[]> {
  const image = await openImage(join(folder, 'disk.img'))
  try {
    const fileSystem = await image.partition(1).open()
    return (await fileSystem.list(path)).map(({ name }) => name).sort()
  } finally {
    await image.close()
  }
}

describe('a FAT32 partition', () => {
  test('boots from copies of what symlinks lead to, under names of another case', async () => {
    const { findings, partitions } = await build({
      symlinks: 'follow',
      paths: [
        { path: '/extlinux', case: 'upper' },
        { path: '/Image', case: 'lower' },
        { path: '/boot/dtbs', flags: ['hidden'] },
      ],
      sources: [{ entries: BOOT }],
    })
    expect(findings).toEqual([])
    expect(partitions).toMatchObject([{ type: 'fat32', files: 6, directories: 6 }])
    expect(await namesIn('/')).toEqual(['EXTLINUX', 'boot', 'dtbs', 'image'])
    expect(await namesIn('/EXTLINUX')).toEqual(['EXTLINUX.CONF'])
  })

  test('does not boot without what a rule leaves out of a copy', async () => {
    const attempt = build({
      symlinks: 'follow',
      paths: [{ path: '/Image', exclude: true }],
      sources: [{ entries: BOOT }],
    })
    await expect(attempt).rejects.toThrow('/Image is not there')
  })

  test('has a notice for a rule that matches nothing, and an error for a path that is not there', async () => {
    const sources = [{ entries: BOOT }]
    const { findings } = await build({
      ...{ symlinks: 'follow', sources },
      paths: [{ glob: '/*.txt', case: 'upper' }, { path: '/boot' }, { path: '/none', exclude: true }],
    })
    expect(findings).toEqual(
      [0, 2].map((i) => ({
        severity: 'notice',
        where: `partitions[0].paths[${i}]`,
        message: 'matches nothing in the sources',
      })),
    )
    await expect(
      build({ symlinks: 'follow', sources, paths: [{ path: '/none', flags: ['system'] }] }),
    ).rejects.toThrow('partitions[0].paths[0]: entry "/none": no source has an entry at this path')
  })

  test('leaves out what it cannot hold where that is asked for, after the rules, and says so', async () => {
    const unsupported = 'drop'
    const entries: Entry[] = [
      ...BOOT,
      { path: '/boot/nowhere', type: 'symlink', target: '../gone' },
      { path: '/copy', type: 'symlink', target: 'boot' },
      { path: '/fifo', type: 'fifo' },
      { path: '/fifo2', type: 'hardlink', target: '/fifo' },
      { path: '/replaced', type: 'socket' },
      { path: '/replaced', type: 'file', content: 'x', uid: 7, xattrs: { 'user.x': 'y' } },
      { path: '/dev/tty', type: 'character', major: 5, minor: 0 },
      { path: '/dev/sda', type: 'block', major: 8, minor: 0 },
    ]
    const { findings, partitions } = await build({
      ...{ symlinks: 'follow', sources: [{ entries, unsupported }] },
      paths: [{ path: '/dev/sda', exclude: true }],
    })
    expect(partitions).toMatchObject([{ dropped: { entries: 4, xattrs: 0, acls: 0, flags: 0 } }])
    expect(findings.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      'notice: left out what FAT cannot hold: 4 entries; the first is the fifo "fifo"',
    ])
    expect(await namesIn('/')).toEqual(['Image', 'boot', 'copy', 'dev', 'dtbs', 'extlinux', 'replaced'])
    expect(await namesIn('/copy')).toEqual(['Image', 'dtbs', 'extlinux'])
    expect(await namesIn('/dev')).toEqual([])
    // Names that FAT32 does not have, and all below them; the later one of two that are the same to it.
    const names: Entry[] = [
      { path: '/ok', type: 'file', content: 'ok' },
      { path: '/OK', type: 'file', content: 'other' },
      { path: '/a:b', type: 'directory' },
      { path: '/a:b/x/y', type: 'file', content: 'y' },
      { path: `/${'n'.repeat(254)}.`, type: 'file' },
      { path: '/d', type: 'directory' },
      { path: '/D/z', type: 'file' },
    ]
    const named = await build({
      ...{ symlinks: 'follow', sources: [{ entries: BOOT }, { entries: names, unsupported }] },
    })
    expect(await namesIn('/')).toEqual(['Image', 'boot', 'd', 'dtbs', 'extlinux', 'ok'])
    expect(named.partitions).toMatchObject([{ dropped: { entries: 7 } }])
    expect(named.findings.map(({ message }) => message)).toEqual([
      'left out what FAT cannot hold: 7 entries; the first is the file "OK"',
    ])
    const below = { path: '/a:b/strict', type: 'file' } as const
    await expect(build({ sources: [{ entries: names, unsupported }, { entries: [below] }] })).rejects.toThrow(
      'partitions[0].sources[1]: entry "a:b/strict": its name "a:b" contains ":"',
    )
    // One source may, the other may not.
    await expect(
      build({ sources: [{ entries: [], unsupported }, { entries: [{ path: '/fifo', type: 'fifo' }] }] }),
    ).rejects.toThrow('partitions[0].sources[1]: entry "fifo": is a fifo, which FAT cannot hold')
  })

  test('has no symlinks unless the description says what becomes of them', async () => {
    await expect(build({ sources: [{ entries: BOOT }] })).rejects.toThrow(
      'partitions[0].sources[0]: entry "extlinux": is a symlink, which FAT cannot hold',
    )
    expect((await planImage(spec({}))).partitions).toMatchObject([{ symlinks: 'error', rules: [] }])
  })
})
