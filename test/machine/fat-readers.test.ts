/** What U-Boot, of now and of years ago, reads of FAT12, FAT16 and FAT32 with every size of clusters. */
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { fatSizeRange } from '../../src/fat32/plan-geometry.ts'
import { content } from '../fat32/judge.ts'
import { file, MIB, request, withVolume } from '../fat32/volume.ts'
import { canAskUboot, ubootLoad } from '../judges/uboot-sandbox.ts'

const FILES: Record<string, Uint8Array> = {
  'extlinux/extlinux.conf': content(500, 1),
  'kernel8.img': content(1_200_000, 2),
  'EFI/BOOT/BOOTAA64.EFI': content(70_000, 3),
  'overlays/a-long-name.dtbo': content(1000, 4),
}
const SHAPES = (['fat12', 'fat16', 'fat32'] as const).flatMap((type) =>
  [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536].map((clusterSize) => ({ type, clusterSize })),
)

describe.each((['new', 'old'] as const).filter(canAskUboot))('U-Boot (%s)', (name) => {
  it.each(SHAPES)('reads $type with clusters of $clusterSize bytes', async ({ type, clusterSize }) => {
    const { least, largest } = fatSizeRange({ type, clusterSize })
    const entries = Object.entries(FILES).map(([path, content]) => file(path, content))
    const size = Math.min(Math.max(least, 8 * MIB), largest)
    await withVolume(request(entries, { type, clusterSize, size }), async (image) => {
      const loaded = await ubootLoad(name, image.path, 0, Object.keys(FILES))
      for (const [path, content] of Object.entries(FILES)) {
        expect(loaded.get(path), path).toEqual({ size: content.length, crc32: crc32(content) })
      }
    })
  })
})
