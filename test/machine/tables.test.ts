/** Partition tables as U-Boot reads them, of now and of years ago: what is in the description is what it lists. */
import { buildImage } from 'diskwright'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ImageSpec, PartitionSpec, TableSpec } from '../../src/spec/image-spec.ts'
import { inFolder } from '../images/build.ts'
import { canAskUboot, ubootPartitions } from '../judges/uboot-sandbox.ts'

const MIB = 2 ** 20
const UUIDS = [1, 2, 3, 4, 5].map((digit) => `6a1c5d7e-2f0b-4c93-9d48-${String(digit).repeat(12)}`)

/** Five partitions, the last one bootable, with a gap before the second. */
const PLACES = [
  { start: 2 * MIB, size: 36 * MIB },
  { start: 40 * MIB, size: 1 * MIB },
  { start: 41 * MIB, size: 24 * MIB },
  { start: 66 * MIB, size: 2 * MIB },
  { start: 70 * MIB, size: 120 * MIB },
]
const CONTENT: PartitionSpec[] = [
  { type: 'fat32', label: 'ESP', size: 0 },
  { type: 'empty', size: 0 },
  { type: 'btrfs', label: 'HOME', size: 0 },
  { type: 'swap', label: 'SWAP', size: 0 },
  { type: 'btrfs', label: 'ROOT', bootable: true, size: 0 },
]
const placed = (i: number): PartitionSpec => ({ ...CONTENT[i], ...PLACES[i] })

const GPT_TYPES = [
  ['esp', 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b'],
  ['bios-boot', '21686148-6449-6e6f-744e-656564454649'],
  ['home', '933ac7e1-2eb4-4f13-b844-0e14e2aef915'],
  ['swap', '0657fd6d-a4ab-43c4-84e5-0933c84b4f4f'],
  ['root-arm64', 'b921b045-1df0-41c3-af44-4c6f280d3fae'],
]
const NAMES = ['EFI system', 'boot code', 'home of all', '', 'root']

const describeGpt = (table: Partial<TableSpec> = {}): ImageSpec => ({
  table: { type: 'gpt', ...table },
  partitions: PLACES.map((_, i) => ({
    ...placed(i),
    gptType: GPT_TYPES[i][0],
    gptName: NAMES[i],
    partUuid: UUIDS[i],
    ...(i === 2 && { gptFlags: ['grow-file-system', 'no-auto'] }),
  })),
})

const expectedGpt = PLACES.map((place, i) => ({
  number: i + 1,
  ...place,
  type: GPT_TYPES[i][1],
  name: NAMES[i],
  uuid: UUIDS[i],
  attributes: [0n, 0n, (1n << 59n) | (1n << 63n), 0n, 4n][i],
}))

describe.each((['new', 'old'] as const).filter(canAskUboot))('U-Boot, %s', (uboot) => {
  test.each<[string, Partial<TableSpec>]>([
    ['a GPT', {}],
    ['a hybrid table', { hybrid: [1, 3] }],
    ['a GPT of more entries, which lie behind boot loaders', { entries: 256, entriesStart: '1MiB' }],
  ])('lists %s', (_, table) =>
    inFolder(async (folder) => {
      const output = join(folder, 'disk.img')
      await buildImage(describeGpt(table), { output, baseDirectory: folder })
      const found = await ubootPartitions(uboot, output)
      expect(found).toEqual({ type: 'EFI', bootable: [1, 5], partitions: expectedGpt })
    }),
  )

  test('lists an MBR with logical partitions', () =>
    inFolder(async (folder) => {
      const output = join(folder, 'disk.img')
      const spec: ImageSpec = {
        table: { type: 'mbr', diskId: '0x2178694e' },
        partitions: PLACES.map((_, i) => placed(i)),
      }
      await buildImage(spec, { output, baseDirectory: folder })
      const { type, bootable, partitions } = await ubootPartitions(uboot, output)
      const numbers = [1, 2, 3, 5, 6]
      const types = ['0c', '83', '83', '82', '83']
      expect({ type, bootable }).toEqual({ type: 'DOS', bootable: [6] })
      expect(partitions.filter(({ number }) => number !== 4)).toEqual(
        PLACES.map((place, i) => ({
          number: numbers[i],
          ...place,
          type: types[i],
          uuid: `2178694e-0${numbers[i]}`,
        })),
      )
      expect(partitions.find(({ number }) => number === 4)!.type).toMatch(/^0[5f]$/)
    }))
})

test.skipIf(!canAskUboot('new'))('U-Boot lists a GPT of 4096-byte sectors', () =>
  inFolder(async (folder) => {
    const output = join(folder, 'disk.img')
    const spec = describeGpt({ sectorSize: 4096 })
    const [fat] = spec.partitions
    // FAT32 has more than 65,524 clusters, here of at least one large sector.
    const others = spec.partitions.slice(1).map((partition, i) => ({
      ...partition,
      start: PLACES[i + 1].start + 300 * MIB,
    }))
    await buildImage(
      { ...spec, partitions: [{ ...fat, size: 330 * MIB }, ...others] as PartitionSpec[] },
      { output, baseDirectory: folder },
    )
    const [first, ...rest] = expectedGpt
    expect((await ubootPartitions('new', output, 4096)).partitions).toEqual([
      { ...first, size: 330 * MIB },
      ...rest.map((partition) => ({ ...partition, start: partition.start + 300 * MIB })),
    ])
  }),
)
