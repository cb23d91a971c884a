import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tableClusterSize } from '../../src/fat32/cluster-tables.ts'
import { FAT_ENTRY_FORMS, type FatType } from '../../src/fat32/format.ts'
import { clusterSizeOf } from '../../src/fat32/geometry.ts'
import { fatSizeRange, fitGeometry, planGeometry, type FatShape } from '../../src/fat32/plan-geometry.ts'
import { DoesNotFitError } from '../../src/lib/errors.ts'
import { MIB } from './volume.ts'

const GIB = 2 ** 30
/** Of volumes that are written: see WRITTEN_LIMITS. */
const LIMITS: Record<FatType, [number, number]> = {
  fat12: [1, 4084],
  fat16: [4087, 65524],
  fat32: [65525, 0x0ffffff5],
}

const sectorSizes = fc.constantFrom(512, 1024, 2048, 4096)
const shapes: fc.Arbitrary<FatShape & { sectorSize: number }> = fc
  .record({
    type: fc.constantFrom<FatType>('fat12', 'fat16', 'fat32'),
    sectorSize: sectorSizes,
    clusterTable: fc.constantFrom('mkfs.fat', 'windows'),
    reservedSectors: fc.option(fc.integer({ min: 8, max: 100 }), { nil: undefined }),
    fats: fc.constantFrom(1, 2),
    rootSectors: fc.integer({ min: 1, max: 40 }),
    cluster: fc.option(fc.integer({ min: 9, max: 16 }), { nil: undefined }),
  })
  .map(({ rootSectors, cluster, ...shape }) => ({
    ...shape,
    rootEntries: (rootSectors * shape.sectorSize) / 32,
    clusterSize: cluster === undefined ? undefined : Math.max(shape.sectorSize, 2 ** cluster),
  }))

/** A shape, and a size that it can have. */
const volumes = shapes.chain((shape) => {
  const { least, largest } = fatSizeRange(shape)
  const [from, to] = [least / shape.sectorSize, largest / shape.sectorSize]
  // Evenly on a logarithmic scale, and the ends.
  const sectors = fc.oneof(
    fc
      .double({ min: Math.log(from), max: Math.log(to), noNaN: true })
      .map((log) => Math.round(Math.exp(log))),
    fc.constantFrom(from, to),
  )
  return sectors.map((count) => ({
    shape,
    size: Math.min(Math.max(count, from), to) * shape.sectorSize,
  }))
})

describe('planGeometry', () => {
  it.each<[FatType, number, number]>([
    ['fat12', MIB, 2048],
    ['fat12', 15 * MIB, 4096],
    ['fat12', 255 * MIB, 65536],
    ['fat16', 4 * MIB, 512],
    ['fat16', 16 * MIB, 2048],
    ['fat16', 128 * MIB, 2048],
    ['fat16', 129 * MIB, 4096],
    ['fat16', 4000 * MIB, 65536],
    ['fat32', 34 * MIB, 512],
    ['fat32', 260 * MIB, 512],
    ['fat32', 260 * MIB + 512, 4096],
    ['fat32', 8 * GIB, 4096],
    ['fat32', 8 * GIB + 512, 8192],
    ['fat32', 16 * GIB, 8192],
    ['fat32', 32 * GIB, 16384],
    ['fat32', 64 * GIB, 32768],
    ['fat32', 2048 * GIB - 512, 32768],
  ])('%s of %i bytes: clusters of %i, as mkfs.fat makes them', (type, size, clusterSize) => {
    expect(clusterSizeOf(planGeometry(size, { type }))).toBe(clusterSize)
  })

  it.each<[FatType, number, number]>([
    ['fat12', MIB, 4096],
    ['fat16', 16 * MIB, 512],
    ['fat16', 32 * MIB + 512, 1024],
    ['fat16', 100 * MIB, 2048],
    ['fat16', 512 * MIB, 8192],
    ['fat16', 3 * GIB, 65536],
    ['fat32', 48 * MIB, 512],
    // As many clusters of 1 KiB are too few.
    ['fat32', 64 * MIB + 512, 512],
    ['fat32', 100 * MIB, 1024],
    ['fat32', 200 * MIB, 2048],
    ['fat32', 300 * MIB, 4096],
    ['fat32', 10 * GIB, 8192],
    ['fat32', 100 * GIB, 32768],
  ])('%s of %i bytes: clusters of %i, as Windows makes them', (type, size, clusterSize) => {
    expect(clusterSizeOf(planGeometry(size, { type, clusterTable: 'windows' }))).toBe(clusterSize)
  })

  it('makes the FATs exactly as large as they must be, whatever the shape', () => {
    fc.assert(
      fc.property(volumes, ({ shape, size }) => {
        const { type, sectorSize } = shape
        const geometry = planGeometry(size, shape)
        const { totalSectors, sectorsPerCluster, reservedSectors, fats, fatSectors, rootEntries } = geometry
        expect([totalSectors * sectorSize, fats]).toEqual([size, shape.fats])
        expect(reservedSectors).toBe(shape.reservedSectors ?? (type === 'fat32' ? 32 : 1))
        expect(rootEntries).toBe(type === 'fat32' ? 0 : shape.rootEntries)
        const rest = totalSectors - reservedSectors - (rootEntries * 32) / sectorSize
        const clustersWith = (one: number) => Math.floor((rest - fats * one) / sectorsPerCluster)
        const { bits } = FAT_ENTRY_FORMS[type]
        expect(geometry.clusters).toBe(clustersWith(fatSectors))
        expect(geometry.clusters).toBeGreaterThanOrEqual(LIMITS[type][0])
        expect(geometry.clusters).toBeLessThanOrEqual(LIMITS[type][1])
        expect((geometry.clusters + 2) * bits).toBeLessThanOrEqual(fatSectors * sectorSize * 8)
        expect((clustersWith(fatSectors - 1) + 2) * bits).toBeGreaterThan((fatSectors - 1) * sectorSize * 8)
      }),
      { numRuns: 2000 },
    )
  })

  it('knows the least and the largest size of every shape', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const { least, largest } = fatSizeRange(shape)
        expect(planGeometry(least, shape).clusters).toBe(LIMITS[shape.type][0])
        expect(() => planGeometry(least - shape.sectorSize, shape)).toThrow(DoesNotFitError)
        expect(() => planGeometry(largest + shape.sectorSize, shape)).toThrow(DoesNotFitError)
        const { totalSectors, clusters } = planGeometry(largest, shape)
        if (totalSectors < 2 ** 32 - 1) expect(clusters).toBe(LIMITS[shape.type][1])
      }),
    )
  })

  it('says the least size, and the largest', () => {
    const attempt = (type: FatType, size: number, shape: Partial<FatShape> = {}) => {
      return () => planGeometry(size, { type, ...shape })
    }
    expect(attempt('fat32', 16 * MIB)).toThrow('34089472 bytes needed, 16777216 available')
    expect(attempt('fat16', MIB)).toThrow(
      'a FAT16 file system does not fit: 2125824 bytes needed, 1048576 available',
    )
    expect(attempt('fat12', 512 * MIB)).toThrow(
      /a partition in a FAT12 file system does not fit: \d+ bytes needed, 2677\d+ available/,
    )
    expect(attempt('fat16', 64 * MIB, { clusterSize: 512 })).toThrow(
      'a partition in a FAT16 file system with clusters of 512 bytes',
    )
  })

  it('refuses nonsense', () => {
    const attempt = (shape: Partial<FatShape>, size = 40 * MIB) => {
      return () => planGeometry(size, { type: 'fat32', ...shape })
    }
    expect(attempt({}, 2 ** 41)).toThrow(DoesNotFitError)
    expect(attempt({ clusterSize: 512 }, 200 * GIB)).toThrow(DoesNotFitError)
    expect(attempt({}, 40 * MIB + 1)).toThrow(RangeError)
    expect(attempt({ clusterSize: 1536 })).toThrow('a power of two from 512 to 65536, found 1536')
    expect(attempt({ clusterSize: 512, sectorSize: 4096 }, GIB)).toThrow('from 4096 to 65536')
    expect(attempt({ clusterSize: 131072 }, 2 ** 40)).toThrow(RangeError)
    expect(attempt({ sectorSize: 8192 })).toThrow('sectors of 512')
    expect(attempt({ reservedSectors: 7 })).toThrow('from 8 to 65535 reserved sectors, found 7')
    expect(attempt({ fats: 3 })).toThrow('1 or 2 FATs')
    expect(attempt({ type: 'fat16', rootEntries: 100 })).toThrow('a multiple of 16 records')
  })
})

describe('fitGeometry', () => {
  it('is the least size that has as many clusters', () => {
    const contents = fc.array(fc.integer({ min: 1, max: 20 * MIB }), { maxLength: 40 })
    fc.assert(
      fc.property(shapes, contents, (shape, sizes) => {
        const needed = (clusterSize: number) =>
          sizes.reduce((sum, size) => sum + Math.ceil(size / clusterSize), 0)
        const [min, max] = LIMITS[shape.type]
        const largestCluster = shape.clusterSize ?? 65536
        if (needed(largestCluster) > max) {
          expect(() => fitGeometry(shape, needed)).toThrow(DoesNotFitError)
          return
        }
        const geometry = fitGeometry(shape, needed)
        const clusterSize = clusterSizeOf(geometry)
        const size = geometry.totalSectors * shape.sectorSize
        expect(geometry).toEqual(planGeometry(size, { ...shape, clusterSize }))
        expect(geometry.clusters).toBe(Math.max(min, needed(clusterSize)))
        const smaller = () => planGeometry(size - shape.sectorSize, { ...shape, clusterSize }).clusters
        if (needed(clusterSize) >= min && size > fatSizeRange({ ...shape, clusterSize }).least) {
          expect(smaller()).toBeLessThan(geometry.clusters)
        } else expect(smaller).toThrow(DoesNotFitError)
        if (shape.clusterSize !== undefined) return
        // As large as the table has it, unless there are clusters that only the type demands.
        const { type, sectorSize, clusterTable = 'mkfs.fat' } = shape
        const inTable = tableClusterSize(clusterTable, { type, size, sectorSize })
        if (clusterSize < inTable) expect(needed(2 * clusterSize)).toBeLessThan(min)
      }),
      { numRuns: 1000 },
    )
  })

  it.each<[FatType, number, number]>([
    ['fat12', 0, 512],
    ['fat12', 10_000, 2048],
    ['fat16', 0, 512],
    ['fat16', 3 * MIB, 512],
    ['fat16', 30 * MIB, 2048],
    ['fat16', 200 * MIB, 4096],
    ['fat32', 0, 512],
    ['fat32', 250 * MIB, 512],
    ['fat32', 300 * MIB, 4096],
  ])('%s with %i bytes has clusters of %i', (type, bytes, clusterSize) => {
    expect(clusterSizeOf(fitGeometry({ type }, (size) => bytes / size))).toBe(clusterSize)
  })
})
