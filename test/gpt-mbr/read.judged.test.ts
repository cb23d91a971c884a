import { closeSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs'
import CRC32 from 'crc-32'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkTable } from '../../src/gpt-mbr/check/check.ts'
import { GptEntry, GptHeader } from '../../src/gpt-mbr/format.ts'
import { readTable } from '../../src/gpt-mbr/read/table.ts'
import { memorySource } from '../../src/lib/byte-source.ts'
import { formatFinding } from '../../src/lib/finding.ts'
import { driveSync } from '../../src/lib/read-routine.ts'
import { mustRun, requireJudge, runTool } from '../judges/run-tool.ts'
import { sfdiskJson, sfdiskVerify, sfdiskWrite } from '../judges/sfdisk.ts'
import { sgdisk, sgdiskProblems } from '../judges/sgdisk.ts'
import { withImage } from '../images/sparse-image.ts'

const MIB = 2 ** 20
const hasSfdisk = requireJudge('sfdisk')
const hasSgdisk = requireJudge('sgdisk')
const hasFdisk = requireJudge('fdisk')
const hasMkfs = requireJudge('mkfs.fat')

const DISK = 16 * MIB
const DISK_SECTORS = DISK / 512

function read(bytes: Uint8Array, diskSize = bytes.length) {
  const faults: string[] = []
  const table = driveSync(
    memorySource(bytes),
    readTable(diskSize, (fault) => faults.push(formatFinding(fault))),
  )
  return { table, faults }
}

function check(bytes: Uint8Array, diskSize = bytes.length): string[] {
  const faults: string[] = []
  driveSync(
    memorySource(bytes),
    checkTable(diskSize, (fault) => faults.push(formatFinding(fault))),
  )
  return faults
}

const bytesOf = (path: string) => new Uint8Array(readFileSync(path))

/** Some partitions one behind the other, with gaps. In sectors. */
const placesOf = (least: number, most: number, size: number) =>
  fc.array(
    fc.record({
      gap: fc.nat(Math.floor(size / 40)),
      sectors: fc.integer({ min: 1, max: Math.floor(size / 20) }),
    }),
    {
      minLength: least,
      maxLength: most,
    },
  )

interface Place {
  gap: number
  sectors: number
}

/** @param before sectors that each partition keeps free before it */
function placed(places: readonly Place[], from: number, before = 0): { start: number; size: number }[] {
  let end = from
  return places.map(({ gap, sectors }) => {
    const start = end + before + gap
    end = start + sectors
    return { start, size: sectors }
  })
}

/** What sfdisk says, in our words. */
async function sfdiskTable(path: string) {
  const table = await sfdiskJson(path)
  return table.partitions.map(({ node, start, size, type, bootable, name, uuid }) => ({
    number: Number(/\d+$/.exec(node)![0]),
    start: start * 512,
    size: size * 512,
    type: table.label === 'gpt' ? type : parseInt(type, 16),
    bootable: bootable ?? false,
    name: name ?? '',
    guid: uuid,
  }))
}

const ourTable = (table: ReturnType<typeof read>['table']) =>
  table?.partitions.map(({ number, start, size, type, bootable, name, guid }) => {
    return { number, start, size, type, bootable, name, guid }
  })

describe.skipIf(!hasSfdisk)('readPartitionTable', () => {
  it('reads logical partitions as sfdisk does', async () => {
    await fc.assert(
      fc.asyncProperty(
        placesOf(0, 3, DISK_SECTORS / 2),
        placesOf(0, 9, DISK_SECTORS / 2),
        fc.constantFrom('5', 'f', '85'),
        async (primary, logical, type) => {
          await withImage(DISK, async (image) => {
            const lines = placed(primary, 1).map(({ start, size }) => `start=${start}, size=${size}, type=83`)
            const start = DISK_SECTORS / 2
            lines.push(`start=${start}, size=${DISK_SECTORS - start}, type=${type}`)
            // sfdisk numbers logical partitions from 5, however many primary ones there are.
            placed(logical, start, 64).forEach(({ start, size }, i) => {
              lines.push(`${image.path}${5 + i} : start=${start}, size=${size}, type=${i % 2 ? 'c' : '82'}`)
            })
            await sfdiskWrite(image.path, ['label: dos', ...lines, ''].join('\n'))
            const { table, faults } = read(bytesOf(image.path))
            expect(faults).toEqual([])
            expect(ourTable(table)).toEqual(await sfdiskTable(image.path))
            expect(table?.partitions.filter(({ isLogical }) => isLogical)).toHaveLength(logical.length)
            expect(table?.partitions.filter(({ isExtended }) => isExtended)).toHaveLength(1)
            expect(check(bytesOf(image.path))).toEqual([])
          })
        },
      ),
      { numRuns: 10 },
    )
  })

  it('reads a GPT as sfdisk does', async () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'Z', ' ', '-', 'ö', '目', '😀'), maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        placesOf(0, 20, DISK_SECTORS - 4096),
        fc.array(fc.record({ name, bootable: fc.boolean() }), { minLength: 20, maxLength: 20 }),
        async (places, rest) => {
          await withImage(DISK, async (image) => {
            const lines = placed(places, 2048).map(({ start, size }, i) => {
              const attributes = rest[i].bootable ? ', attrs="LegacyBIOSBootable"' : ''
              return `start=${start}, size=${size}, type=L, name="${rest[i].name}"${attributes}`
            })
            await sfdiskWrite(image.path, ['label: gpt', ...lines, ''].join('\n'))
            const { table, faults } = read(bytesOf(image.path))
            expect(faults).toEqual([])
            expect(table).toMatchObject({ type: 'gpt', sectorSize: 512, usesBackup: false })
            expect(table!.guid).toBe((await sfdiskJson(image.path)).id)
            expect(ourTable(table)?.map((one) => ({ ...one, bootable: false }))).toEqual(
              await sfdiskTable(image.path),
            )
            expect(table!.partitions.map(({ bootable }) => bootable)).toEqual(
              rest.slice(0, places.length).map(({ bootable }) => bootable),
            )
            expect(check(bytesOf(image.path))).toEqual([])
          })
        },
      ),
      { numRuns: 8 },
    )
  })

  it.skipIf(!hasFdisk)('reads a GPT of a disk with sectors of 4096 bytes', async () => {
    await withImage(DISK, async (image) => {
      await mustRun('fdisk', ['-b', '4096', image.path], { input: 'g\nn\n3\n300\n+8\nw\n' })
      const { table } = read(bytesOf(image.path))
      expect(table).toMatchObject({
        type: 'gpt',
        sectorSize: 4096,
        partitions: [{ number: 3, start: 300 * 4096, size: 9 * 4096 }],
      })
      expect(check(bytesOf(image.path))).toEqual([])
    })
  })

  it.skipIf(!hasSgdisk)('tells hybrids from others', async () => {
    await withImage(DISK, async (image) => {
      await sgdisk(image.path, '-n', '1:2048:4095', '-n', '2:8192:0', '-t', '1:EF00', '-c', '1:boot')
      await sgdisk(image.path, '-h', '1')
      const { table } = read(bytesOf(image.path))
      expect(table).toMatchObject({
        type: 'hybrid',
        partitions: [
          { number: 1, start: MIB, size: MIB, name: 'boot' },
          { number: 2, start: 4 * MIB },
        ],
      })
      expect(table!.mbr.partitions.map(({ type, start }) => [type, start])).toEqual([
        [0xee, 512],
        [0xef, MIB],
      ])
      expect(check(bytesOf(image.path))).toEqual([])
      const bytes = bytesOf(image.path)
      bytes[446 + 16 + 8]++
      expect(check(bytes)).toEqual([expect.stringContaining('expected a partition that is in the GPT, too')])
    })
  })

  it.skipIf(!hasSgdisk)('reads the copy of a GPT when the first one is damaged, and says so', async () => {
    await withImage(DISK, async (image) => {
      await sgdisk(image.path, '-n', '1:2048:4095', '-c', '1:boot')
      const sound = bytesOf(image.path)
      const expected = read(sound).table!
      for (const at of [512, 512 + 16, 512 + 24, 512 + 72, 1024, 1024 + 60]) {
        const bytes = sound.slice()
        bytes[at] ^= 0x10
        const { table, faults } = read(bytes)
        expect(table).toMatchObject({ type: 'gpt', usesBackup: true, guid: expected.guid })
        expect(table!.partitions.map(({ start, size, name }) => [start, size, name])).toEqual([
          [MIB, MIB, 'boot'],
        ])
        expect(faults).toHaveLength(1)
        expect(faults[0]).toMatch(/^GPT (header|entries)/)
        expect(check(bytes)).toContain(faults[0])
        bytes[DISK - 512]++
        expect(() => read(bytes)).toThrow(/^GPT/)
      }
      // The copy alone.
      const bytes = sound.slice()
      bytes[DISK - 500]++
      expect(read(bytes)).toMatchObject({ faults: [], table: { usesBackup: false } })
      expect(check(bytes)).toEqual([expect.stringMatching(/^copy of the GPT header, headerCrc/)])
    })
  })

  it.skipIf(!hasMkfs)('finds no table where a file system takes the whole disk', async () => {
    for (const bits of [12, 16, 32]) {
      await withImage(40 * MIB, async (image) => {
        await mustRun('mkfs.fat', ['-F', String(bits), ...(bits === 12 ? ['-s', '64'] : []), image.path])
        expect(read(bytesOf(image.path))).toEqual({ table: undefined, faults: [] })
        expect(check(bytesOf(image.path))).toEqual([])
      })
    }
    expect(read(new Uint8Array(MIB)).table).toBeUndefined()
    expect(read(new Uint8Array(0)).table).toBeUndefined()
    expect(read(new Uint8Array(100)).table).toBeUndefined()
  })

  it('ends where a chain of logical partitions leads in circles or away', async () => {
    await withImage(DISK, async (image) => {
      const script = [
        'label: dos',
        'size=2048, type=83',
        'type=5',
        ...Array<string>(4).fill('size=2048, type=83'),
        '',
      ]
      await sfdiskWrite(image.path, script.join('\n'))
      const sound = bytesOf(image.path)
      const link = (entry: number) => 446 + 16 + entry
      const { table } = read(sound)
      const ebr = table!.partitions
        .filter(({ isLogical }) => isLogical)
        .map(({ entryOffset }) => entryOffset - 446)
      expect(ebr).toHaveLength(4)
      for (const [value, found] of [
        [0, /found one that was there before$/],
        [DISK_SECTORS, /found one at \d+$/],
      ] as const) {
        const bytes = sound.slice()
        new DataView(bytes.buffer).setUint32(ebr[1] + link(8), value, true)
        const { table, faults } = read(bytes)
        expect(table!.partitions.map(({ number }) => number)).toEqual([1, 2, 5, 6])
        expect(faults).toEqual([expect.stringMatching(found)])
        expect(check(bytes)).toEqual(faults)
      }
      const bytes = sound.slice()
      bytes[ebr[2] + 510] = 0
      expect(read(bytes).table!.partitions.map(({ number }) => number)).toEqual([1, 2, 5, 6])
      expect(read(bytes).faults).toEqual([expect.stringMatching(/^extended partition 2, boot signature/)])
    })
  })

  it('takes any bytes', () => {
    const sector = fc.uint8Array({ minLength: 512, maxLength: 512 })
    fc.assert(
      fc.property(sector, sector, fc.boolean(), (first, second, isGpt) => {
        const bytes = new Uint8Array(8192)
        for (let at = 0; at < bytes.length; at += 512) bytes.set(at % 1024 ? second : first, at)
        bytes.set([0x55, 0xaa], 510)
        for (let i = 0; i < 4; i++) bytes[446 + i * 16] &= 0x80
        if (isGpt) bytes[450] = 0xee
        check(bytes)
        try {
          read(bytes)
        } catch (error) {
          expect(error).toMatchObject({ code: 'CORRUPT' })
        }
      }),
    )
  })
})

/** Changes a byte, shows the disk to a judge, and puts it back. */
async function withByte<T>(
  path: string,
  at: number,
  value: number,
  was: number,
  work: () => Promise<T>,
): Promise<T> {
  const file = openSync(path, 'r+')
  const put = (byte: number) => writeSync(file, Uint8Array.of(byte), 0, 1, at)
  try {
    put(value)
    return await work()
  } finally {
    put(was)
    closeSync(file)
  }
}

/**
 * What it takes as it is: addresses for a BIOS, marks for what is booted, entries that are empty, lie on the table or
 * beyond the end of the disk, and extended partitions that overlap others or whose tables are no tables.
 */
const UNSEEN_BY_SFDISK = new RegExp(
  [
    /, CHS of /,
    /, status at /,
    / to be bootable/,
    / expected at least a sector/,
    /^extended partition /,
    /^partition 3 .* overlaps /,
    / overlaps partition 3$/,
    / where the disk ends/,
    / expected a place after the table/,
    / expected one extended partition, /,
    // A logical partition that lies on its own table.
    / expected a place from \d+ to \d+, in partition 3, /,
  ]
    .map(({ source }) => source)
    .join('|'),
)

/** It does not mind what the protective partition says of itself, as long as it begins the disk. */
const UNSEEN_BY_SGDISK = /^partition \d, status at|^protective MBR at| expected a protective partition /

/** Whether a byte is in an entry of the MBR whose type says that it is not used. sgdisk goes by its size. */
function isUnusedEntry(disk: Uint8Array, at: number): boolean {
  const entry = Math.floor((at - 446) / 16)
  return entry >= 0 && entry < 4 && disk[446 + entry * 16 + 4] === 0 && (at - 446) % 16 !== 4
}

/** A disk whose GPT says something else, with the right checksums. */
function changedGpt(
  sound: Uint8Array,
  asked: { value: number; copies: readonly number[] } & (
    | { what: 'firstUsableLba' | 'lastUsableLba' | 'alternateLba' }
    | { what: 'firstLba' | 'lastLba' | 'guid'; entry: number }
  ),
): Uint8Array {
  const bytes = sound.slice()
  for (const copy of asked.copies) {
    const at = copy === 0 ? 512 : DISK - 512
    const header = GptHeader.decode(bytes, at)
    const entriesAt = header.entriesLba * 512
    if ('entry' in asked) {
      const entryAt = entriesAt + asked.entry * 128
      const entry = GptEntry.decode(bytes, entryAt)
      if (asked.what !== 'guid') entry[asked.what] = asked.value
      else entry.guid = GptEntry.decode(bytes, entriesAt + (asked.value % 3) * 128).guid
      bytes.set(GptEntry.encode(entry), entryAt)
      header.entriesCrc = CRC32.buf(bytes.subarray(entriesAt, entriesAt + 128 * 128)) >>> 0
    } else header[asked.what] = asked.value
    header.headerCrc = CRC32.buf(GptHeader.encode({ ...header, headerCrc: 0 })) >>> 0
    bytes.set(GptHeader.encode(header), at)
  }
  return bytes
}

describe('checkPartitionTable', () => {
  it.skipIf(!hasSfdisk)('and sfdisk find something wrong with the same MBRs', async () => {
    await withImage(DISK, async (image) => {
      const script = [
        'label: dos',
        'start=2048, size=2048, type=83, bootable',
        'start=8192, size=2048, type=c',
        'start=16384, size=16384, type=5',
        ...Array<string>(2).fill('size=2048, type=83'),
        '',
      ]
      await sfdiskWrite(image.path, script.join('\n'))
      const sound = bytesOf(image.path)
      await sfdiskVerify(image.path)
      expect(check(sound)).toEqual([])
      const ebrs = read(sound)
        .table!.partitions.filter(({ isLogical }) => isLogical)
        .map(({ entryOffset }) => entryOffset)
      const places = [446, 462, 478, ...ebrs, ebrs[0] + 16]
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...places),
          fc.nat(15),
          fc.oneof(fc.constantFrom(0, 1, 0x80, 0xff), fc.nat(255)),
          async (entry, within, value) => {
            const at = entry + within
            const bytes = sound.slice()
            bytes[at] = value
            const mine = check(bytes)
            const theirs = await withByte(image.path, at, value, sound[at], async () => {
              const { code, stdout, stderr } = await runTool('sfdisk', ['--verify', image.path])
              return code !== 0 || stderr !== '' || !stdout.includes('No errors detected')
                ? stdout + stderr
                : ''
            })
            if (theirs !== '') expect(mine, theirs).not.toEqual([])
            else expect(mine.filter((fault) => !UNSEEN_BY_SFDISK.test(fault))).toEqual([])
          },
        ),
        {
          numRuns: 60,
          examples: [
            [ebrs[0], 9, 0],
            [446, 4, 5],
          ],
        },
      )
    })
  })

  it.skipIf(!hasSgdisk)('and sgdisk find something wrong with the same GPTs', async () => {
    await withImage(DISK, async (image) => {
      await sgdisk(image.path, '-n', '1:2048:4095', '-n', '2:8192:12287', '-n', '3:16384:20479')
      const sound = bytesOf(image.path)
      expect(await sgdiskProblems(image.path)).toBe('')
      expect(check(sound)).toEqual([])
      const end = DISK - 512
      const place = fc.oneof(
        fc.integer({ min: 512, max: 512 + 91 }),
        fc.integer({ min: end, max: end + 91 }),
        fc.integer({ min: 1024, max: 1024 + 512 }),
        fc.integer({ min: end - 32 * 512, max: end - 31 * 512 }),
        fc.integer({ min: 446, max: 446 + 64 }),
      )
      await fc.assert(
        fc.asyncProperty(place, fc.oneof(fc.constantFrom(0, 1, 0xff), fc.nat(255)), async (at, value) => {
          const bytes = sound.slice()
          bytes[at] = value
          const mine = check(bytes)
          const theirs = await withByte(image.path, at, value, sound[at], () => sgdiskProblems(image.path))
          if (theirs === '') expect(mine.filter((fault) => !UNSEEN_BY_SGDISK.test(fault))).toEqual([])
          else if (!isUnusedEntry(sound, at)) expect(mine, theirs).not.toEqual([])
        }),
        { numRuns: 60, examples: [[446, 1]] },
      )
    })
  })

  it.skipIf(!hasSgdisk)('and sgdisk find the same GPTs wrong whose checksums are right', async () => {
    await withImage(DISK, async (image) => {
      await sgdisk(image.path, '-n', '1:2048:4095', '-n', '2:8192:12287', '-n', '3:16384:20479')
      const sound = bytesOf(image.path)
      const lba = fc.oneof(
        fc.constantFrom(0, 1, 2, 33, 34, 35, 2047, 2048, 4095, 4096, 12287, 16384, 20479),
        fc.integer({ min: DISK_SECTORS - 36, max: DISK_SECTORS + 1 }),
      )
      const change = fc.oneof(
        fc.record({
          what: fc.constantFrom('firstUsableLba' as const, 'lastUsableLba' as const, 'alternateLba' as const),
          value: lba,
          copies: fc.constantFrom([0], [1], [0, 1]),
        }),
        fc.record({
          what: fc.constantFrom('firstLba' as const, 'lastLba' as const, 'guid' as const),
          value: lba,
          entry: fc.nat(2),
          copies: fc.constantFrom([0], [1], [0, 1]),
        }),
      )
      const file = openSync(image.path, 'r+')
      await fc.assert(
        fc.asyncProperty(change, async (asked) => {
          const bytes = changedGpt(sound, asked)
          writeSync(file, bytes, 0, bytes.length, 0)
          const theirs = await sgdiskProblems(image.path)
          const mine = check(bytes)
          if (theirs !== '') expect(mine, theirs).not.toEqual([])
          // The usable sectors may not even touch the entries, copies must agree, and a GUID is for one partition.
          else expect(mine.filter((fault) => !/^GPT header, | a GUID of its own/.test(fault))).toEqual([])
        }),
        { numRuns: 50 },
      )
      closeSync(file)
    })
  })

  it.skipIf(!hasSgdisk)('finds partitions outside of the usable sectors', async () => {
    await withImage(DISK, async (image) => {
      await sgdisk(image.path, '-n', '1:2048:4095')
      const sound = bytesOf(image.path)
      for (const [what, value] of [
        ['firstLba', 33],
        ['lastLba', DISK_SECTORS - 33],
      ] as const) {
        const bytes = changedGpt(sound, { what, value, entry: 0, copies: [0, 1] })
        expect(check(bytes)).toEqual([expect.stringContaining('in the usable sectors')])
      }
    })
  })

  it.skipIf(!hasSgdisk)('finds that a disk has grown or shrunk', async () => {
    await withImage(DISK, async (image) => {
      await sgdisk(image.path, '-n', '1:2048:4095', '-n', '2:8192:0')
      for (const size of [DISK + MIB, DISK - MIB]) {
        truncateSync(image.path, size)
        expect(await sgdiskProblems(image.path)).not.toBe('')
        expect(check(bytesOf(image.path))).not.toEqual([])
        expect(read(bytesOf(image.path)).table).toMatchObject({ type: 'gpt', usesBackup: false })
      }
    })
  })
})
