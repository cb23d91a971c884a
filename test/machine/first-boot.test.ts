/**
 * The first boot of a NixOS image with systemd, Nix and the service of nix/module.nix: the disk grows, the store is
 * registered, the mark goes. Then the same with the power cut at some moment, and what the next boot makes of it.
 *
 * TEST_POWER_CUTS says how often the power is cut, TEST_SEED what the moments are derived from.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Random } from '../fuzz/random.ts'
import { btrfsCheck } from '../judges/btrfs-check.ts'
import { mustRun } from '../judges/run-tool.ts'
import { sfdiskJson, sfdiskVerify } from '../judges/sfdisk.ts'
import {
  buildFirstBoot,
  canFirstBoot,
  type FirstBootSystem,
  newDisk,
  runUntilOff,
  SERVICE_STARTS,
} from './first-boot.ts'
import { bootToTheEnd, inUsersFolder, ubootOf } from './machine.ts'

const DISK_SIZE = 2 ** 30
const CUTS = Number(process.env.TEST_POWER_CUTS ?? 3)
const SEED = Number(process.env.TEST_SEED ?? 1)
/** How often a first boot writes to the disk: in all, and from the start of the service until the mark is gone. */
const WRITES = { all: 90, service: 65 }

describe.skipIf(!canFirstBoot())('the first boot of a NixOS system', () => {
  let folder: string
  let system: FirstBootSystem
  let image: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'diskwright-first-boot-'))
    chmodSync(folder, 0o755)
    system = await buildFirstBoot(folder)
    image = join(folder, 'image')
    await mustRun('zstd', ['-dq', '--sparse', system.image, '-o', image])
  })
  afterAll(async () => {
    // Folders of a store are read-only, also to their owner.
    await mustRun('chmod', ['-R', 'u+w', folder])
    rmSync(folder, { recursive: true, force: true })
  })

  test('with U-Boot, from the menu to the end', () =>
    inUsersFolder(async (users) => {
      const kept = join(users, 'kept.img')
      const said = await bootToTheEnd(image, { machine: 'virt', uboot: ubootOf('new', 'virt') }, kept)
      expect(said).toMatch(/Booting bootflow '.*' with extlinux/)
      expectDone(said)
      expect(said).toMatch(/^first-boot service: .*ConditionResult=yes/m)
      expect(said).toContain('first-boot store: content compared')
      await judge(kept)
    }))

  const random = new Random(SEED)
  // Half of the moments are in the service itself.
  const moments = Array.from({ length: CUTS }, (_, i) => {
    const isInService = i % 2 === 0
    return {
      after: isInService ? SERVICE_STARTS : '',
      writes: random.below(isInService ? WRITES.service : WRITES.all),
    }
  })
  test.each(moments)(
    `seed ${SEED}: the power goes after $writes writes, counted from $after`,
    async (moment) => {
      const disk = join(folder, `${moment.after === '' ? 'boot' : 'service'}-${moment.writes}.qcow2`)
      await newDisk(image, disk, DISK_SIZE)
      const first = await runUntilOff(system, disk, moment)
      expect(first.isCut, first.console.slice(-6000)).toBe(true)
      const second = await runUntilOff(system, disk)
      expectDone(second.console)
      const raw = `${disk}.raw`
      await mustRun('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', disk, raw])
      await judge(raw)
      for (const file of [disk, raw]) rmSync(file)
    },
  )

  function expectDone(said: string): void {
    const shown = said.slice(-6000)
    expect(
      said
        .match(/^(BAD: .*|DISKWRIGHT-FIRST-BOOT-.*?)\r?$/gm)
        ?.join('\n')
        .trim(),
      shown,
    ).toBe('DISKWRIGHT-FIRST-BOOT-OK')
    expect(said).toMatch(new RegExp(`^first-boot disk: ${DISK_SIZE},`, 'm'))
  }

  async function judge(disk: string): Promise<void> {
    await sfdiskVerify(disk)
    const { partitions } = await sfdiskJson(disk)
    const { start, size } = partitions[1]
    expect((start + size) * 512).toBe(DISK_SIZE)
    await btrfsCheck(disk, { start: start * 512, size: size * 512 }, { versions: 'newest' })
  }
})
