/** GRUB reads every file of every type, with every size of clusters. */
import { describe, expect, it } from 'vitest'
import { fatSizeRange } from '../../src/fat32/plan-geometry.ts'
import { canJudgeWithGrub, judgeWithGrub } from '../judges/grub.ts'
import type { ExpectedEntry } from '../judges/expected.ts'
import { content } from './judge.ts'
import { directory, file, MIB, request, withVolume } from './volume.ts'

/** GRUB shows names without long entries in lower case. */
const FILES = {
  'config.txt': content(12, 1),
  'kernel8.img': content(1_200_000, 2),
  'efi/boot/bootaa64.efi': content(70_000, 3),
  'overlays/a long name.dtbo': content(1000, 4),
}
const DIRECTORIES = ['', 'efi', 'efi/boot', 'overlays']

const EXPECTED: ExpectedEntry[] = [
  ...DIRECTORIES.map((path): ExpectedEntry => ({ path, type: 'directory' })),
  ...Object.entries(FILES).map(([path, content]): ExpectedEntry => ({ path, type: 'file', content })),
]

const SHAPES = (['fat12', 'fat16', 'fat32'] as const).flatMap((type) =>
  [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536].map((clusterSize) => ({ type, clusterSize })),
)

describe.skipIf(!canJudgeWithGrub())('GRUB', () => {
  it.each(SHAPES)('reads $type with clusters of $clusterSize bytes', async ({ type, clusterSize }) => {
    const { least, largest } = fatSizeRange({ type, clusterSize })
    const entries = [
      ...DIRECTORIES.slice(1).map((path) => directory(path)),
      ...Object.entries(FILES).map(([path, content]) => file(path, content)),
    ]
    const size = Math.min(Math.max(least, 8 * MIB), largest)
    await withVolume(request(entries, { type, clusterSize, size }), async (image) => {
      const { compared } = await judgeWithGrub(image.path, '(loop0)', new Map([['', EXPECTED]]))
      expect(compared).toBe(Object.keys(FILES).length)
    })
  })
})
