/** GPTs that are written here, and what the tools of others say of them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkPartitionTable,
  encodeGpt,
  GPT_ATTRIBUTE_BOOTABLE,
  gptLayout,
  memorySource,
  placePartitions,
  readPartitionTable,
  type GptPartitionSpec,
  type GptSpec,
} from '../../src/gpt-mbr/index.ts'
import { formatGuid, parseGuid } from '../../src/gpt-mbr/guid.ts'
import { DoesNotFitError } from '../../src/lib/errors.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { sfdiskJson, sfdiskVerify, sfdiskWrite } from '../judges/sfdisk.ts'
import { sgdiskProblems } from '../judges/sgdisk.ts'
import { withImage, type SparseImage } from '../images/sparse-image.ts'

const MIB = 2 ** 20
const hasSfdisk = requireJudge('sfdisk')
const hasSgdisk = requireJudge('sgdisk')
const hasFdisk = requireJudge('fdisk')

const LINUX = '0FC63DAF-8483-4772-8E79-3D69D8477DE4'
const EFI = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'
const DISK_GUID = '6A1C5D7E-2F0B-4C93-9D48-1B5E0F7A3C62'

/** A GUID of its own for each number. */
const guidOf = (i: number) => `0D8C1F3E-9B57-4A0C-8F12-${(0x63d1b2a40000 + i).toString(16).toUpperCase()}`

const wanted = fc.record({
  sectors: fc.integer({ min: 1, max: 5000 }),
  /** Free sectors before it; undefined: the next aligned place. */
  gap: fc.option(fc.nat(3000), { nil: undefined, freq: 2 }),
  type: fc.constantFrom(LINUX, EFI),
  name: fc.string({ unit: fc.constantFrom('a', 'Z', ' ', '-', 'ö', '目', '😀'), maxLength: 18 }),
  attributes: fc.constantFrom(0n, GPT_ATTRIBUTE_BOOTABLE),
})

/** Partitions in any order of their places, and a disk that ends right behind the backup, or later. */
const specs = (sectorSize: 512 | 4096, least = 0) =>
  fc
    .record({
      list: fc.array(wanted, { minLength: least, maxLength: 24 }),
      spare: fc.nat(200),
      isReversed: fc.boolean(),
    })
    .map(({ list, spare, isReversed }): GptSpec => {
      const table = gptLayout({ sectorSize })
      let end = table.startSize
      const requests = list.map(({ sectors, gap }, i) => {
        const size = sectors * sectorSize
        const start = gap === undefined ? Math.ceil(end / MIB) * MIB : end + gap * sectorSize
        end = start + size
        return { size, jsonPath: `partitions[${i}]`, ...(gap !== undefined && { start }) }
      })
      const { placements, issues, minDiskSize } = placePartitions(requests, { table })
      expect(issues).toEqual([])
      const partitions = list.map(({ type, name, attributes }, i): GptPartitionSpec => {
        const { start, size } = placements[i]
        return { start: start!, size: size as number, type, guid: guidOf(i), name, attributes }
      })
      if (isReversed) partitions.reverse()
      // sgdisk wants at least a usable sector.
      const diskSize = minDiskSize + (spare + 1) * sectorSize
      return { diskSize, sectorSize, diskGuid: DISK_GUID, partitions }
    })

function write(spec: GptSpec, image: SparseImage): void {
  const [primary, backup] = encodeGpt(spec)
  for (const { offset, bytes } of [primary, backup]) image.write(bytes, offset)
}

/** A disk with nothing but its table. */
function diskOf(spec: GptSpec): Uint8Array {
  const disk = new Uint8Array(spec.diskSize)
  const [primary, backup] = encodeGpt(spec)
  for (const { offset, bytes } of [primary, backup]) disk.set(bytes, offset)
  return disk
}

describe('encodeGpt', () => {
  it.each([512, 4096] as const)('is read and found sound, with sectors of %i bytes', async (sectorSize) => {
    await fc.assert(
      fc.asyncProperty(specs(sectorSize), async (spec) => {
        const source = memorySource(diskOf(spec))
        expect(await checkPartitionTable(source)).toEqual({ findings: [], findingCount: 0 })
        const table = (await readPartitionTable(source))!
        expect(table).toMatchObject({ type: 'gpt', sectorSize, guid: DISK_GUID, usesBackup: false })
        expect(
          table.partitions.map(({ start, size, type, guid, name, attributes }) => {
            return { start, size, type, guid, name, attributes }
          }),
        ).toEqual(spec.partitions)
      }),
      { numRuns: 20 },
    )
  })

  it('is read until the signal aborts, with known options only', async () => {
    const source = memorySource(diskOf({ diskSize: 4 * MIB, diskGuid: DISK_GUID, partitions: [] }))
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(readPartitionTable(source, { signal })).rejects.toThrow('enough')
    await expect(checkPartitionTable(source, { signal })).rejects.toThrow('enough')
    await expect(readPartitionTable(source, { disksize: 1 } as object)).rejects.toThrow('diskSize?')
  })

  it('has a backup that stands for the primary table', async () => {
    const partitions = [{ start: MIB, size: MIB, type: LINUX, guid: guidOf(0), name: 'root' }]
    const disk = diskOf({ diskSize: 4 * MIB, diskGuid: DISK_GUID, partitions })
    disk.fill(0, 512, 1024)
    const table = await readPartitionTable(memorySource(disk))
    expect(table).toMatchObject({ usesBackup: true, partitions })
  })

  it.skipIf(!hasSfdisk || !hasSgdisk)('is what sfdisk and sgdisk accept and read', async () => {
    await fc.assert(
      fc.asyncProperty(specs(512), async (spec) => {
        await withImage(spec.diskSize, async (image) => {
          write(spec, image)
          expect(await sgdiskProblems(image.path)).toBe('')
          await sfdiskVerify(image.path)
          const { label, id, partitions } = await sfdiskJson(image.path)
          expect({ label, id }).toEqual({ label: 'gpt', id: DISK_GUID })
          expect(
            partitions.map(({ start, size, type, name = '', uuid }) => {
              return { start: start * 512, size: size * 512, type, name, guid: uuid }
            }),
          ).toEqual(
            spec.partitions.map(({ start, size, type, name, guid }) => ({ start, size, type, name, guid })),
          )
        })
      }),
      { numRuns: 15 },
    )
  })

  it.skipIf(!hasSfdisk)('makes the very headers and entries that sfdisk makes', async () => {
    await fc.assert(
      fc.asyncProperty(specs(512, 1), async (asked) => {
        const { diskSize } = asked
        // Characters of four bytes of UTF-8 are truncated by sfdisk to one unit of UTF-16.
        const partitions = asked.partitions.map((one) => ({ ...one, name: one.name?.replaceAll('😀', '☃') }))
        const spec = { ...asked, partitions }
        await withImage(diskSize, async (image) => {
          const lines = partitions.map(({ start, size, type, guid, name, attributes }) => {
            const place = `start=${start / 512}, size=${size / 512}, type=${type}, uuid=${guid}`
            const flags = attributes === 0n ? '' : ', attrs=LegacyBIOSBootable'
            return `${place}, name="${name}"${flags}`
          })
          const head = ['label: gpt', `label-id: ${DISK_GUID}`, 'first-lba: 34']
          await sfdiskWrite(image.path, [...head, ...lines, ''].join('\n'))
          const [primary, backup] = encodeGpt(spec)
          const theirs = image.read(0, primary.bytes.length)
          // sfdisk leaves the last CHS address of the protective partition open, whatever the size of the disk.
          theirs.set(primary.bytes.subarray(451, 454), 451)
          expect(theirs).toEqual(primary.bytes)
          expect(image.read(backup.offset, backup.bytes.length)).toEqual(backup.bytes)
        })
      }),
      { numRuns: 15 },
    )
  })

  it.skipIf(!hasFdisk)('is what fdisk reads of a disk with sectors of 4096 bytes', async () => {
    await fc.assert(
      fc.asyncProperty(specs(4096, 1), async (spec) => {
        await withImage(spec.diskSize, async (image) => {
          write(spec, image)
          const options = ['--bytes', '-b', '4096', '-o', 'Start,Sectors,Type-UUID,UUID', '-l', image.path]
          const { stdout, stderr } = await mustRun('fdisk', options)
          expect(stderr).toBe('')
          expect(stdout).toContain(`Disk identifier: ${DISK_GUID}`)
          const rows = stdout.split('\n').filter((line) => /^ *\d+ +\d+ /.test(line))
          expect(rows.map((row) => row.trim().split(/ +/))).toEqual(
            spec.partitions.map(({ start, size, type, guid }) => {
              return [String(start / 4096), String(size / 4096), type, guid]
            }),
          )
        })
      }),
      { numRuns: 10 },
    )
  })

  it('covers large disks as far as a protective MBR can', () => {
    const diskSize = 3 * 2 ** 40
    const [primary, backup] = encodeGpt({ diskSize, diskGuid: DISK_GUID, partitions: [] })
    // Status, first CHS, type, last CHS, first sector, sectors. (UEFI, table 5-4)
    expect([...primary.bytes.subarray(446, 462)]).toEqual([
      ...[0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
    ])
    expect(backup.offset).toBe(diskSize - 33 * 512)
  })

  const partition = { start: MIB, size: MIB, type: LINUX, guid: guidOf(0) }
  const encode = (partitions: GptPartitionSpec[], rest: Partial<GptSpec> = {}) =>
    encodeGpt({ diskSize: 16 * MIB, diskGuid: DISK_GUID, partitions, ...rest })

  it.each<[string, () => unknown, string]>([
    [
      'a place within a sector',
      () => encode([{ ...partition, start: MIB + 1 }]),
      'expected whole sectors of 512',
    ],
    [
      'a place within a sector of 4096 bytes',
      () => encode([{ ...partition, size: 512 }], { sectorSize: 4096 }),
      'expected whole sectors of 4096 bytes, found 512 bytes at 1048576',
    ],
    ['no size', () => encode([{ ...partition, size: 0 }]), 'expected whole sectors'],
    ['a place in the table', () => encode([{ ...partition, start: 33 * 512 }]), 'the first 17408 bytes'],
    [
      'an empty type',
      () => encode([{ ...partition, type: guidOf(0).replace(/\w/g, '0') }]),
      'an unused entry',
    ],
    ['what is no GUID', () => encode([{ ...partition, guid: 'root' }]), 'expected a GUID, found "root"'],
    ['a long name', () => encode([{ ...partition, name: 'x'.repeat(37) }]), 'at most 36 UTF-16 units'],
    ['a NUL in a name', () => encode([{ ...partition, name: 'a\0b' }]), 'without NUL'],
    [
      'a GUID for two',
      () => encode([partition, { ...partition, start: 4 * MIB, guid: guidOf(0).toLowerCase() }]),
      'partition 2 has the GUID of partition 1',
    ],
    [
      'overlaps',
      () =>
        encode([
          { ...partition, start: 2 * MIB - 512 },
          { ...partition, guid: guidOf(1) },
        ]),
      'partition 1 overlaps partition 2',
    ],
    [
      'too many partitions',
      () => encode(Array.from({ length: 129 }, (_, i) => ({ ...partition, guid: guidOf(i) }))),
      'holds 128 partitions, not 129',
    ],
    ['part of a sector', () => encode([], { diskSize: 16 * MIB + 1 }), 'a disk of whole sectors'],
    ['other sectors', () => encode([], { sectorSize: 2048 as 4096 }), '512 or 4096 bytes, found 2048'],
  ])('refuses %s', (_, attempt, message) => {
    expect(attempt).toThrow(RangeError)
    expect(attempt).toThrow(message)
  })

  it('refuses what does not fit before the backup', () => {
    const end = 16 * MIB - 33 * 512
    expect(() => encode([{ ...partition, size: end - MIB }])).not.toThrow()
    expect(() => encode([{ ...partition, size: end - MIB + 512 }])).toThrow(DoesNotFitError)
    expect(() => encode([], { diskSize: 67 * 512 })).toThrow(DoesNotFitError)
    expect(() => encode([], { diskSize: 68 * 512 })).not.toThrow()
  })
})

describe('placePartitions for a GPT', () => {
  const request = (size: number, start?: number) => ({ size, start, jsonPath: 'partitions[0]' }) as const

  it('leaves room for the table and its backup', () => {
    const options = { table: gptLayout({ sectorSize: 4096 }), align: 4096, diskSize: 24576 + 4096 + 20480 }
    const { placements, minDiskSize, issues } = placePartitions([{ size: 4096, jsonPath: '' }], options)
    expect(issues).toEqual([])
    expect(placements).toEqual([{ start: 24576, size: 4096 }])
    expect(minDiskSize).toBe(options.diskSize)
  })

  it('finds what lies on them', () => {
    const messagesOf = (...list: ReturnType<typeof request>[]) =>
      placePartitions(
        list.map(({ start, ...rest }) => ({ ...rest, ...(start !== undefined && { start }) })),
        {
          table: gptLayout(),
          diskSize: 4 * MIB,
        },
      ).issues.map(({ message }) => message)
    expect(messagesOf(request(512, 512))).toEqual([
      'overlaps the partition table, which takes the first 17408 bytes',
    ])
    expect(messagesOf(request(3 * MIB))).toEqual([
      'takes bytes 1048576 to 4194304 and overlaps the backup of the partition table, which takes the last 16896 bytes of the disk (4194304 bytes)',
    ])
    expect(messagesOf(request(4 * MIB))).toEqual([
      'takes bytes 1048576 to 5242880, beyond the end of the disk (4194304 bytes)',
    ])
    expect(messagesOf(...Array.from({ length: 129 }, (_, i) => request(512, MIB + i * 512)))).toEqual([
      'a GPT holds at most 128 partitions',
    ])
  })
})

describe('GUIDs', () => {
  it('are texts and bytes', () => {
    expect([...parseGuid(EFI)!.subarray(0, 10)]).toEqual([
      0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b,
    ])
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(parseGuid(formatGuid(bytes))).toEqual(bytes)
        expect(parseGuid(formatGuid(bytes).toLowerCase())).toEqual(bytes)
      }),
    )
    expect(parseGuid(`${EFI}0`)).toBeUndefined()
    expect(parseGuid('')).toBeUndefined()
  })
})
