/** Linux' vfat reads every kind of volume as it is, and writes to it until it is full. */
import { createHash } from 'node:crypto'
import { copyFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fatSizeRange } from '../../src/fat32/plan-geometry.ts'
import { inFolder } from '../images/build.ts'
import { fsckFatRemarks } from '../judges/fsck-fat.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { canRunUml, fillVfat, vfatEntries, type VfatEntry } from '../judges/uml.ts'
import { content } from './judge.ts'
import { directory, file, MIB, request, TIME, withVolume, type Request } from './volume.ts'

const canJudge = canRunUml() && requireJudge('fsck.fat')

const files = new Map<string, Uint8Array>([
  ['kernel8.img', content(700_000, 1)],
  ['CONFIG.TXT', content(100, 2)],
  ['Grüße und ein langer Name.txt', content(5_000, 3)],
  ['ärger.dat', content(10, 4)],
  ['empty', new Uint8Array(0)],
  ['overlays/a.dtbo', content(70_000, 5)],
])
const ENTRIES = [directory('overlays'), ...[...files].map(([path, bytes]) => file(path, bytes))]

const EXPECTED: VfatEntry[] = [
  { path: 'overlays', sha256: undefined, mtime: TIME.sec },
  ...[...files].map(([path, bytes]) => ({
    path,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    mtime: TIME.sec,
  })),
].sort((a, b) => (a.path < b.path ? -1 : 1))

const SHAPES: (Partial<Request> & Pick<Request, 'type'>)[] = [
  { type: 'fat12', clusterSize: 512 },
  { type: 'fat12', clusterSize: 8192, codePage: 850 },
  { type: 'fat16', clusterSize: 512, rootEntries: 64 },
  { type: 'fat16', clusterSize: 32768, sectorSize: 4096 },
  { type: 'fat32', clusterSize: 512 },
  { type: 'fat32', clusterSize: 4096, codePage: 850, fats: 1 },
]

describe.skipIf(!canJudge)('vfat', () => {
  test.each(SHAPES.map((shape) => [JSON.stringify(shape), shape] as const))(
    'finds all of %s, and fills it',
    (_, shape) =>
      inFolder(async (folder) => {
        const { type, sectorSize, clusterSize } = shape
        const { least, largest } = fatSizeRange({ type, sectorSize, clusterSize })
        const size = Math.min(Math.max(least, 2 * MIB), largest)
        await withVolume(request(ENTRIES, { ...shape, size }), async (image) => {
          expect(await vfatEntries(image.path, '/dev/ubda', shape.codePage ?? 437)).toEqual(EXPECTED)
          const copy = `${folder}/copy`
          copyFileSync(image.path, copy)
          const { free, written } = await fillVfat(copy)
          // Directories and the ends of clusters take the rest.
          expect(written).toBeGreaterThan(free - 43 * 2 * (clusterSize ?? 0) - 65536)
          expect(written).toBeLessThanOrEqual(free)
          expect(await fsckFatRemarks(copy)).toEqual([])
        })
      }),
  )
})
