/** The rules between the keys that say what boots a system. */
import { describe, expect, test } from 'vitest'
import { planImage } from '../../../src/build/plan-image.ts'
import { SpecError } from '../../../src/lib/errors.ts'
import type { BtrfsSpec } from '../../../src/spec/btrfs-spec.ts'
import type { ImageSpec, PartitionSpec } from '../../../src/spec/image-spec.ts'

const ESP: PartitionSpec = { type: 'fat32', gptType: 'esp', start: '1MiB', size: '64MiB' }
const root = (system: Partial<BtrfsSpec>, size = 'fit'): PartitionSpec => ({
  ...{ type: 'btrfs', size, subvolumes: [{ name: '@', path: '/' }], ...system },
})
const gpt = (...partitions: PartitionSpec[]): ImageSpec => ({ table: { type: 'gpt' }, partitions })
const SD = { loader: 'systemd-boot' } as const

async function issuesOf(spec: ImageSpec): Promise<Record<string, string>> {
  try {
    await planImage(spec)
    return {}
  } catch (error) {
    if (!(error instanceof SpecError)) throw error
    return Object.fromEntries(error.issues.map(({ path, message }) => [path, message]))
  }
}

describe('contradictions', () => {
  const P1 = 'partitions[1]'
  test.each<[string, ImageSpec, Record<string, string>]>([
    [
      'no ESP',
      gpt(root({ linux: SD })),
      { 'partitions[0].linux.loader': 'needs a FAT32 partition that is an EFI system' },
    ],
    [
      'a FAT partition of another type',
      gpt({ ...ESP, gptType: 'basic-data' }, root({ nixos: SD })),
      { [`${P1}.nixos.loader`]: '"gptType": "esp"' },
    ],
    [
      'an MBR with another type',
      { table: { type: 'mbr' }, partitions: [{ type: 'fat32', size: '64MiB' }, root({ nixos: SD })] },
      { [`${P1}.nixos.loader`]: '"mbrType": "0xef"' },
    ],
    [
      'keys of systemd-boot for U-Boot',
      gpt(
        root({
          linux: {
            tries: 3,
            editor: false,
            consoleMode: 'max',
            systemdBoot: 'x',
            slot: 'a',
            bootPartition: 1,
          },
        }),
      ),
      {
        ...Object.fromEntries(
          ['tries', 'editor', 'consoleMode', 'systemdBoot'].map((key) => [
            `partitions[0].linux.${key}`,
            'is for "loader": "systemd-boot"',
          ]),
        ),
        'partitions[0].linux.slot': 'is not for "loader": "extlinux"',
        'partitions[0].linux.bootPartition': '"bootFromBTRFS" says',
        'partitions[0].linux': 'U-Boot does not look',
      },
    ],
    [
      'both kinds of system',
      gpt(ESP, root({ linux: SD, nixos: SD })),
      { [`${P1}.linux`]: 'the partition holds the system of "nixos"' },
    ],
    [
      'two systems without slots',
      gpt(ESP, root({ linux: SD }, '128MiB'), root({ linux: SD })),
      {
        'partitions[2].linux': 'partitions[1].linux is a system as well; several systems need a "slot" each',
      },
    ],
    [
      'the same slot twice',
      gpt(ESP, root({ linux: { ...SD, slot: 'a' } }, '128MiB'), root({ linux: { ...SD, slot: 'a' } })),
      { 'partitions[2].linux': 'several systems need a "slot" each' },
    ],
    [
      'boot files on BTRFS',
      { ...gpt(ESP, root({ linux: SD })), bootFromBTRFS: true },
      { bootFromBTRFS: 'contradicts "loader": "systemd-boot"' },
    ],
    [
      'a boot partition that is none',
      gpt(ESP, root({ linux: { ...SD, bootPartition: 2 } })),
      { [`${P1}.linux.bootPartition`]: 'expected a FAT partition, found btrfs' },
    ],
    [
      'a boot partition too far',
      gpt(ESP, root({ linux: { ...SD, bootPartition: 7 } })),
      { [`${P1}.linux.bootPartition`]: 'expected a FAT partition, found there are 2' },
    ],
    [
      'a system between boot partitions',
      gpt(
        ESP,
        root({ linux: { ...SD, slot: 'a', bootPartition: 1 } }, '128MiB'),
        { type: 'fat32', size: '64MiB' },
        root({ linux: { loader: 'raspberry-pi', slot: 'b', bootPartition: 3 } }),
      ),
      { [P1]: 'lies between partitions[0] and partitions[2], which get the boot files' },
    ],
    [
      'values',
      gpt(ESP, root({ linux: { ...SD, tries: 0, consoleMode: 'big', slot: 'A B', cmdline: 'a\nb' } })),
      {
        [`${P1}.linux.tries`]: 'expected a number from 1 on',
        [`${P1}.linux.consoleMode`]: 'expected "keep", "auto", "max" or a number',
        [`${P1}.linux.slot`]: 'expected letters and digits',
        [`${P1}.linux.cmdline`]: 'expected a command line of ASCII characters',
      },
    ],
  ])('%s', async (_, spec, expected) => {
    const found = await issuesOf(spec)
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort())
    for (const [path, part] of Object.entries(expected)) expect(found[path], path).toContain(part)
  })
})

test('what is decided', async () => {
  const partUuid = '0F6E4A0E-0000-4000-8000-000000000002'
  const linux = { ...SD, root: 'partuuid', slot: 'a', tries: 2 } as const
  const plan = await planImage(gpt(ESP, { ...root({ linux }), partUuid }))
  expect(plan.boot).toEqual({ partition: 1, check: true })
  expect(plan.partitions[1]).toMatchObject({
    bootable: false,
    linux: {
      ...{
        loader: 'systemd-boot',
        bootPlace: 'partitions[0]',
        timeout: 5,
        tries: 2,
        editor: true,
        consoleMode: 'keep',
      },
      ...{ slot: 'a', root: `root=PARTUUID=${partUuid.toLowerCase()} rootflags=subvol=@`, kernels: 20 },
    },
  })
})

test('a root that is mounted by default needs no rootflags', async () => {
  const plan = await planImage(
    gpt(ESP, { type: 'btrfs', size: 'fit', uuid: '44444444-4444-4444-8888-888888888889', linux: SD }),
  )
  expect(plan.partitions[1]).toMatchObject({
    linux: { root: 'root=UUID=44444444-4444-4444-8888-888888888889' },
  })
})
