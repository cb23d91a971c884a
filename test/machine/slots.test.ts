/**
 * Two systems on one disk, the newer one on trial: systemd-boot counts its tries in the name of its entry, on our FAT, and
 * goes back to the older one when they are used up.
 */
import { join } from 'node:path'
import { renameSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { SourceSpec } from '../../src/spec/sources/types.ts'
import { withReadOnlyPartition } from '../judges/partition.ts'
import { mtoolsList } from '../judges/mtools.ts'
import { sfdiskJson } from '../judges/sfdisk.ts'
import {
  type Architecture,
  bootToTheEnd,
  bootUntil,
  buildAsUser,
  canBoot,
  expectSelfCheck,
  inUsersFolder,
  judgeKept,
} from './machine.ts'
import { bootEntry, describeUefi, optionsOf, PLATFORMS, withSystemdBoot } from './uefi-image.ts'

const sorted = (version: string, more: Record<string, string> = {}) => ({
  'sort-key': 'slot',
  version,
  ...more,
})

/** The entries that are on the EFI system partition, as mtools sees them. */
async function entriesOf(image: string): Promise<string[]> {
  const { partitions } = await sfdiskJson(image)
  const { start, size } = partitions[0]
  const paths = await withReadOnlyPartition(image, { start: start * 512, size: size * 512 }, mtoolsList)
  return paths.flatMap((path) => /^loader\/entries\/(.+)$/.exec(path)?.[1] ?? []).sort()
}

interface Slots {
  architecture: Architecture
  /** Changes of the entry of slot B. */
  b: Record<string, string>
  more?: SourceSpec[]
}

/** Works with an image whose slot B has two tries; `boot` and `bootUntil` go on with the disk of the time before. */
function inSlots(
  { architecture, b, more = [] }: Slots,
  work: (image: {
    boot: () => Promise<string>
    bootUntil: (text: string) => Promise<string>
    entries: () => Promise<string[]>
    judge: () => Promise<void>
  }) => Promise<void>,
): Promise<void> {
  const { machine } = PLATFORMS[architecture]
  return inUsersFolder(async (folder) => {
    const esp = withSystemdBoot(architecture, {
      'slot-a.conf': bootEntry(architecture, sorted('1')),
      'slot-b+2-0.conf': bootEntry(architecture, sorted('2', b)),
    })
    const image = await buildAsUser(folder, describeUefi(architecture, { esp: [...esp, ...more] }))
    const kept = join(folder, 'kept.img')
    const goOn = (said: string) => {
      renameSync(kept, image)
      return said
    }
    await work({
      boot: async () => goOn(await bootToTheEnd(image, { machine }, kept)),
      bootUntil: async (text) => goOn(await bootUntil(text, image, kept, ['--machine', machine])),
      entries: () => entriesOf(image),
      judge: () => judgeKept(image),
    })
  })
}

describe.skipIf(!canBoot())('slot B on trial', () => {
  test('whose system does not start: the kernel panics twice, and then slot A boots', () => {
    const architecture = 'amd64'
    const { machine } = PLATFORMS[architecture]
    const b = { options: optionsOf(architecture).replace(/init=\S+/, 'init=/no/such/init') }
    return inSlots({ architecture, b }, async ({ boot, bootUntil, entries, judge }) => {
      for (const left of ['slot-b+1-1.conf', 'slot-b+0-2.conf']) {
        expect(await bootUntil('Kernel panic')).toContain("can't execute '/no/such/init'")
        expect(await entries()).toEqual(['slot-a.conf', left])
      }
      const said = await boot()
      expect(said).toMatch(/^diskwright-boot entry: slot-a\.conf of systemd-boot/m)
      expectSelfCheck(said, { machine, lists: ['store', 'esp'] })
      expect(await entries()).toEqual(['slot-a.conf', 'slot-b+0-2.conf'])
      await judge()
    })
  })

  test('whose kernel is none: each try ends in the firmware, and then slot A boots', () => {
    const architecture = 'arm64'
    const { machine } = PLATFORMS[architecture]
    const more = [{ files: { '/EFI/bad/Image': 'No kernel.\n'.repeat(1000) } }]
    return inSlots(
      { architecture, b: { linux: '/EFI/bad/Image' }, more },
      async ({ boot, bootUntil, entries, judge }) => {
        for (const left of ['slot-b+1-1.conf', 'slot-b+0-2.conf']) {
          await bootUntil('Error loading \\EFI\\bad\\Image')
          expect(await entries()).toEqual(['slot-a.conf', left])
        }
        const said = await boot()
        expect(said).toMatch(/^diskwright-boot entry: slot-a\.conf of systemd-boot/m)
        expectSelfCheck(said, { machine, lists: ['store', 'esp'] })
        await judge()
      },
    )
  })

  test('that starts: the system ends the counting, and slot B stays', () => {
    const architecture = 'arm64'
    const { machine } = PLATFORMS[architecture]
    return inSlots({ architecture, b: {} }, async ({ boot, entries, judge }) => {
      const said = await boot()
      expect(said).toMatch(/^diskwright-boot entry: slot-b\+2-0\.conf of systemd-boot/m)
      expectSelfCheck(said, { machine, lists: ['store', 'esp'] })
      expect(said).toMatch(/^diskwright-boot blessed: \/loader\/entries\/slot-b\+1-1\.conf/m)
      expect(await entries()).toEqual(['slot-a.conf', 'slot-b.conf'])
      await judge()
    })
  })
})
