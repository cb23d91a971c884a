import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DoesNotFitError } from 'diskwright'
import { build, describeImage, inFolder, noise, text, type Built } from '../images/build.ts'
import { buildAndJudge } from '../images/judge.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { withLoop, withMount } from '../judges/mounted.ts'
import type { SparseFormat, SparseMap } from '../tar/build-sparse.ts'
import type { TarInput } from '../tar/build-tar.ts'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB
const TIB = 1024 * GIB

const sparse = (
  path: string,
  size: number,
  map: SparseMap['map'],
  content: Uint8Array,
  format: SparseFormat = '1.0',
): TarInput => ({ path, type: 'file', content, sparse: format, sparseMap: { size, map } })
const hardlink = (path: string, target: string): TarInput => ({ path, type: 'hardlink', target })

/** Looks at the files of an image as the kernel shows them. */
async function mounted({ folder, image, btrfs }: Built, look: (top: string) => void): Promise<void> {
  await withLoop(image, btrfs, true, (device) =>
    withMount(device, 'ro,subvolid=5', folder, (top) => Promise.resolve(look(top))),
  )
}

/** What a file of the map holds, and the zeros around it; and that it takes no more space than that. */
function expectContent(file: string, { map }: SparseMap, content: Uint8Array, bytes: number): void {
  const fd = openSync(file, 'r')
  const read = (at: number, length: number) => {
    const found = Buffer.alloc(length, 1)
    return found.subarray(0, readSync(fd, found, 0, length, at))
  }
  let from = 0
  for (const [offset, length] of map) {
    expect(read(offset, length).equals(content.subarray(from, from + length)), `at ${offset}`).toBe(true)
    if (offset > 0) expect(read(offset - 1, 1)).toEqual(Buffer.alloc(1))
    from += length
  }
  closeSync(fd)
  expect(statSync(file).blocks * 512).toBe(bytes)
}

describe.skipIf(!canJudgeWithKernel())('sparse files', () => {
  test.each([
    ['a plain one', {}],
    ['a compressed one', { compression: 'zstd' }],
    ['one without copy on write', { paths: [{ path: '/huge', nodatacow: true }] }],
  ])('%s of 1 TiB', async (_, options) => {
    const map: SparseMap['map'] = [
      [0, 100],
      [5 * GIB - 300, 600],
      [5 * GIB + 4096, 200 * KIB],
      [TIB - 5000, 5000],
    ]
    const content = noise(100 + 600 + 200 * KIB + 5000)
    // Sectors: one; two, and the next ones adjoin; the last two.
    const bytes = 4096 + 4096 + 4096 + 200 * KIB + 8192
    await buildAndJudge(
      [sparse('huge', TIB, map, content), sparse('empty', 8 * TIB, [], new Uint8Array(0))],
      options,
      {},
      async (built) => {
        expect(built.btrfs.bytesIn).toBe(content.length)
        expect(built.btrfs.bytesStored).toBe(bytes)
        await mounted(built, (top) => {
          expectContent(join(top, 'huge'), { size: TIB, map }, content, bytes)
          expect(statSync(join(top, 'empty'))).toMatchObject({ size: 8 * TIB, blocks: 0 })
        })
      },
    )
  })

  test('a hard link into a subvolume without copy on write keeps the holes', async () => {
    const map: SparseMap['map'] = [
      [MIB, 300 * KIB],
      [5 * GIB, 5],
    ]
    const content = text(300 * KIB + 5)
    await buildAndJudge(
      [sparse('a', 6 * GIB, map, content, 'gnu'), hardlink('boot/b', 'a'), hardlink('c', 'boot/b')],
      {
        compression: 'zstd',
        subvolumes: [
          { name: '', path: '/' },
          { name: '@boot', path: '/boot', nodatacow: true },
        ],
      },
      {},
      (built) =>
        mounted(built, (top) => {
          const file = join(top, '@boot/b')
          // The end of the last compressed piece reaches to a sector, and so does the copy.
          expectContent(file, { size: 6 * GIB, map }, content, 300 * KIB + 4096)
          expectContent(join(top, 'a'), { size: 6 * GIB, map }, content, 300 * KIB + 4096)
        }),
    )
  })

  test('holes inside of sectors, and inline', async () => {
    const contents = [
      [1024, 512, 512],
      [4096, 1, 100, 3995, 4096, 70_000],
      [512, 512, 4096, 512, 130_000, 9000],
    ].map((runs) =>
      Buffer.concat(runs.map((length, i) => (i % 2 === 0 ? Buffer.alloc(length) : text(length, i)))),
    )
    const entries = contents.flatMap((content, i) =>
      (['gnu', '0.0', '0.1', '1.0'] as const).map((sparse): TarInput => ({
        path: `${i}-${sparse}`,
        type: 'file',
        content: new Uint8Array(content),
        sparse,
      })),
    )
    await buildAndJudge(entries, { compression: 'zstd' }, { exercise: true })
  })

  test('a file of FAT32 gets zeros, or does not fit', async () => {
    await inFolder(async (folder) => {
      const ofFat = (entry: TarInput) => {
        const spec = describeImage(folder, [{ entries: [entry] }])
        const { sources } = spec.partitions[0]
        return { ...spec, partitions: [{ type: 'fat32' as const, size: '64MiB', sources }] }
      }
      const map: SparseMap['map'] = [[3 * MIB, 5]]
      const content = Buffer.from('hello')
      const image = join(folder, 'disk.img')
      const { buildImage } = await import('diskwright')
      await buildImage(ofFat(sparse('f', 4 * MIB, map, content)), { output: image, baseDirectory: folder })
      const fd = openSync(image, 'r')
      const bytes = Buffer.alloc(66 * MIB)
      readSync(fd, bytes, 0, bytes.length, 0)
      closeSync(fd)
      const at = bytes.indexOf('hello')
      expect(at).toBeGreaterThan(4 * MIB)
      expect(bytes.subarray(at - 3 * MIB, at).every((byte) => byte === 0)).toBe(true)
      const large = ofFat(sparse('f', 3 * GIB, map, content))
      await expect(buildImage(large, { output: image, baseDirectory: folder, force: true })).rejects.toThrow(
        DoesNotFitError,
      )
    })
  })

  test('one more than a number holds is refused', async () => {
    await inFolder(async (folder) => {
      const spec = describeImage(folder, [{ entries: [sparse('f', 2 ** 53, [], new Uint8Array(0))] }])
      await expect(build(folder, spec)).rejects.toThrow('entry "f" at offset 1024: ')
    })
  })
})
