/** Disks of random layouts are what sfdisk, sgdisk, parted and partx read, and what we find sound. */
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildImage, verifyImage, type BuildResult, type ImageSpec, type PartitionSpec } from 'diskwright'
import { inFolder, noise } from '../images/build.ts'
import { canRunUml, kernelPartitions } from '../judges/uml.ts'
import { partedPartitions, partxPartitions } from '../judges/parted.ts'
import { repartTypes } from '../judges/repart.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { sfdiskJson, sfdiskVerify } from '../judges/sfdisk.ts'
import { sgdiskProblems } from '../judges/sgdisk.ts'

const MIB = 2 ** 20
const canJudge =
  canRunUml() &&
  ['systemd-repart', 'sfdisk', 'sgdisk', 'parted', 'partx', 'mkswap', 'swaplabel', 'zstd'].every(requireJudge)

const BLOB = noise(70_001)

type Kind = 'empty' | 'swap' | 'raw' | 'raw with room' | 'btrfs' | 'btrfs of a size'

function partitionOf(kind: Kind, i: number): PartitionSpec {
  switch (kind) {
    case 'empty':
      return { type: 'empty', size: (i + 1) * 64 * 1024 }
    case 'swap':
      return { type: 'swap', size: 40 * 16384, pageSize: i % 2 === 0 ? 4096 : 65536, label: `swap ${i}` }
    case 'raw':
      return { type: 'raw', source: 'blob' }
    case 'raw with room':
      return { type: 'raw', source: 'blob', size: '1MiB', align: '64KiB' }
    case 'btrfs':
      return { type: 'btrfs', size: 'fit', slack: 0, label: `fs${i}`, sources: [{ files: { '/f': `${i}` } }] }
    case 'btrfs of a size':
      return { type: 'btrfs', size: '160MiB', sources: [{ files: { '/f': `${i}` } }] }
  }
}

const arbitraryKind = fc.constantFrom<Kind>(
  'empty',
  'empty',
  'swap',
  'raw',
  'raw with room',
  'btrfs',
  'btrfs of a size',
)

interface Layout {
  spec: ImageSpec
  sectorSize: 512 | 4096
}

const arbitraryLayout = fc
  .record({
    type: fc.constantFrom('mbr', 'gpt'),
    kinds: fc.array(arbitraryKind, { minLength: 1, maxLength: 7 }),
    sectorSize: fc.constantFrom(512 as const, 512 as const, 4096 as const),
    entries: fc.constantFrom(undefined, 128, 256, 130),
    entriesStart: fc.constantFrom(undefined, undefined, '1MiB'),
    isHybrid: fc.boolean(),
    blob: fc.constantFrom(undefined, undefined, '256KiB', '512KiB'),
    growing: fc.option(fc.nat(6), { nil: undefined }),
  })
  .map(({ type, kinds, blob, growing, ...gpt }): Layout => {
    const sectorSize = type === 'gpt' ? gpt.sectorSize : 512
    // Some hundred megabytes are enough.
    const isMany = (kind: Kind, i: number) =>
      kind.startsWith('btrfs') && kinds.slice(0, i).some((other) => other.startsWith('btrfs'))
    const partitions = kinds.map((kind, i) => partitionOf(isMany(kind, i) ? 'empty' : kind, i))
    const grows = growing === undefined ? undefined : growing % partitions.length
    // What grows needs the place of what follows.
    const isFixed =
      grows !== undefined && partitions.slice(grows + 1).every(({ size = 'fit' }) => size !== 'fit')
    if (isFixed) partitions[grows] = { ...partitions[grows], size: 'grow' }
    const isHybrid = type === 'gpt' && gpt.isHybrid
    if (blob !== undefined) partitions.unshift({ type: 'raw', source: 'blob', start: blob, inTable: false })
    return {
      sectorSize,
      spec: {
        ...(isFixed && { diskSize: '288MiB' }),
        table:
          type === 'mbr'
            ? { type: 'mbr' }
            : {
                type: 'gpt',
                sectorSize,
                ...(gpt.entries !== undefined && { entries: gpt.entries }),
                ...(gpt.entriesStart !== undefined && { entriesStart: gpt.entriesStart }),
                ...(isHybrid && { hybrid: [1] }),
              },
        partitions,
      },
    }
  })

/** Partitions as the result says. */
const placesOf = ({ partitions }: BuildResult) =>
  partitions.flatMap(({ number, start, size }) => (number === 0 ? [] : [{ number, start, size }]))

describe.skipIf(!canJudge)('a disk', () => {
  test('of any layout is read by all tools as it was described', () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'blob'), BLOB)
      const image = join(folder, 'disk.img')
      await fc.assert(
        fc.asyncProperty(arbitraryLayout, async ({ spec, sectorSize }) => {
          const options = { baseDirectory: folder, force: true, workers: 0 }
          const result = await buildImage(spec, { ...options, output: image })
          expect(statSync(image).size).toBe(result.imageSize)
          const places = placesOf(result)
          const withoutExtended = <T extends { number: number }>(found: T[]) =>
            found.filter(({ number }) => places.some((place) => place.number === number))
          expect(withoutExtended(await partxPartitions(image, sectorSize))).toEqual(places)
          if (sectorSize === 512) {
            await sfdiskVerify(image)
            const { partitions } = await sfdiskJson(image)
            const found = partitions.map(({ node, start, size }) => {
              return { number: Number(/\d+$/.exec(node)![0]), start: start * 512, size: size * 512 }
            })
            expect(withoutExtended(found)).toEqual(places)
            const { label, partitions: seen } = await partedPartitions(image)
            expect(withoutExtended(seen)).toEqual(places)
            expect(label).toMatch(spec.table.type === 'mbr' ? 'msdos' : /gpt/)
            if (spec.table.type === 'gpt') expect(await sgdiskProblems(image)).toBe('')
          }
          if (sectorSize === 512) {
            const seen = await kernelPartitions(image)
            expect(withoutExtended(seen).map(({ name, ...place }) => (void name, place))).toEqual(places)
          }
          for (const { type, start } of result.partitions) {
            if (type !== 'raw') continue
            await mustRun('cmp', ['-n', String(BLOB.length), '-i', `${start}:0`, image, join(folder, 'blob')])
          }
          const { findings } = await verifyImage(image)
          expect(findings).toEqual([])
          const compressed = join(folder, 'disk.img.zst')
          await buildImage(spec, { ...options, output: compressed })
          await mustRun('zstd', ['-qdf', compressed, '-o', join(folder, 'again.img')])
          await mustRun('cmp', [image, join(folder, 'again.img')])
        }),
        { numRuns: 10, endOnFailure: true },
      )
    }))

  test('has the types, names and attributes that were asked for', () =>
    inFolder(async (folder) => {
      const image = join(folder, 'disk.img')
      const partUuid = '44444444-4444-4444-8888-888888888889'
      const spec: ImageSpec = {
        table: { type: 'gpt', diskGuid: '55555555-4444-4444-8888-888888888889' },
        partitions: [
          { type: 'empty', size: '1MiB', gptType: 'esp', gptName: 'EFI ü', partUuid },
          {
            type: 'empty',
            size: '1MiB',
            gptType: 'linux-root-arm64',
            gptFlags: ['grow-file-system', 'no-auto', 50],
          },
          { type: 'empty', size: '1MiB', gptType: '0FC63DAF-8483-4772-8E79-3D69D8477DE4', bootable: true },
          { type: 'swap', size: '1MiB', label: 'sw' },
        ],
      }
      await buildImage(spec, { output: image })
      const { id, partitions } = await sfdiskJson(image)
      expect(id).toBe('55555555-4444-4444-8888-888888888889')
      expect(partitions.map(({ name = '', attrs = '' }) => [name, attrs])).toEqual([
        ['EFI ü', ''],
        ['', 'GUID:50,59,63'],
        ['', 'LegacyBIOSBootable'],
        ['sw', ''],
      ])
      expect(partitions[0].uuid).toBe(partUuid.toUpperCase())
      expect(await repartTypes(image)).toEqual(['esp', 'root-arm64', 'linux-generic', 'swap'])
    }))

  test('has the swap space that mkswap makes', () =>
    inFolder(async (folder) => {
      const [image, theirs] = [join(folder, 'swap.img'), join(folder, 'theirs.img')]
      for (const pageSize of [4096, 16384, 65536] as const) {
        const swap = { type: 'swap', size: 15 * 65536, label: 'pages', pageSize } as const
        const spec: ImageSpec = { table: { type: 'none' }, partitions: [swap] }
        const { imageSize, partitions } = await buildImage(spec, { output: image, force: true })
        const { uuid } = partitions[0] as { uuid: string }
        await mustRun('truncate', ['-s', '0', theirs])
        await mustRun('truncate', ['-s', String(imageSize), theirs])
        const asked = ['--pagesize', String(pageSize), '--uuid', uuid, '--label', 'pages']
        await mustRun('mkswap', [...asked, theirs])
        await mustRun('cmp', [image, theirs])
        const { stdout } = await mustRun('swaplabel', [image])
        expect(stdout).toContain(uuid)
        expect((await verifyImage(image)).findings).toEqual([])
      }
    }))

  test('over 2 TiB has a GPT, and its image no more bytes than it holds', () =>
    inFolder(async (folder) => {
      const image = join(folder, 'huge.img')
      const spec: ImageSpec = {
        diskSize: '5TiB',
        table: { type: 'gpt' },
        partitions: [
          { type: 'empty', size: '3TiB' },
          { type: 'btrfs', size: 'fit', sources: [{ files: { '/f': 'x' } }] },
        ],
      }
      const result = await buildImage(spec, { output: image })
      expect(result.imageSize).toBe(5 * 2 ** 40)
      expect(statSync(image).blocks * 512).toBeLessThan(8 * MIB)
      expect(await sgdiskProblems(image)).toBe('')
      expect((await partedPartitions(image)).partitions).toEqual(placesOf(result))
    }))
})

describe('a disk that cannot be', () => {
  const refusal = (spec: ImageSpec, ...issues: string[]) =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, 'blob'), BLOB)
      const output = join(folder, 'disk.img')
      const error = await buildImage(spec, { output, baseDirectory: folder }).then(
        () => undefined,
        (reason: Error) => reason,
      )
      expect(error?.message.split('\n')).toEqual(
        issues.map((issue) => expect.stringContaining(issue) as string),
      )
      expect(() => statSync(output)).toThrow('ENOENT')
    })
  const empty = { type: 'empty', size: '1MiB' } as const

  test('says all that is wrong, with places and figures', async () => {
    await refusal(
      {
        diskSize: '4MiB',
        table: { type: 'gpt', entriesStart: '64KiB', hybrid: [1, 7] },
        partitions: [
          { ...empty, gptType: 'esp' },
          { type: 'raw', source: 'blob', start: '64KiB', size: '1MiB', inTable: false },
          { ...empty, start: '3MiB' },
        ],
      },
      'table.hybrid[1]: there is no partition 7',
      'partitions[1].start: overlaps the partition table, which takes bytes 65536 to 81920',
      'partitions[1]: takes bytes 65536 to 1114112 and overlaps partitions[0] (bytes 1048576 to 2097152)',
      'partitions[2]: takes bytes 3145728 to 4194304 and overlaps the backup of the partition table, which takes the last 16896 bytes of the disk (4194304 bytes)',
    )
    await refusal(
      { table: { type: 'none' }, partitions: [{ ...empty, start: 512, mbrType: 1 }, empty] },
      'partitions[0].mbrType: needs a partition table',
      'partitions[0].start: must be 0',
      'partitions[1]: without a partition table, there is room for only one file system',
      'partitions[1]: a disk without a partition table holds at most 1',
    )
    await refusal(
      {
        table: { type: 'mbr' },
        partitions: [
          { ...empty, gptType: 'esp', partUuid: '44444444-4444-4444-8888-888888888889' },
          { ...empty, inTable: false, bootable: true },
        ],
      },
      'partitions[0].gptType: is for a GPT, but "table" has the type "mbr"',
      'partitions[0].partUuid: is for a GPT',
      'partitions[1].bootable: is for the partition table, but this has no entry in it',
    )
  })

  test('says so before anything is read', async () => {
    await refusal(
      { table: { type: 'gpt', hybrid: [1] }, partitions: [{ ...empty, start: '3TiB' }] },
      'partitions[0]: ends at byte 3298535931904, beyond the 2 TiB that a hybrid MBR can address',
    )
    await refusal(
      {
        diskSize: '3MiB',
        table: { type: 'gpt' },
        partitions: [
          { type: 'empty', size: 'grow' },
          { ...empty, size: '3MiB' },
        ],
      },
      'partitions[0].size: there is no room to grow into',
    )
    const files = { type: 'btrfs', size: 'fit' } as const
    await refusal(
      {
        table: { type: 'mbr' },
        sources: [{ files: { '/x': 'x' } }],
        partitions: [
          empty,
          { ...files, mount: '/home' },
          { ...files, mount: '/' },
          empty,
          { ...files, mount: '/var' },
        ],
      },
      'partitions[1]: is inside the extended partition, between logical partitions',
    )
  })

  test('is found out when sizes are known', async () => {
    await refusal(
      {
        table: { type: 'gpt' },
        partitions: [
          { type: 'raw', source: 'blob' },
          { ...empty, start: '1088KiB' },
        ],
      },
      'partition 1 does not fit: 70144 bytes needed, 65536 available',
    )
    await refusal(
      {
        diskSize: '64MiB',
        table: { type: 'gpt' },
        partitions: [{ type: 'btrfs', size: 'fit', slack: '128MiB' }],
      },
      'partition 1 does not fit: ',
    )
    await refusal(
      { table: { type: 'gpt' }, partitions: [{ type: 'raw', source: 'blob', size: '64KiB' }] },
      'blob in partition 1 does not fit: 70001 bytes needed, 65536 available',
    )
  })
})
