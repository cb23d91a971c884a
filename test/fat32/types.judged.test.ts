/** FAT12, FAT16 and FAT32 with every size of clusters and sectors, read by everybody who can. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FatType } from '../../src/fat32/format.ts'
import { clusterSizeOf } from '../../src/fat32/geometry.ts'
import { fatSizeRange } from '../../src/fat32/plan-geometry.ts'
import { readFatVolume } from '../../src/fat32/read/reader.ts'
import { DoesNotFitError, InputError } from '../../src/lib/errors.ts'
import { driveSync } from '../../src/lib/read-routine.ts'
import { fsckFat, fsckFatRemarks } from '../judges/fsck-fat.ts'
import { mtool } from '../judges/mkfs-fat.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { content, copiedBack, judge, sorted } from './judge.ts'
import { directory, faultsOf, file, MIB, planOf, request, sourceOf, withVolume } from './volume.ts'

const hasMtools = requireJudge('mcopy')
const hasFsck = requireJudge('fsck.fat')
const TYPES = ['fat12', 'fat16', 'fat32'] as const
const SECTOR_SIZES = [512, 1024, 2048, 4096] as const

const FILES = [
  file('config.txt', 'arm_64bit=1\n'),
  file('kernel8.img', content(1_200_000, 1)),
  file('empty', ''),
  directory('overlays'),
  ...Array.from({ length: 60 }, (_, i) =>
    file(`overlays/A long name of number ${i}.dtbo`, content(i * 97, i)),
  ),
  file('a/b/c/d.txt', content(70_000, 2)),
]

/** Every cluster size that a type can have with a sector size. */
const SHAPES = TYPES.flatMap((type) =>
  SECTOR_SIZES.flatMap((sectorSize) =>
    [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]
      .filter((clusterSize) => clusterSize >= sectorSize)
      .map((clusterSize) => ({ type, sectorSize, clusterSize })),
  ),
)

describe('a volume', () => {
  it.each(SHAPES)(
    '$type, sectors of $sectorSize and clusters of $clusterSize bytes',
    async ({ type, ...shape }) => {
      const { least, largest } = fatSizeRange({ type, ...shape })
      const size = Math.min(Math.max(least, 8 * MIB), largest)
      await judge(request(FILES, { type, ...shape, size }))
    },
  )

  it('may have one FAT, many reserved sectors, another media byte and a small root directory', async () => {
    for (const type of TYPES) {
      const asked = { type, fats: 1, reservedSectors: 77, media: 0xf0, oemName: 'DISKWR', rootEntries: 16 }
      // Of the root directory's records, `a`, `empty` and others take one each.
      await judge(request(FILES, { ...asked, size: type === 'fat12' ? 4 * MIB : 40 * MIB }))
    }
  })

  it('is what libblkid and file(1) take it for', async (test) => {
    if (!requireJudge('blkid') || !requireJudge('file')) test.skip()
    for (const type of TYPES) {
      const title = type.toUpperCase()
      await withVolume(request([], { type, size: 'fit', label: 'FIRMWARE' }), async (image) => {
        const { stdout } = await mustRun('blkid', ['-p', '-o', 'export', image.path])
        expect(stdout.split('\n')).toEqual(
          expect.arrayContaining(
            [
              ...[
                'LABEL=FIRMWARE',
                'LABEL_FATBOOT=FIRMWARE',
                'UUID=2178-694E',
                `VERSION=${title}`,
                'TYPE=vfat',
              ],
              `SEC_TYPE=msdos`,
            ].filter((line) => type !== 'fat32' || line !== 'SEC_TYPE=msdos'),
          ),
        )
        const { stdout: said } = await mustRun('file', ['-b', image.path])
        expect(said).toMatch(/^DOS\/MBR boot sector/)
        expect(said).toContain('label: "FIRMWARE   "')
        expect(said).toContain(type === 'fat32' ? 'FAT (32 bit)' : `FAT (${type.slice(3)} bit)`)
      })
    }
  })
})

describe.skipIf(!hasMtools || !hasFsck)('a size that fits', () => {
  const slack = 300_000

  it.each(SHAPES.filter(({ clusterSize, type }) => type !== 'fat32' || clusterSize <= 4096))(
    'leaves room for as much as is asked for: $type, sectors of $sectorSize, clusters of $clusterSize bytes',
    async ({ type, ...shape }) => {
      const asked = request(FILES, { type, ...shape, size: 'fit', slack })
      await withVolume(asked, async (image) => {
        const folder = mkdtempSync(join(tmpdir(), 'diskwright-'))
        try {
          const more = join(folder, 'one more file, with a name that is so long that it needs many records')
          writeFileSync(more, content(slack, 9))
          await mtool(image.path, 'mcopy', more, '::')
        } finally {
          rmSync(folder, { recursive: true })
        }
        expect(await fsckFatRemarks(image.path)).toEqual([])
        expect(faultsOf(image)).toEqual([])
      })
    },
  )

  it('is as small as the content allows, of random trees', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 30 })
    const types = fc.constantFrom<FatType>('fat12', 'fat16', 'fat32')
    await fc.assert(
      fc.asyncProperty(types, fc.constantFrom(512, 4096), sizes, async (type, sectorSize, lengths) => {
        const entries = lengths.map((length, i) => file(`d${i % 3}/file ${i}`, content(length, i)))
        const asked = request(entries, { type, sectorSize, size: 'fit' })
        const { geometry, nextFree } = await planOf(asked)
        const size = geometry.totalSectors * sectorSize
        const clusterSize = clusterSizeOf(geometry)
        const isLeast = size === fatSizeRange({ type, sectorSize, clusterSize }).least
        if (!isLeast) expect(nextFree).toBe(2 + geometry.clusters)
        const smaller = planOf({ ...asked, clusterSize, size: size - sectorSize })
        await expect(smaller).rejects.toBeInstanceOf(DoesNotFitError)
        await judge(asked)
      }),
      { numRuns: 40 },
    )
  })

  it('has an end', async () => {
    const entries = Array.from({ length: 3 }, (_, i) => file(`${i}`, '', { size: 100 * MIB }))
    await expect(planOf(request(entries, { type: 'fat12', size: 'fit' }))).rejects.toThrow(
      'the content of the FAT12 file system, up to a.tar: entry "2", does not fit: 314572800 bytes needed',
    )
    const copies = { type: 'fat16', size: 'fit', clusterSize: 512 } as const
    const small = entries.map(({ path }) => file(path as string, '', { size: 20 * MIB }))
    await expect(planOf(request(small, copies))).rejects.toThrow(DoesNotFitError)
  })
})

describe('slack', () => {
  it('is demanded of a given size, too', async () => {
    const asked = request([file('a', content(MIB, 1))], { type: 'fat16', size: 16 * MIB })
    const { geometry, nextFree } = await planOf({ ...asked, slack: 14 * MIB })
    expect((2 + geometry.clusters - nextFree) * clusterSizeOf(geometry)).toBeGreaterThanOrEqual(14 * MIB)
    await expect(planOf({ ...asked, slack: 15 * MIB })).rejects.toThrow(
      'the content of the FAT16 file system, with 15728640 bytes of slack, does not fit',
    )
  })
})

describe('a root directory that is full', () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => file(`F${i}`, 'x'))

  it('is an error that names the first entry without room', async () => {
    for (const type of ['fat12', 'fat16'] as const) {
      const asked = { type, size: 'fit', rootEntries: 16 } as const
      // The label takes one.
      await judge(request(names(15), asked))
      const attempt = planOf(request([...names(15), file('LAST', 'x')], asked))
      await expect(attempt).rejects.toBeInstanceOf(InputError)
      await expect(attempt).rejects.toThrow(
        'a.tar: entry "LAST" at offset 512: does not fit into the root directory, which has 16 records in this ' +
          `${type.toUpperCase()} and needs 17, several for a long name; "rootEntries" makes it larger`,
      )
      const directories = planOf(request([...names(14), directory('a longer name')], asked))
      await expect(directories).rejects.toThrow(
        'entry "a longer name" at offset 512: does not fit into the root',
      )
    }
  })

  it('is none in FAT32, nor in a directory', async () => {
    await judge(request(names(600), { size: 'fit' }))
    await judge(
      request(
        names(600).map(({ path, ...rest }) => ({ ...rest, path: `d/${path as string}` as never })),
        { type: 'fat16', size: 'fit' },
      ),
    )
  })
})

describe.skipIf(!hasMtools || !hasFsck)('a code page', () => {
  const names = [
    'Ärger.txt',
    'ÄRGER',
    'é',
    'straße.cfg',
    'grüße an alle.txt',
    'ÿ.x',
    '漢字',
    'Õ.BIN',
    'Øl',
    'ğ',
  ]
  const shorts = (codePage: 437 | 850 | undefined) =>
    withVolume(
      request(
        names.map((name) => file(name, name)),
        { codePage },
      ),
      async (image) => {
        await fsckFat(image.path)
        expect(faultsOf(image)).toEqual([])
        const source = sourceOf(image)
        const reader = driveSync(source, readFatVolume())
        const found: string[] = []
        for (const entry of driveSync(source, reader.list(reader.root))) {
          const record = driveSync(source, reader.entry(entry))!
          found.push(Buffer.from(record.name).toString('latin1').replace(/ +$/, ''))
        }
        expect(sorted(await copiedBack(image)).map(([name]) => name)).toEqual([...names].sort())
        return found
      },
    )

  it('is that of short names', async () => {
    const ascii = [
      '_RGER~1 TXT',
      '_RGER~1',
      '_~1',
      'STRA_E~1CFG',
      'GR__EA~1TXT',
      '_~1     X',
      '__~1',
      '_~1     BIN',
      '_L~1',
      '_~2',
    ]
    expect(await shorts(undefined)).toEqual(ascii)
    expect(await shorts(437)).toEqual([
      ...['\x8eRGER   TXT', '\x8eRGER', '\x90', 'STRA\xe1E  CFG', 'GR\x9a\xe1EA~1TXT', '_~1     X', '__~1'],
      ...['_~1     BIN', '_L~1', '_~1'],
    ])
    expect(await shorts(850)).toEqual([
      ...['\x8eRGER   TXT', '\x8eRGER', '\x90', 'STRA\xe1E  CFG', 'GR\x9a\xe1EA~1TXT', '_~1     X', '__~1'],
      // 0xe5 would mark a deleted entry.
      ...['\x05       BIN', '\x9dL', '_~1'],
    ])
  })
})
