/** The fstab that the preset a-b gives both slots: mount(8) and the kernel mount what it names, below either of them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { buildImage, openImage } from 'diskwright'
import { PRESETS } from '../../src/spec/presets.ts'
import { inFolder } from '../images/build.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { attachLoop, detachLoop } from '../judges/loop-device.ts'
import { unmount } from '../judges/mounted.ts'
import { mustRun } from '../judges/run-tool.ts'
import { buildTar } from '../tar/build-tar.ts'

test.skipIf(!canJudgeWithKernel())('a-b: what the fstab of a slot mounts', () =>
  inFolder(async (folder) => {
    const root = (name: string) =>
      buildTar([
        { path: 'etc/fstab', type: 'file', content: 'LABEL=old / ext4 defaults 0 1\n' },
        { path: 'home/me/notes', type: 'file', content: name },
      ])
    writeFileSync(join(folder, 'a.tar'), root('of a'))
    writeFileSync(join(folder, 'b.tar'), root('of b'))
    const sources = { closure: 'a.tar', closureB: 'b.tar', fstab: true, slotSize: '128MiB' }
    const output = join(folder, 'disk.img')
    await buildImage(PRESETS['a-b'](sources), { baseDirectory: folder, output })
    const image = await openImage(output)
    const places = image.partitions.map(({ start, size }) => ({ start, size }))
    await image.close()
    const devices: string[] = []
    try {
      for (const place of places) devices.push(await attachLoop(output, place))
      const [esp, a, b] = devices
      for (const device of [a, b]) {
        const slot = join(folder, 'slot')
        mkdirSync(slot, { recursive: true })
        await mustRun('mount', ['-t', 'btrfs', '-o', 'subvol=@', device, slot])
        try {
          const fstab = join(slot, 'etc/fstab')
          const prefix = ['--fstab', fstab, '--target-prefix', slot]
          // As systemd-remount-fs does, which looks for the options of the root there.
          await mustRun('mount', ['-o', 'remount', ...prefix, '/'])
          const mounted = await mustRun('findmnt', ['-no', 'SOURCE,OPTIONS', slot])
          expect(mounted.stdout).toMatch(new RegExp(`^${device}\\[/@\\] .*\\bcompress=zstd:3\\b`))
          // Not every kernel has vfat.
          await mustRun('mount', ['--all', '-t', 'btrfs', ...prefix])
          expect(readFileSync(join(slot, 'home/me/notes'), 'utf8')).toBe('of a')
          await unmount(join(slot, 'home'))
          const { stdout } = await mustRun('blkid', ['-p', '-o', 'value', '-s', 'UUID', esp])
          expect(readFileSync(fstab, 'utf8')).toContain(`UUID=${stdout.trim()}\t/efi\tvfat\t`)
        } finally {
          await unmount(slot)
        }
      }
    } finally {
      for (const device of devices) await detachLoop(device)
    }
  }),
)
