import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkMbr } from '../../src/gpt-mbr/check.ts'
import { chsOf } from '../../src/gpt-mbr/format.ts'
import { placePartitions } from '../../src/gpt-mbr/place.ts'
import { readMbr } from '../../src/gpt-mbr/mbr.ts'
import { encodeMbr, type MbrPartitionSpec } from '../../src/gpt-mbr/write.ts'
import { CorruptError, DoesNotFitError } from '../../src/lib/errors.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { sfdiskJson, sfdiskVerify, sfdiskWrite } from '../judges/sfdisk.ts'
import { withImage } from '../judges/sparse-image.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30
const hasSfdisk = requireJudge('sfdisk')

/** Up to four partitions that do not overlap, with starts and sizes on both sides of what CHS reaches (7.8 GiB). */
const partitionLists = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 0, max: 2 ** 24 }),
      sectors: fc.integer({ min: 1, max: 2 ** 24 }),
      type: fc.constantFrom(0x0b, 0x0c, 0x83, 0x82, 0x07, 0xef),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .chain((list) => fc.tuple(fc.constant(list), fc.integer({ min: -1, max: list.length - 1 })))
  .map(([list, bootable]) => {
    let end = 1
    return list.map(({ gap, sectors, type }, i): MbrPartitionSpec => {
      const start = end + gap
      end = start + sectors
      return { start: start * 512, size: sectors * 512, type, bootable: i === bootable }
    })
  })

const diskSizeOf = (partitions: readonly MbrPartitionSpec[]) =>
  Math.max(MIB, ...partitions.map(({ start, size }) => start + size))

describe('chsOf', () => {
  it.each([
    [0, 0, 0, 1],
    [62, 0, 0, 63],
    [63, 0, 1, 1],
    [2048, 0, 32, 33],
    [16064, 0, 254, 63],
    [16065, 1, 0, 1],
    [16450559, 1023, 254, 63],
    [16450560, 1023, 254, 63],
    [2 ** 32 - 1, 1023, 254, 63],
  ])('sector %i is %i/%i/%i', (lba, cylinder, head, sector) => {
    expect(chsOf(lba)).toEqual({ cylinder, head, sector })
  })
})

describe('encodeMbr', () => {
  it('is read back', () => {
    fc.assert(
      fc.property(partitionLists, fc.nat(0xffffffff), (partitions, diskId) => {
        const table = readMbr(encodeMbr({ diskId, partitions }))
        expect(table.diskId).toBe(diskId)
        expect(
          table.partitions.map(({ start, size, type, bootable }) => ({ start, size, type, bootable })),
        ).toEqual(partitions)
        expect(table.partitions.map(({ number }) => number)).toEqual(partitions.map((_, i) => i + 1))
        expect(checkMbr(table, diskSizeOf(partitions))).toEqual([])
      }),
    )
  })

  it('keeps the order of the description, whatever the order on the disk', () => {
    const partitions = [
      { start: 8 * MIB, size: MIB, type: 0x83, bootable: true },
      { start: MIB, size: MIB, type: 0x0c, bootable: false },
    ]
    expect(readMbr(encodeMbr({ diskId: 1, partitions })).partitions.map(({ start }) => start)).toEqual([
      8 * MIB,
      MIB,
    ])
  })

  it('refuses what an MBR cannot hold', () => {
    const partition = { start: MIB, size: MIB, type: 0x83, bootable: true }
    const encode = (...partitions: MbrPartitionSpec[]) => encodeMbr({ diskId: 1, partitions })
    expect(() => encode(partition, partition)).toThrow('at most one bootable')
    expect(() => encode({ ...partition, start: MIB + 1 })).toThrow('whole sectors')
    expect(() => encode({ ...partition, start: 0 })).toThrow('whole sectors')
    expect(() => encode({ ...partition, size: 0 })).toThrow('whole sectors')
    expect(() => encode({ ...partition, type: 0 })).toThrow('type 0')
    expect(() => encode({ ...partition, size: 2 ** 41 })).toThrow(DoesNotFitError)
    const rest = { ...partition, bootable: false }
    expect(() => encode(rest, rest, rest, rest, rest)).toThrow('4 partitions')
  })

  it.skipIf(!hasSfdisk)('makes the very bytes that sfdisk makes', async () => {
    await fc.assert(
      fc.asyncProperty(
        partitionLists,
        fc.integer({ min: 1, max: 0xffffffff }),
        async (partitions, diskId) => {
          await withImage(diskSizeOf(partitions), async (image) => {
            const lines = partitions.map(
              ({ start, size, type, bootable }) =>
                `start=${start / 512}, size=${size / 512}, type=${type.toString(16)}${bootable ? ', bootable' : ''}`,
            )
            await sfdiskWrite(
              image.path,
              ['label: dos', `label-id: 0x${diskId.toString(16)}`, ...lines, ''].join('\n'),
            )
            const ours = encodeMbr({ diskId, partitions })
            expect(image.read(440, 72)).toEqual(ours.subarray(440))
          })
        },
      ),
      { numRuns: 25 },
    )
  })

  it.skipIf(!hasSfdisk)('is what sfdisk accepts and reads', async () => {
    const request = fc.record({
      start: fc.option(
        fc.integer({ min: 1, max: 30 }).map((n) => n * MIB + 512),
        { nil: undefined, freq: 3 },
      ),
      size: fc.integer({ min: 1, max: 2 ** 25 }).map((n) => n * 512),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 4 }), async (list) => {
        const { placements, issues } = placePartitions(
          list.map((one, i) => ({ ...one, jsonPath: `partitions[${i}]` })),
        )
        fc.pre(issues.length === 0)
        const partitions = placements.map(({ start, size }, i) => ({
          start,
          size: size as number,
          type: 0x83,
          bootable: i === 0,
        }))
        await withImage(diskSizeOf(partitions), async (image) => {
          image.write(encodeMbr({ diskId: 0x2178694e, partitions }), 0)
          await sfdiskVerify(image.path)
          const table = await sfdiskJson(image.path)
          expect(table).toMatchObject({ label: 'dos', id: '0x2178694e' })
          expect(
            table.partitions.map(({ start, size, type, bootable }) => ({
              start: start * 512,
              size: size * 512,
              type: parseInt(type, 16),
              bootable: bootable ?? false,
            })),
          ).toEqual(partitions)
        })
      }),
      { numRuns: 15 },
    )
  })
})

describe('readMbr', () => {
  it('wants the signature', () => {
    expect(() => readMbr(new Uint8Array(512))).toThrow(CorruptError)
    expect(() => readMbr(new Uint8Array(512))).toThrow('offset 510: expected 0xaa55, found 0x0000')
    expect(() => readMbr(new Uint8Array(511))).toThrow(CorruptError)
  })
})

describe('checkMbr', () => {
  const sector = (...partitions: MbrPartitionSpec[]) => encodeMbr({ diskId: 1, partitions })
  const first = { start: MIB, size: MIB, type: 0x0c, bootable: false }
  const check = (bytes: Uint8Array, diskSize = GIB) =>
    checkMbr(readMbr(bytes), diskSize).map(({ offset, message }) => `${offset}: ${message}`)

  it('finds overlaps', () => {
    expect(check(sector(first, { ...first, start: 2 * MIB - 512 }))).toEqual([
      '462: partition 2: overlaps partition 1',
    ])
  })

  it('finds ends beyond the disk', () => {
    expect(check(sector(first), 2 * MIB - 512)).toEqual([
      '446: partition 1: ends at byte 2097152, beyond the end of the disk (2096640 bytes)',
    ])
  })

  it('finds CHS addresses that disagree', () => {
    const bytes = sector(first)
    bytes[447]++
    expect(check(bytes)).toEqual([
      '446: partition 1: CHS of the first sector is 0/33/33, but sector 2048 is 0/32/33',
    ])
  })

  it('finds odd status bytes and two bootable partitions', () => {
    const bytes = sector(first, { ...first, start: 4 * MIB })
    bytes[446] = bytes[462] = 0x80
    expect(check(bytes)).toEqual(['462: partition 2: is bootable, as partition 1 is'])
    bytes[462] = 0x40
    expect(check(bytes)).toEqual(['462: partition 2: status is 0x40, not 0 or 0x80'])
  })

  it('finds empty entries and such as lie on the table', () => {
    const bytes = sector(first)
    bytes.fill(0, 454, 462)
    expect(check(bytes)).toEqual([
      '446: partition 1: is empty',
      '446: partition 1: overlaps the partition table',
    ])
  })

  it('accepts the protective MBR of a GPT disk', () => {
    const bytes = sector({ start: 512, size: 2 ** 41 - 512, type: 0xee, bootable: false })
    expect(check(bytes)).toEqual([])
  })
})
