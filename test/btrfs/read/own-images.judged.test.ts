/** Images that are built here hold what they were built of. That others agree is for the judges to say. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HASH_NAMES } from '../../../src/lib/block-hash.ts'
import { fromText, toBytes } from '../../../src/lib/byte-string.ts'
import { drive, driveSync } from '../../../src/lib/read-routine.ts'
import { arbitrarySources, withoutRefused } from '../../images/arbitrary-tree.ts'
import {
  build,
  describeImage,
  inFolder,
  noise,
  text,
  type BtrfsOptions,
  type Built,
} from '../../images/build.ts'
import { collidingNames } from '../../images/collisions.ts'
import { expectedImage, Refused, type SourceInput } from '../../images/expected-image.ts'
import { buildSample } from '../../images/sample.ts'
import { walkReader, withFileSource } from '../../images/walk-reader.ts'
import { subvolumesInside } from '../../judges/compare-mounted.ts'
import { compareTree, type ExpectedTrees } from '../../judges/expected.ts'
import type { TarInput } from '../../tar/build-tar.ts'
import { openWithFaults } from './open-file.ts'
import { contentOf, rangesOf } from '../../file-tree/read-inode.ts'

async function differences({ image, btrfs }: Built, expected: ExpectedTrees): Promise<string[]> {
  return withFileSource(
    image,
    async (source) => {
      const { reader, faults } = await openWithFaults(source)
      const subvolumes = driveSync(source, reader.subvolumes())
      const paths = [...expected.keys()].map(fromText)
      expect(subvolumes.map(({ path }) => path).sort()).toEqual([...new Set(['', ...paths])].sort())
      const found = [...expected].flatMap(([name, entries]) => {
        const { root } = subvolumes.find(({ path }) => path === fromText(name))!
        const inside = subvolumesInside(name, expected)
        return compareTree(name, entries, walkReader(source, reader, root), inside)
      })
      expect(faults).toEqual([])
      return found
    },
    btrfs,
  )
}

const build1 = (entries: readonly TarInput[], options: BtrfsOptions, work: (built: Built) => Promise<void>) =>
  inFolder(async (folder) => {
    const sources = [{ entries: [...entries] }]
    const built = await build(folder, describeImage(folder, sources, options))
    expect(await differences(built, expectedImage(sources, options))).toEqual([])
    await work(built)
  })

const compression = fc.constantFrom('none', 'lzo', 'zlib', 'zstd', 'zstd:15')
const options: fc.Arbitrary<BtrfsOptions> = fc.record(
  {
    nodeSize: fc.constantFrom(4096, 16384, 65536),
    checksum: fc.constantFrom(...HASH_NAMES),
    compression,
    inlineCompression: fc.boolean(),
    blockGroupTree: fc.boolean(),
    dedupe: fc.boolean(),
    subvolumes: fc.constantFrom<NonNullable<BtrfsOptions['subvolumes']>>(
      [],
      [{ name: '@', path: '/' }],
      [{ name: '@', path: '/' }, { name: '@/d' }, { name: 'old', snapshotOf: '@', readOnly: true }],
      [
        { name: '@', path: '/', nodatacow: true },
        { name: 'home', path: '/var' },
      ],
    ),
  },
  { requiredKeys: [] },
)

describe('images that are built here', () => {
  test('the sample is what it should be', async () => {
    await inFolder(async (folder) => {
      const { expected, ...built } = await buildSample(folder)
      expect(await differences(built, expected)).toEqual([])
    })
  })

  test('any tree, with any options', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrarySources, options, async (sources, options) => {
        const kept: SourceInput[] = withoutRefused(sources, options)
        let expected: ExpectedTrees
        try {
          expected = expectedImage(kept, options)
        } catch (error) {
          if (error instanceof Refused) return
          throw error
        }
        await inFolder(async (folder) => {
          expect(
            await differences(await build(folder, describeImage(folder, kept, options)), expected),
          ).toEqual([])
        })
      }),
      { numRuns: Number(process.env.DISKWRIGHT_RUNS ?? 12) },
    )
  })

  test('names of one hash are told apart', async () => {
    const names = collidingNames(4)
    const entries = names.map((path): TarInput => ({ path, type: 'file', content: `${path}!` }))
    await build1(entries, {}, ({ image, btrfs }) =>
      withFileSource(
        image,
        async (source) => {
          const { reader } = await openWithFaults(source)
          for (const name of names) {
            const entry = driveSync(source, reader.lookup(reader.root, name))!
            expect(driveSync(source, contentOf(reader, entry, 0, 100))).toEqual(toBytes(`${name}!`))
          }
          expect(driveSync(source, reader.lookup(reader.root, 'no such name'))).toBeUndefined()
        },
        btrfs,
      ),
    )
  })

  test('any part of a file, however it is stored', async () => {
    const content = new Uint8Array([...text(300_000), ...new Uint8Array(300_000), ...noise(200_001)])
    for (const compression of ['none', 'zstd', 'lzo']) {
      await build1([{ path: 'f', type: 'file', content }], { compression }, ({ image, btrfs }) =>
        withFileSource(
          image,
          async (source) => {
            const { reader } = await openWithFaults(source)
            const file = driveSync(source, reader.lookup(reader.root, 'f'))!
            const opened = driveSync(source, reader.open(file))
            const part = fc.tuple(fc.nat(content.length + 10), fc.nat(400_000))
            await fc.assert(
              fc.asyncProperty(part, fc.boolean(), async ([offset, length], isAsync) => {
                const wanted = content.subarray(offset, offset + length)
                const read = () => contentOf(reader, file, offset, length)
                const bytes = isAsync ? await drive(source, read()) : driveSync(source, read())
                expect(Buffer.compare(bytes, wanted)).toBe(0)
                bytes.fill(0xff)
                const again = driveSync(source, opened.read(offset, length))
                expect(Buffer.compare(again, wanted)).toBe(0)
              }),
              { numRuns: 60 },
            )
            expect(driveSync(source, rangesOf(reader, file))).toEqual([
              { offset: 0, length: expect.any(Number) as number },
              { offset: expect.any(Number) as number, length: expect.any(Number) as number },
            ])
          },
          btrfs,
        ),
      )
    }
  })

  test('readings that take turns do not disturb each other', async () => {
    await inFolder(async (folder) => {
      const { image, btrfs } = await buildSample(folder)
      await withFileSource(
        image,
        async (source) => {
          const { reader } = await openWithFaults(source)
          const slow = {
            size: source.size,
            read: async (offset: number, length: number) => {
              await new Promise((resolve) => setTimeout(resolve, (offset / 4096) % 3))
              return source.readSync(offset, length)
            },
          }
          const at = (...path: string[]) =>
            path.reduce((ref, name) => driveSync(source, reader.lookup(ref, name))!, reader.root)
          const many = at('@', 'many')
          const names = driveSync(source, reader.list(many)).map(({ name }) => name)
          const { reader: fresh } = await openWithFaults(source)
          // There is a cursor in the tree from then on.
          await drive(slow, fresh.open(many))
          const contents = await Promise.all(
            names.map(async (name) => {
              expect((await drive(slow, fresh.list(many))).map((entry) => entry.name)).toEqual(names)
              const entry = (await drive(slow, fresh.lookup(many, name)))!
              return drive(slow, contentOf(fresh, entry, 0, 100))
            }),
          )
          expect(contents).toEqual(names.map((name) => text(50, Number(name))))
        },
        btrfs,
      )
    })
  })
})
