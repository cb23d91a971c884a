/** Random trees on volumes of random shapes, read by everybody who can. */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { fatSizeRange } from '../../src/fat32/plan-geometry.ts'
import { content, judge } from './judge.ts'
import { file, MIB, request, type FileEntry } from './volume.ts'

const shapes = fc
  .record({
    type: fc.constantFrom('fat12', 'fat16', 'fat32'),
    sectorSize: fc.constantFrom(512, 512, 1024, 2048, 4096),
    cluster: fc.option(fc.integer({ min: 9, max: 14 }), { nil: undefined }),
    clusterTable: fc.constantFrom('mkfs.fat', 'windows'),
    reservedSectors: fc.option(fc.integer({ min: 8, max: 200 }), { nil: undefined }),
    fats: fc.constantFrom(1, 2),
    rootSectors: fc.integer({ min: 20, max: 60 }),
    media: fc.constantFrom(undefined, 0xf0, 0xf8, 0xfd),
    codePage: fc.constantFrom(undefined, 437, 850),
    hiddenSectors: fc.nat(999_999_999),
    label: fc.constantFrom('', 'BOOT', 'no 11 chars'),
    oemName: fc.constantFrom(undefined, 'BSD  4.4', ''),
    isFitting: fc.boolean(),
    slack: fc.nat(100_000),
  })
  .map(({ cluster, rootSectors, isFitting, ...rest }) => {
    const { type, sectorSize } = rest
    const clusterSize = cluster === undefined ? undefined : Math.max(sectorSize, 2 ** cluster)
    const rootEntries = type === 'fat32' ? undefined : (rootSectors * sectorSize) / 32
    const shape = { ...rest, clusterSize, rootEntries }
    const { least, largest } = fatSizeRange(shape)
    return { ...shape, size: isFitting ? ('fit' as const) : Math.min(Math.max(least, 4 * MIB), largest) }
  })

/** Names of all kinds, with files of a few clusters. */
const trees = fc
  .array(
    fc.record({
      folder: fc.constantFrom('', 'BOOT/', 'overlays/', 'a longer folder/Inner/'),
      name: fc.constantFrom(
        'config.txt',
        'KERNEL',
        'Mixed.Img',
        'a long name.dtbo',
        'größe.txt',
        'ÄÖ',
        '漢字',
        '.hidden',
      ),
      size: fc.nat(40_000),
    }),
    { maxLength: 20 },
  )
  .map((files) => {
    const entries = files.map(({ folder, name, size }, i): [string, FileEntry] => [
      `${folder}${name}`.toLowerCase(),
      file(`${folder}${name}`, content(size, i)),
    ])
    return [...new Map(entries).values()]
  })

describe('a volume of any shape', () => {
  it('holds random trees', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, trees, (shape, entries) => judge(request(entries, shape))),
      { numRuns: 100 },
    )
  })
})
