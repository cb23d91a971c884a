import { describe, expect, test } from 'vitest'
import { resolvePlan } from '../../src/build/plan-image.ts'
import { minDeviceBytes } from '../../src/btrfs/write/fit.ts'
import { clusterCountOf, fatSizeRange } from '../../src/fat32/plan-geometry.ts'
import { SpecError, type SpecIssue } from '../../src/lib/errors.ts'
import { resolveBtrfsOptions, resolveFatOptions } from '../../src/spec/file-system-options.ts'
import type { BtrfsOptions } from '../../src/spec/btrfs-spec.ts'
import type { FatOptions } from '../../src/spec/fat32-spec.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'

const btrfs = (options: unknown) => resolveBtrfsOptions(options as BtrfsOptions, minDeviceBytes)
const SIZES = { range: fatSizeRange, clusters: clusterCountOf }
const fat = (type: FatOptions['type'], options: object) =>
  resolveFatOptions({ type, ...options } as FatOptions, SIZES)

function issuesOf(resolve: () => unknown): readonly SpecIssue[] {
  try {
    resolve()
  } catch (error) {
    if (error instanceof SpecError) return error.issues
    throw error
  }
  return []
}

/** The only partition of an image with these options. */
async function plannedPartition(spec: object, { seed, time }: Pick<ImageSpec, 'seed' | 'time'>) {
  const { partitions } = await resolvePlan({
    table: { type: 'mbr' },
    partitions: [spec],
    ...(seed !== undefined && { seed }),
    ...(time !== undefined && { time }),
  })
  return partitions[0]
}

const EVERYTHING = {
  label: 'data',
  uuid: '44444444-4444-4444-8888-88888888888A',
  slack: '64MiB',
  nodeSize: 32768,
  checksum: 'sha256',
  profiles: { metadata: 'single' },
  compression: 'zstd',
  dedupe: false,
  subvolumes: [
    { name: '@', path: '/' },
    { name: '@swap', path: '/swap' },
    { name: '@/snap', snapshotOf: '@' },
  ],
  paths: [{ glob: '/**/*.log', exclude: true }],
  swapfile: { path: '/swap/file', size: '1MiB' },
  links: { boot: '@' },
} as const

describe('the options of a BTRFS file system', () => {
  test('are completed as those of the first partition of an image', async () => {
    for (const seed of [undefined, 'another']) {
      for (const options of [{}, EVERYTHING, { size: '1GiB' }] as BtrfsOptions[]) {
        const about = { seed, time: '2024-05-01' } as const
        const planned = await plannedPartition({ type: 'btrfs', size: 'fit', ...options }, about)
        expect(planned).toMatchObject(btrfs({ ...options, ...about }))
      }
    }
  })

  test('leave time and seed open as well', () => {
    expect(btrfs({})).toMatchObject({ size: 'fit', time: { sec: 0, nsec: 0 } })
    expect(btrfs({})).toEqual(btrfs({ seed: 'diskwright' }))
    expect(btrfs({}).uuid).not.toBe(btrfs({ seed: 'other' }).uuid)
  })

  test.each<[string, object, SpecIssue[]]>([
    ['an unknown key', { lable: 'x' }, [{ path: 'lable', message: 'unknown key; did you mean "label"?' }]],
    ['a key of a partition', { bootable: true }, [{ path: 'bootable', message: 'unknown key' }]],
    ['sources', { sources: [] }, [{ path: 'sources', message: 'unknown key' }]],
    [
      'wrong values below keys',
      { subvolumes: [{ name: 'a//b' }, { name: 'c' }, { name: 'c', path: '/d' }], nodeSize: 5 },
      [
        { path: 'nodeSize', message: 'expected 4096, 8192, 16384, 32768 or 65536, found 5' },
        { path: 'subvolumes[0].name', message: expect.stringContaining('found "a//b"') as string },
        { path: 'subvolumes[2].name', message: 'is also subvolumes[1].name: names are unique' },
      ],
    ],
    [
      'keys that contradict each other',
      { size: '1GiB', slack: '1MiB', links: { 'a b': 'x' }, subvolumes: [{ name: 'a b' }] },
      [{ path: 'links["a b"]', message: 'is also the name of subvolumes[0]' }],
    ],
    [
      'a size that is too small',
      { size: '1MiB' },
      [
        {
          path: 'size',
          message: expect.stringMatching(/^BTRFS needs at least \d+ bytes.*, found \d+$/) as string,
        },
      ],
    ],
    [
      'a size in which nothing can be written',
      { size: '8MiB' },
      [
        {
          path: 'size',
          message: expect.stringMatching(/^BTRFS needs at least \d+.*"slack": 0 only$/) as string,
        },
      ],
    ],
    [
      'a size that leaves too little slack',
      { size: '64MiB', slack: '60MiB' },
      [{ path: 'size', message: expect.stringMatching(/^BTRFS needs at least \d+/) as string }],
    ],
    [
      'a size that is no whole sectors',
      { size: 2 ** 30 + 512 },
      [{ path: 'size', message: 'must be a multiple of 4096 bytes, but is 1073742336' }],
    ],
    ['no options', [], [{ path: '', message: 'expected an object, found an array' }]],
  ])('an error for %s', (_, options, issues) => {
    expect(issuesOf(() => btrfs(options))).toEqual(issues)
  })
})

describe('the options of a FAT file system', () => {
  test('are completed as those of the first partition of an image', async () => {
    const everything = {
      ...{ label: 'BOOT', volumeId: '1234-ABCD', slack: '1MiB', clusterSize: '1KiB', sectorSize: 1024 },
      ...{ reservedSectors: 64, hiddenSectors: 7, fats: 1, codePage: 850, media: '0xf0', oemName: 'A B' },
      ...{ driveNumber: 0x81, symlinks: 'follow' },
    }
    const about = { seed: 'x', time: 5 }
    for (const [type, size] of [
      ['fat12', '8MiB'],
      ['fat16', '16MiB'],
      ['fat32', '64MiB'],
    ] as const) {
      for (const options of [{ size }, { size: 'fit', ...everything }]) {
        const planned = await plannedPartition({ type, ...options }, about)
        expect(planned).toMatchObject(fat(type, { ...options, ...about }))
      }
    }
  })

  test.each<[string, object, SpecIssue[]]>([
    ['no size', {}, [{ path: 'size', message: expect.stringMatching(/^is missing/) as string }]],
    [
      'a label',
      { size: '64MiB', label: 'a.b' },
      [{ path: 'label', message: expect.stringContaining('a FAT label') as string }],
    ],
    ['firmware', { size: '64MiB', firmware: {} }, [{ path: 'firmware', message: 'unknown key' }]],
    [
      'a size that is too small',
      { size: 512 },
      [{ path: 'size', message: expect.stringMatching(/^FAT32 needs at least \d+ bytes/) as string }],
    ],
    [
      'half a sector',
      { size: 2 ** 26 + 256 },
      [{ path: 'size', message: 'must be a multiple of 512 bytes, but is 67109120' }],
    ],
  ])('an error for %s', (_, options, issues) => {
    expect(issuesOf(() => fat('fat32', options))).toEqual(issues)
  })
})
