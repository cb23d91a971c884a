/** The geometry and the boot sector that mkfs.fat chooses for the same size. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BootSector, BootSector16, FsInfo, type FatType } from '../../src/fat32/format.ts'
import { clusterSizeOf } from '../../src/fat32/geometry.ts'
import { fatSizeRange, planGeometry } from '../../src/fat32/plan-geometry.ts'
import { decodeBootSector } from '../../src/fat32/read/boot-sector.ts'
import { bootSectors } from '../../src/fat32/write/boot-sectors.ts'
import { fromBytes } from '../../src/lib/byte-string.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { withImage } from '../images/sparse-image.ts'
import { MIB, planOf, request } from './volume.ts'

const GIB = 2 ** 30
const hasMkfs = requireJudge('mkfs.fat')
const BITS = { fat12: 12, fat16: 16, fat32: 32 }

/** @param options what it is to do otherwise than by itself */
async function mkfs(size: number, type: FatType, options: string[] = []): Promise<Uint8Array> {
  return withImage(size, async (image) => {
    // -a: FATs without padding.
    await mustRun('mkfs.fat', ['-a', '-F', String(BITS[type]), ...options, image.path])
    return image.read(0, 8192)
  })
}

describe.skipIf(!hasMkfs)('the defaults', () => {
  /** Sizes at which mkfs.fat makes the type by itself: it does not make clusters of FAT16 smaller than 2 KiB. */
  const sizes: Record<FatType, [from: number, to: number]> = {
    fat12: [64 * 1024, 250 * MIB],
    fat16: [9 * MIB, 4000 * MIB],
    fat32: [fatSizeRange({ type: 'fat32' }).least, 40 * GIB],
  }

  it.each(['fat12', 'fat16', 'fat32'] as const)('are those of mkfs.fat: %s of any size', async (type) => {
    const [from, to] = sizes[type]
    const logs = fc.double({ min: Math.log(from), max: Math.log(to), noNaN: true })
    let equal = 0
    await fc.assert(
      fc.asyncProperty(logs, fc.constantFrom(512, 4096), async (log, sectorSize) => {
        const least = type === 'fat32' ? fatSizeRange({ type, sectorSize }).least : from * (sectorSize / 512)
        const bytes = Math.max(Math.exp(log), least)
        const size = Math.ceil(bytes / sectorSize) * sectorSize
        const ours = planGeometry(size, { type, sectorSize })
        const sector = await mkfs(size, type, ['-S', String(sectorSize)])
        const { geometry: theirs } = decodeBootSector(sector)
        const same = (geometry: typeof ours) => ({ ...geometry, fatSectors: 0, clusters: 0 })
        expect(same(ours)).toEqual(same(theirs))
        // Its estimate of the clusters is sometimes one too many, and then the FATs a sector larger than they must be.
        expect(theirs.fatSectors - ours.fatSectors).toBeGreaterThanOrEqual(0)
        expect(theirs.fatSectors - ours.fatSectors).toBeLessThanOrEqual(1)
        if (theirs.fatSectors === ours.fatSectors) equal++
        if (theirs.fatSectors === ours.fatSectors) expect(theirs.clusters).toBe(ours.clusters)
      }),
      { numRuns: 60 },
    )
    expect(equal).toBeGreaterThanOrEqual(50)
  })

  it.each([360, 720, 1200, 1440, 2880])('are those of a floppy disk of %i KiB', async (kib) => {
    const size = kib * 1024
    const layout = await planOf(
      request([], { type: 'fat12', size, hiddenSectors: 0, label: '', oemName: 'mkfs.fat' }),
    )
    const ours = BootSector16.decode([...bootSectors(layout)][0][1])
    const theirs = BootSector16.decode(await mkfs(size, 'fat12', ['-i', '2178694e']))
    expect({ ...ours, bootCode: undefined }).toEqual({ ...theirs, bootCode: undefined })
    // In a partition it is no floppy disk.
    const inPartition = await planOf(request([], { type: 'fat12', size }))
    expect(inPartition).toMatchObject({ boot: { media: 0xf8, heads: 255 }, geometry: { rootEntries: 512 } })
  })
})

describe.skipIf(!hasMkfs)('the boot sector', () => {
  it.each<[FatType, number]>([
    ['fat12', MIB],
    ['fat12', 33 * MIB],
    ['fat16', 16 * MIB],
    ['fat16', 512 * MIB],
    ['fat32', 34 * MIB],
    ['fat32', 256 * MIB],
    ['fat32', 512 * MIB],
    ['fat32', 9 * GIB],
    ['fat32', 40 * GIB],
  ])('agrees with mkfs.fat: %s of %i bytes', async (type, size) => {
    const layout = await planOf(request([], { type, size, hiddenSectors: 8192 }))
    const ours = [...bootSectors(layout)]
    // -g: the geometry behind the CHS fields of the partition table.
    const options = ['-g', '255/63', '-h', '8192', '-i', '2178694e', '-n', 'FIRMWARE']
    const theirs = await mkfs(size, type, options)
    // Where they may differ: the code, the name of the program, and see above.
    const free = { oemName: 0, bootCode: 0, fatSectors: 0, fatSectors16: 0 }
    const struct = type === 'fat32' ? BootSector : BootSector16
    expect({ ...struct.decode(ours[0][1]), ...free }).toEqual({ ...struct.decode(theirs), ...free })
    if (type !== 'fat32') {
      expect(ours).toHaveLength(1)
      return
    }
    expect(ours.map(([sector]) => sector)).toEqual([0, 1, 6, 7])
    const counts = { nextFree: 0, freeClusters: 0 }
    const theirInfo = FsInfo.decode(theirs, 512)
    expect({ ...FsInfo.decode(ours[1][1]), ...counts }).toEqual({ ...theirInfo, ...counts })
  })

  it('begins with a jump to code', async () => {
    for (const [type, code] of [
      ['fat32', 0x5a],
      ['fat16', 0x3e],
    ] as const) {
      const [[, bytes]] = [...bootSectors(await planOf(request([], { type })))]
      expect([...bytes.subarray(0, 3)]).toEqual([0xeb, code - 2, 0x90])
      expect([...bytes.subarray(code, code + 5)]).toEqual([0xcd, 0x18, 0xf4, 0xeb, 0xfd])
      expect(fromBytes(bytes, 3, 11)).toBe('MSWIN4.1')
    }
  })

  it('has what is asked for', async () => {
    const asked = { oemName: 'BSD', media: 0xf0, codePage: 850, hiddenSectors: 63 } as const
    const { boot, geometry } = await planOf(
      request([], {
        type: 'fat16',
        ...asked,
        fats: 1,
        reservedSectors: 8,
        rootEntries: 16,
        clusterSize: 1024,
      }),
    )
    expect(boot).toEqual({
      ...{ oemName: 'BSD', media: 0xf0, driveNumber: 0, hiddenSectors: 63 },
      ...{ sectorsPerTrack: 63, heads: 255 },
    })
    expect(clusterSizeOf(geometry)).toBe(1024)
    expect(geometry).toMatchObject({ fats: 1, reservedSectors: 8, rootEntries: 16 })
  })
})
