import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BootSector, FsInfo } from '../../src/fat32/format.ts'
import {
  planGeometry,
  minPartitionSize,
  defaultClusterSize,
  MIN_FAT32_BYTES,
} from '../../src/fat32/geometry.ts'
import { encodeBootSectors } from '../../src/fat32/write/write.ts'
import { fromBytes } from '../../src/lib/byte-string.ts'
import { DoesNotFitError } from '../../src/lib/errors.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { withImage } from '../images/sparse-image.ts'
import { MIB, planOf, request } from './volume.ts'

const GIB = 2 ** 30
const hasMkfs = requireJudge('mkfs.fat')

describe('planGeometry', () => {
  it.each([
    [34 * MIB, 512],
    [260 * MIB, 512],
    [260 * MIB + 512, 4096],
    [512 * MIB, 4096],
    [8 * GIB, 4096],
    [8 * GIB + 512, 8192],
    [16 * GIB, 8192],
    [32 * GIB, 16384],
    [64 * GIB, 32768],
    [2048 * GIB - 512, 32768],
  ])('%i bytes: clusters of %i', (size, clusterSize) => {
    expect(defaultClusterSize(size)).toBe(clusterSize)
    expect(planGeometry(size)).toMatchObject({ sectorsPerCluster: clusterSize / 512 })
  })

  it('makes the FATs exactly as large as they must be', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: MIN_FAT32_BYTES / 512, max: 2 ** 32 - 1 }),
        fc.constantFrom(undefined, 512, 1024, 2048, 4096, 8192, 16384, 32768),
        (sectors, clusterSize) => {
          fc.pre(clusterSize === undefined || sectors * 512 >= minPartitionSize(clusterSize))
          fc.pre(clusterSize === undefined || sectors * 512 < clusterSize * 2 ** 28)
          const { totalSectors, sectorsPerCluster, reservedSectors, fats, fatSectors, clusters } =
            planGeometry(sectors * 512, { clusterSize })
          expect([totalSectors, reservedSectors, fats]).toEqual([sectors, 32, 2])
          const clustersWith = (one: number) => Math.floor((sectors - 32 - 2 * one) / sectorsPerCluster)
          expect(clusters).toBe(clustersWith(fatSectors))
          expect(clusters).toBeGreaterThanOrEqual(65525)
          expect((clusters + 2) * 4).toBeLessThanOrEqual(fatSectors * 512)
          expect((clustersWith(fatSectors - 1) + 2) * 4).toBeGreaterThan((fatSectors - 1) * 512)
        },
      ),
    )
  })

  it.each([512, 4096, 32768])('knows the smallest partition for clusters of %i bytes', (clusterSize) => {
    const smallest = minPartitionSize(clusterSize)
    expect(planGeometry(smallest, { clusterSize }).clusters).toBe(65525)
    let error: unknown
    try {
      planGeometry(smallest - 512, { clusterSize })
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(DoesNotFitError)
    expect(error).toMatchObject({ needed: smallest, available: smallest - 512 })
  })

  it('says the smallest size', () => {
    expect(MIN_FAT32_BYTES).toBe(34_089_472)
    expect(() => planGeometry(16 * MIB)).toThrow('34089472 bytes needed, 16777216 available')
  })

  it('refuses what cannot be numbered, and nonsense', () => {
    expect(() => planGeometry(2 ** 41)).toThrow(DoesNotFitError)
    expect(() => planGeometry(200 * GIB, { clusterSize: 512 })).toThrow(DoesNotFitError)
    expect(() => planGeometry(40 * MIB + 1)).toThrow(RangeError)
    expect(() => planGeometry(40 * MIB, { clusterSize: 1536 })).toThrow(RangeError)
    expect(() => planGeometry(40 * MIB, { clusterSize: 256 })).toThrow(RangeError)
    expect(() => planGeometry(2 ** 40, { clusterSize: 65536 })).toThrow(RangeError)
  })
})

describe.skipIf(!hasMkfs)('the boot sector', () => {
  it.each([34 * MIB, 256 * MIB, 512 * MIB, 9 * GIB, 40 * GIB])(
    'agrees with mkfs.fat: %i bytes',
    async (size) => {
      const ours = encodeBootSectors(await planOf(request([], { size, hiddenSectors: 8192 })))
      await withImage(size, async (image) => {
        // -a: FATs without padding, -g: the geometry behind the CHS fields of the partition table.
        const options = ['-F', '32', '-a', '-g', '255/63', '-h', '8192', '-i', '2178694e', '-n', 'FIRMWARE']
        await mustRun('mkfs.fat', [...options, image.path])
        const theirs = image.read(0, 1024)
        const [a, b] = [BootSector.decode(ours), BootSector.decode(theirs)]
        const same: (keyof BootSector)[] = [
        'jump', 'bytesPerSector', 'sectorsPerCluster', 'reservedSectors', 'fats', 'rootEntries', 'totalSectors16',
        'media', 'fatSectors16', 'sectorsPerTrack', 'heads', 'hiddenSectors', 'totalSectors', 'extFlags',
        'version', 'rootCluster', 'fsInfoSector', 'backupBootSector', 'reserved', 'driveNumber', 'reserved1',
        'bootSignature', 'volumeId', 'label', 'fileSystemType', 'signature',
      ] // prettier-ignore
        for (const field of same) expect(a[field], field).toEqual(b[field])
        // Its FATs may be a little larger than needed, never smaller than ours.
        expect(b.fatSectors - a.fatSectors).toBeGreaterThanOrEqual(0)
        expect(b.fatSectors - a.fatSectors).toBeLessThanOrEqual(8)
        const [info, theirInfo] = [FsInfo.decode(ours, 512), FsInfo.decode(theirs, 512)]
        expect({ ...info, nextFree: 0, freeClusters: 0 }).toEqual({
          ...theirInfo,
          nextFree: 0,
          freeClusters: 0,
        })
      })
    },
  )

  it('begins with a jump to code', async () => {
    const bytes = encodeBootSectors(await planOf(request([])))
    expect([...bytes.subarray(0, 3)]).toEqual([0xeb, 0x58, 0x90])
    expect([...bytes.subarray(0x5a, 0x5f)]).toEqual([0xcd, 0x18, 0xf4, 0xeb, 0xfd])
    expect(fromBytes(bytes, 3, 11)).toBe('MSWIN4.1')
  })
})
