import { readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DoesNotFitError } from 'diskwright'
import type { TarInput } from '../tar/build-tar.ts'
import { sha256Of, uniformArchive } from '../tar/uniform-archive.ts'
import { build, describeImage, inFolder, noise, text, type BtrfsOptions } from '../images/build.ts'
import { judge } from '../images/judge.ts'
import { expectedImage } from '../images/expected-image.ts'
import { requireJudge } from '../judges/run-tool.ts'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

const file = (path: string, content: Uint8Array): TarInput => ({ path, type: 'file', content })

describe('the size of a file system', () => {
  const entries = [file('noise', noise(9 * MIB + 5)), file('text', text(MIB)), file('small', text(100))]
  const expected = expectedImage([{ entries }])

  /** Builds in a fresh place; the image is gone afterwards. */
  async function buildSized(options: BtrfsOptions, look: 'exercise' | 'compare' | 'nothing' = 'nothing') {
    return inFolder(async (folder) => {
      const built = await build(folder, describeImage(folder, [{ entries }], options))
      expect(statSync(built.image).size).toBe(built.btrfs.start + built.btrfs.size)
      expect(built.result.imageSize).toBe(built.btrfs.start + built.btrfs.size)
      if (look !== 'nothing') {
        const kernel = { growFirst: options.slack === 0 || options.size !== undefined }
        await judge(built, expected, { exercise: look === 'exercise', kernel, check: { versions: 'newest' } })
      }
      return { size: built.btrfs.size, bytes: readFileSync(built.image) }
    })
  }

  test('"fit" is exact: a sector less does not fit, and the error says what is needed', async () => {
    const exact = await buildSized({ slack: 0 }, 'exercise')
    expect(exact.size).toBeGreaterThan(9 * MIB)
    expect(exact.size).toBeLessThan(16 * MIB)

    const same = await buildSized({ size: exact.size, slack: 0 })
    expect(same.bytes.equals(exact.bytes)).toBe(true)

    for (const less of [4096, 64 * KIB, 4 * MIB, 9 * MIB]) {
      const size = Math.max(exact.size - less, 4 * MIB)
      const error: unknown = await buildSized({ size, slack: 0 }).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(DoesNotFitError)
      expect(error).toMatchObject({ needed: exact.size, available: size })
    }
    for (const more of [4096, 64 * KIB]) await buildSized({ size: exact.size + more, slack: 0 }, 'compare')
  })

  test('grows by the slack, which leaves room for changes', async () => {
    const { size: exact } = await buildSized({ slack: 0 })
    for (const slack of [4096, 20 * MIB, 64 * MIB]) {
      const { size } = await buildSized({ slack }, slack === 64 * MIB ? 'exercise' : 'compare')
      // On top of what the kernel sets aside, twice, and an eighth for metadata, twice.
      expect(size).toBeGreaterThan(exact + slack + 20 * MIB)
      expect(size).toBeLessThan(exact + 1.4 * slack + 24 * MIB)
    }
    // Ample room for the trees, and 128 MiB on top.
    const { size } = await buildSized({}, 'exercise')
    expect(size).toBeGreaterThan(exact + 128 * MIB)
    expect(size).toBeLessThan(exact + 144 * MIB)
  })

  // Wherever the end of the content lies, the trees with their headroom still have room around the mirror.
  test('around the mirror at 64 MiB', async () => {
    for (const size of [50, 57, 61, 63]) {
      for (const slack of [0, 16 * MIB]) {
        await inFolder(async (folder) => {
          const entries = [file('f', noise(size * MIB - 64 * KIB))]
          const built = await build(folder, describeImage(folder, [{ entries }], { slack }))
          await judge(built, expectedImage([{ entries }]), { check: { versions: 'newest', lowmem: false } })
        })
      }
    }
  })

  test('may be much larger than its content', async () => {
    const { size } = await buildSized({ size: '512MiB', nodeSize: 65536 }, 'exercise')
    expect(size).toBe(512 * MIB)
  })

  test.each([
    [true, 'zstd'],
    [false, 'none'],
  ])(
    'is said although content that did not fit is wanted again (nodatacow: %s)',
    async (nodatacow, compression) => {
      await inFolder(async (folder) => {
        const entries: TarInput[] = [
          file('noise', noise(20 * MIB)),
          file('text', text(3 * MIB)),
          { path: 'other/text', type: 'hardlink', target: 'text' },
        ]
        const subvolumes = [
          { name: '', path: '/', ...(nodatacow ? { compression } : { nodatacow: true }) },
          { name: '@other', path: '/other', ...(nodatacow ? { nodatacow } : { compression }) },
        ]
        const exact = await build(folder, describeImage(folder, [{ entries }], { subvolumes, slack: 0 }))
        rmSync(exact.image)
        const spec = describeImage(folder, [{ entries }], { subvolumes, size: '16MiB', slack: 0 })
        const error: unknown = await build(folder, spec).catch((error: unknown) => error)
        expect(error).toBeInstanceOf(DoesNotFitError)
        expect(error).toMatchObject({ needed: exact.btrfs.size })
        const enough = describeImage(folder, [{ entries }], { subvolumes, size: exact.btrfs.size, slack: 0 })
        await build(folder, enough)
      })
    },
  )
})

const canCompress = requireJudge('zstd')

describe('more than a GiB', () => {
  test.skipIf(!canCompress)('in two chunks, one extent ending where a chunk does', async () => {
    // See data.test.ts for what is special about the first size.
    const files = [
      { path: 'first', size: 63 * MIB + 64 * KIB, byte: 1 },
      { path: 'second', size: GIB + MIB, byte: 2 },
    ]
    await inFolder(async (folder) => {
      const spec = describeImage(folder, [])
      await uniformArchive(join(folder, 'large.tar.zst'), files)
      spec.partitions[0].sources = [{ tar: 'large.tar.zst' }]
      const built = await build(folder, spec)
      const expected = files.map(({ path, size, byte }) => ({
        path,
        type: 'file' as const,
        size,
        sha256: sha256Of(size, byte),
      }))
      await judge(built, new Map([['', [{ path: '', type: 'directory' as const }, ...expected]]]), {
        check: { versions: 'newest', lowmem: false },
      })
    })
  })
})
