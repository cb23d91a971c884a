/**
 * U-Boot, of now and of years ago, loads the boot files of NixOS images: what the lint says of an image for its version is
 * what it does with it.
 */
import { crc32 } from 'node:zlib'
import { join } from 'node:path'
import { buildImage } from 'diskwright'
import { describe, expect, test } from 'vitest'
import { lintImage } from '../../src/boot/lint.ts'
import { openImage } from '../../src/image/open-image.ts'
import { parseExtlinux, pathFrom } from '../../src/uboot/extlinux.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import { inFolder } from '../images/build.ts'
import { DEVICE_TREES, describePi, makeClosure, words } from '../images/nixos-closure.ts'
import { canAskUboot, ubootLoad, ubootVersion } from '../judges/uboot-sandbox.ts'

const IMAGES: Record<string, ImageSpec> = {
  'without copy on write': describePi(),
  'compressed, tail split': describePi({ boot: { compression: 'zstd:3', bootFiles: true } }),
  'compressed with lzo, tail split': describePi({ boot: { compression: 'lzo', bootFiles: true } }),
  compressed: describePi({ boot: { compression: 'zstd:15' } }),
  'DUP data': describePi({ spec: { BTRFSDupData: true } }),
  'DUP data, compressed, tail split': describePi({
    boot: { compression: 'zstd:3', bootFiles: true },
    spec: { BTRFSDupData: true },
  }),
  blake2b: describePi({ btrfs: { checksum: 'blake2b' } }),
  'on FAT': describePi({ spec: { bootFromBTRFS: false } }),
}

describe.each((['new', 'old'] as const).filter(canAskUboot))('U-Boot, %s', (uboot) => {
  test.each(Object.entries(IMAGES))('%s', (_, spec) =>
    inFolder(async (folder) => {
      // The end of the initrd is compressed where anything is.
      const closure = makeClosure(folder, { initrd: words(400_003) })
      const output = join(folder, 'disk.img')
      const { partitions } = await buildImage(spec, { output, baseDirectory: folder })
      const { number, type } = partitions.find(({ bootable }) => bootable)!

      const image = await openImage(output)
      const findings = await lintImage(image, { uboot: ubootVersion(uboot) })
      const menuPath = type === 'btrfs' ? '/boot/extlinux/extlinux.conf' : '/extlinux/extlinux.conf'
      const fileSystem = await image.partition(number).open()
      const [entry] = parseExtlinux(Buffer.from(await fileSystem.readFile(menuPath)).toString()).entries
      await image.close()

      const wanted = new Map<string, Uint8Array>([
        [pathFrom(menuPath, entry.kernel!), closure.kernel],
        [pathFrom(menuPath, entry.initrd!), words(400_003)],
        ...[...DEVICE_TREES].map(([name, content]): [string, Uint8Array] => [
          pathFrom(menuPath, `${entry.fdtdir}/${name}`),
          content,
        ]),
      ])
      const loaded = await ubootLoad(uboot, output, number, [...wanted.keys()])
      const wrong = [...wanted].filter(([path, content]) => {
        const found = loaded.get(path)!
        return 'error' in found || found.size !== content.length || found.crc32 !== crc32(content)
      })
      const errors = findings.filter(({ severity }) => severity === 'error')
      expect({ wrong: wrong.map(([path]) => path), says: errors.length > 0 }).toEqual({
        wrong: expect.any(Array) as string[],
        says: wrong.length > 0,
      })
      if (uboot === 'new') expect(wrong).toEqual([])
      // The errors that are about single files name as many of them as are wrong.
      const single = errors.filter(({ message }) => message.includes('partial sector'))
      const named = single.map(({ where }) => 1 + Number(/ and (\d+) more$/.exec(where)?.[1] ?? 0))
      if (single.length > 0) expect(named.reduce((sum, count) => sum + count, 0)).toBe(wrong.length)
    }),
  )
})
