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

const BOOT: Entry[] = [
  { path: '/extlinux', type: 'symlink', target: 'boot/extlinux' },
  {
    path: '/boot/extlinux/extlinux.conf',
    type: 'file',
    content: 'LABEL x\n  LINUX /Image\n  FDTDIR /dtbs\n',
  },
  { path: '/boot/Image', type: 'file', content: 'kernel' },
  { path: '/Image', type: 'symlink', target: '/boot/Image' },
  { path: '/boot/dtbs/a.dtb', type: 'file', content: 'tree' },
  { path: '/dtbs', type: 'symlink', target: 'boot/dtbs' },
]

async function namesIn(path: string): Promise<string[]> {
  const image = await openImage(join(folder, 'disk.img'))
  try {
    const fileSystem = await image.partitions[0].fileSystem()
    return (await fileSystem!.readdir(path)).map(({ name }) => name).sort()
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
      paths: [
        { path: '/extlinux/extlinux.conf', exclude: true },
        { glob: '/boot/**', exclude: false },
      ],
      sources: [{ entries: BOOT }],
    })
    await expect(attempt).rejects.toThrow(/extlinux\.conf/)
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

  test('has no symlinks unless the description says what becomes of them', async () => {
    await expect(build({ sources: [{ entries: BOOT }] })).rejects.toThrow(
      'partitions[0].sources[0]: entry "extlinux": is a symlink, which FAT32 cannot hold',
    )
    expect((await planImage(spec({}))).partitions).toMatchObject([{ symlinks: 'error', rules: [] }])
  })
})
