import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkTable } from '../../src/gpt-mbr/check/check.ts'
import { chsOf } from '../../src/gpt-mbr/format.ts'
import { placePartitions } from '../../src/gpt-mbr/place.ts'
import { readMbr } from '../../src/gpt-mbr/read/mbr.ts'
import { encodeMbr, type MbrPartitionSpec } from '../../src/gpt-mbr/write/mbr.ts'
import { memorySource } from '../../src/lib/byte-source.ts'
import { CorruptError, DoesNotFitError } from '../../src/lib/errors.ts'
import { formatFinding } from '../../src/lib/finding.ts'
import { driveSync } from '../../src/lib/read-routine.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { sfdiskJson, sfdiskVerify, sfdiskWrite } from '../judges/sfdisk.ts'
import { withImage } from '../images/sparse-image.ts'

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

/** On a disk of that size sfdisk cannot add the second one. */
const REFUSED_BY_SFDISK: MbrPartitionSpec[] = [
  { start: 512, size: 8169 * 512, type: 0x0b, bootable: true },
  { start: 8184 * 512, size: 9 * 512, type: 0x0b, bootable: false },
]

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
        expect(faultsOf(encodeMbr({ diskId, partitions }), diskSizeOf(partitions))).toEqual([])
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
          // sfdisk refuses some partitions that end with the disk: it may have a MiB more.
          await withImage(diskSizeOf(partitions) + MIB, async (image) => {
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
      { numRuns: 25, examples: [[REFUSED_BY_SFDISK, 1]] },
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
          start: start!,
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

describe('checkPartitionTable', () => {
  const sector = (...partitions: MbrPartitionSpec[]) => encodeMbr({ diskId: 1, partitions })
  const first = { start: MIB, size: MIB, type: 0x0c, bootable: false }

  it('finds nothing on a disk without a table', () => {
    expect(faultsOf(new Uint8Array(MIB))).toEqual([])
    expect(faultsOf(new Uint8Array(0))).toEqual([])
  })

  it.each<[string, () => Uint8Array, number, string[]]>([
    [
      'overlaps',
      () => sector(first, { ...first, start: 2 * MIB - 512 }),
      GIB,
      ['partition 2 at offset 462: expected a place of its own, found one that overlaps partition 1'],
    ],
    [
      'ends beyond the disk',
      () => sector(first),
      2 * MIB - 512,
      [
        'partition 1 at offset 446: expected an end at 2096640 or before, where the disk ends, found 1048576 to 2097152',
      ],
    ],
    [
      'CHS addresses that disagree',
      () => changed(sector(first), 447, 33),
      GIB,
      ['partition 1, CHS of the first sector, 2048 at offset 446: expected 0/32/33, found 0/33/33'],
    ],
    [
      'two bootable partitions',
      () => changed(sector(first, { ...first, start: 4 * MIB }), [446, 462], 0x80),
      GIB,
      ['partition 2 at offset 462: expected only partition 1 to be bootable, found another one'],
    ],
    [
      'odd status bytes',
      () => changed(sector(first), 446, 0x40),
      GIB,
      ['partition 1, status at offset 446: expected 0 or 128, found 64'],
    ],
    [
      'entries that are empty, and such as lie on the table',
      () => changed(sector(first), [454, 455, 456, 457, 458, 459, 460, 461], 0),
      GIB,
      [
        'partition 1 at offset 446: expected at least a sector, found none',
        'partition 1 at offset 446: expected a place after the table, found one that overlaps it',
      ],
    ],
    [
      'a GPT that is gone',
      () => sector({ start: 512, size: GIB - 512, type: 0xee, bootable: false }),
      GIB,
      ['GPT header at offset 512: expected 512 bytes, found only 0'],
    ],
  ])('finds %s', (_, table, diskSize, expected) => {
    expect(faultsOf(table(), diskSize)).toEqual(expected)
  })
})

function faultsOf(bytes: Uint8Array, diskSize = bytes.length): string[] {
  const faults: string[] = []
  driveSync(
    memorySource(bytes),
    checkTable(diskSize, (fault) => faults.push(formatFinding(fault))),
  )
  return faults
}

function changed(bytes: Uint8Array, at: number | number[], value: number): Uint8Array {
  for (const one of [at].flat()) bytes[one] = value
  return bytes
}
