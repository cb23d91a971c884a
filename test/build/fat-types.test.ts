/** FAT12, FAT16 and FAT32 partitions, from the description to what every command says of the image. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveMountConfig } from '@zenfs/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Fat } from '../../src/zenfs/index.ts'
import { BootSector, BootSector16 } from '../../src/fat32/format.ts'
import { memorySink, writeFat } from '../../src/fat32/index.ts'
import {
  buildImage,
  diffImages,
  DoesNotFitError,
  extractTo,
  inspectImage,
  InputError,
  openImage,
  planImage,
  verifyImage,
  type Difference,
  type Entry,
  type FatSpec,
  type ImageSpec,
} from '../../src/index.ts'

const MIB = 2 ** 20
let folder: string
let image: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fat-types-'))
  image = join(folder, 'disk.img')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const ENTRIES: Entry[] = [
  { path: '/config.txt', type: 'file', content: 'arm_64bit=1\n' },
  { path: '/Overlays/a longer name.dtbo', type: 'file', content: new Uint8Array(300_000).fill(7) },
]

const spec = (partition: FatSpec): ImageSpec => ({
  table: { type: 'mbr' },
  uboot: { check: false },
  partitions: [{ sources: [{ entries: ENTRIES }], ...partition }],
})

const build = (partition: FatSpec, output = image) =>
  buildImage(spec(partition), { output, force: true, workers: 0 })

const TYPES = ['fat12', 'fat16', 'fat32'] as const

describe.each(TYPES)('a partition of the type %s', (type) => {
  test('as small as its content is read by all that reads images', async () => {
    const { partitions, imageSize } = await build({ type, size: 'fit', label: 'FIRM', slack: '100KiB' })
    const [partition] = partitions
    expect(partition).toMatchObject({ type, label: 'FIRM', files: 2, directories: 2, start: MIB })
    expect(imageSize).toBe(MIB + partition.size)
    expect(partition).toMatchObject({ freeBytes: expect.any(Number) as number })
    expect('freeBytes' in partition && partition.freeBytes).toBeGreaterThanOrEqual(100 * 1024)

    expect(await verifyImage(image)).toMatchObject({
      findings: [],
      partitions: [{ content: type, label: 'FIRM' }],
    })
    const { partitions: inspected } = await inspectImage(image)
    expect(inspected).toMatchObject([
      { fileSystem: { type, clusterSize: 'clusterSize' in partition && partition.clusterSize, files: 2 } },
    ])
    const mounted = await resolveMountConfig({ backend: Fat, image })
    expect(mounted.readdirSync('/overlays')).toEqual(['a longer name.dtbo'])
    await mounted.close()
    const opened = await openImage(image)
    const fileSystem = await opened.partition(1).open()
    expect((await fileSystem.list('/overlays')).map(({ name }) => name)).toEqual(['a longer name.dtbo'])
    expect(await fileSystem.readFile('/OVERLAYS/A LONGER NAME.DTBO')).toEqual(new Uint8Array(300_000).fill(7))
    await opened.close()

    const other = join(folder, 'other.img')
    await build({ type, size: 'fit', label: 'FIRM', slack: '1MiB', clusterSize: 512 }, other)
    const differences: Difference[] = []
    for await (const difference of diffImages(image, other)) differences.push(difference)
    expect(differences.filter(({ path }) => path !== undefined)).toEqual([])
    const copy = join(folder, type)
    expect(await extractTo(image, copy, { partition: 'FIRM' })).toMatchObject({ files: 2 })
    expect(await readFile(join(copy, 'Overlays/a longer name.dtbo'))).toHaveLength(300_000)
  })

  test('has the type byte of its FAT, and as hidden sectors those before it', async () => {
    const start = 3 * MIB
    await build({ type, size: 'fit', start })
    const bytes = await readFile(image)
    expect(bytes[446 + 4]).toBe({ fat12: 0x01, fat16: 0x0e, fat32: 0x0c }[type])
    const boot = (type === 'fat32' ? BootSector : BootSector16).decode(bytes.subarray(start))
    expect(boot.hiddenSectors).toBe(start / 512)
    await build({ type, size: 'fit', start, sectorSize: 4096 })
    const large = (type === 'fat32' ? BootSector : BootSector16).decode(
      (await readFile(image)).subarray(start),
    )
    expect([large.bytesPerSector, large.hiddenSectors]).toEqual([4096, start / 4096])
    await build({ type, size: 'fit', hiddenSectors: 63 })
    const told = (type === 'fat32' ? BootSector : BootSector16).decode((await readFile(image)).subarray(MIB))
    expect(told.hiddenSectors).toBe(63)
  })

  test('is planned as it is described', async () => {
    const { partitions } = await planImage(spec({ type, size: 'fit', media: 0xf0, driveNumber: '0x81' }))
    expect(partitions).toMatchObject([
      {
        ...{ type, size: 'fit', slack: 0, sectorSize: 512, clusterTable: 'mkfs.fat', fats: 2 },
        ...{ media: '0xf0', driveNumber: '0x81', oemName: 'MSWIN4.1' },
      },
    ])
  })
})

describe('the disk', () => {
  const bootSectorAt = async (start: number) =>
    BootSector16.decode((await readFile(image)).subarray(start, start + 512))
  const fat16 = { type: 'fat16' } as const
  const disk = (spec: Omit<ImageSpec, 'table'>, sectorSize?: 4096) =>
    buildImage(
      { table: { type: 'gpt', ...(sectorSize && { sectorSize }) }, ...spec },
      { output: image, force: true, workers: 0 },
    )

  test('has FAT that fit one behind the other', async () => {
    const sources = () => [{ entries: ENTRIES }]
    const { partitions } = await disk({
      partitions: [
        { type: 'fat12', size: 'fit', sources: sources() },
        { type: 'fat16', size: 'fit', sources: sources() },
        { type: 'fat32', size: 'fit', sources: sources() },
        { type: 'btrfs', size: 'fit', sources: sources() },
      ],
    })
    expect(partitions.map(({ type }) => type)).toEqual(['fat12', 'fat16', 'fat32', 'btrfs'])
    const ends = partitions.map(({ start, size }) => start + size)
    for (const [i, { start }] of partitions.slice(1).entries()) {
      expect(start).toBe(Math.ceil(ends[i] / MIB) * MIB)
    }
    expect((await bootSectorAt(partitions[1].start)).hiddenSectors).toBe(partitions[1].start / 512)
    expect((await verifyImage(image)).findings).toEqual([])
  })

  test('decides the sectors of a FAT that says nothing of them', async () => {
    await disk({ partitions: [{ ...fat16, size: 'fit', sources: [{ entries: ENTRIES }] }] }, 4096)
    expect(await bootSectorAt(MIB)).toMatchObject({ bytesPerSector: 4096, hiddenSectors: MIB / 4096 })
    expect((await verifyImage(image)).findings).toEqual([])
    const attempt = disk(
      { partitions: [{ ...fat16, size: 'fit', sectorSize: 512, sources: [{ entries: ENTRIES }] }] },
      4096,
    )
    await expect(attempt).rejects.toThrow(
      'partitions[0].sectorSize: is less than a sector of the disk, which has 4096 bytes',
    )
  })

  test('is filled by a FAT that grows', async () => {
    const { partitions, imageSize } = await disk({
      diskSize: 64 * MIB + 512,
      partitions: [{ ...fat16, size: 'grow', sectorSize: 4096, sources: [{ entries: ENTRIES }] }],
    })
    expect(imageSize).toBe(64 * MIB + 512)
    const { totalSectors16, totalSectors } = await bootSectorAt(MIB)
    expect((totalSectors16 || totalSectors) * 4096).toBe(partitions[0].size - (partitions[0].size % 4096))
    expect((await verifyImage(image)).findings).toEqual([])
  })

  test('may be a FAT alone, with the bytes of writeFat', async () => {
    const options = { type: 'fat12', size: '1440KiB', label: 'FLOPPY' } as const
    const { imageSize } = await buildImage(
      { table: { type: 'none' }, partitions: [{ ...options, sources: [{ entries: ENTRIES }] }] },
      { output: image, force: true, workers: 0 },
    )
    expect(imageSize).toBe(1440 * 1024)
    expect(await bootSectorAt(0)).toMatchObject({ media: 0xf0, hiddenSectors: 0, sectorsPerTrack: 18 })
    const sink = memorySink()
    await writeFat(options, ENTRIES, sink)
    expect(Buffer.compare(sink.bytes(), await readFile(image))).toBe(0)
  })
})

test('a root directory without room is an error that names the entry', async () => {
  const entries = Array.from({ length: 17 }, (_, i): Entry => ({ path: `/F${i}`, type: 'file' }))
  const attempt = build({ type: 'fat16', size: 'fit', rootEntries: 16, sources: [{ entries }] })
  await expect(attempt).rejects.toBeInstanceOf(InputError)
  await expect(attempt).rejects.toThrow('entry "F16": does not fit into the root directory')
})

test('content that no FAT of the type can hold is an error', async () => {
  const size = 300 * MIB
  const content = async function* () {
    for (let i = 0; i < 300; i++) yield await Promise.resolve(new Uint8Array(MIB))
  }
  const entries: Entry[] = [{ path: '/large', type: 'file', size, content: content() }]
  await expect(build({ type: 'fat12', size: 'fit', sources: [{ entries }] })).rejects.toBeInstanceOf(
    DoesNotFitError,
  )
})

test('boot files of a Raspberry Pi may lie on FAT16', async () => {
  const { findings } = await build({
    type: 'fat16',
    size: '64MiB',
    sources: [],
    firmware: { piVersion: 4, extraConfig: ['disable_splash=1'] },
  })
  const opened = await openImage(image)
  const fileSystem = await opened.partition(1).open()
  expect(new TextDecoder().decode(await fileSystem.readFile('/config.txt'))).toContain('disable_splash=1')
  await opened.close()
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
})
