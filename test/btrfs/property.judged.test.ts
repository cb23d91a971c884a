import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HASH_NAMES } from '../../src/lib/block-hash.ts'
import {
  arbitraryEntry as entry,
  arbitrarySources as sources,
  specPath,
  withoutRefused,
} from '../images/arbitrary-tree.ts'
import type { TarInput } from '../tar/build-tar.ts'
import { build, describeImage, inFolder, noise, text, type BtrfsOptions } from '../images/build.ts'
import { judge } from '../images/judge.ts'
import { btrfsIssues } from '../../src/spec/rules/btrfs-rules.ts'
import { expectedImage, isExcluded, pathHeldBy, Refused, type SourceInput } from '../images/expected-image.ts'
import { InputError } from 'diskwright'

/** A longer look: DISKWRIGHT_RUNS=500 npx vitest run test/btrfs/property.judged.test.ts */
const RUNS = Number(process.env.DISKWRIGHT_RUNS ?? 15)

const COMPRESSIONS = ['lzo', 'zlib:1', 'zlib', 'zlib:9', 'zstd:1', 'zstd', 'zstd:15']
const storage = fc
  .record(
    {
      nodatacow: fc.boolean(),
      compression: fc.constantFrom('none', ...COMPRESSIONS),
      property: fc.constantFrom<'none' | 'lzo' | 'zlib' | 'zstd'>('none', 'lzo', 'zlib', 'zstd'),
    },
    { requiredKeys: [] },
  )
  .map((rule) => (rule.nodatacow ? { nodatacow: true } : rule))
const subvolumes = fc
  .tuple(
    fc.constantFrom('', '@', undefined),
    storage,
    fc.uniqueArray(fc.tuple(fc.oneof(specPath, fc.constant(undefined)), storage), {
      maxLength: 3,
      selector: ([path]) => path,
    }),
  )
  .map(([root, rootStorage, others]) => [
    ...(root === undefined ? [] : [{ name: root, path: '/', ...rootStorage }]),
    ...others.map(([path, storage], i) => ({ name: `@${i}`, ...(path && { path }), ...storage })),
  ])
/** Of a few names, so that they match. */
const glob = fc
  .array(fc.constantFrom('*', '**', 'a', 'b', 'boot', '?', 'n*', 'd'), { minLength: 1, maxLength: 3 })
  .map((parts) => `/${parts.join('/')}`)
const changes = fc.oneof(
  fc.record(
    {
      uid: fc.constantFrom(0, 7, 2 ** 32 - 2),
      gid: fc.constantFrom(0, 8),
      mode: fc.constantFrom('0600', '4755', '1777'),
      flags: fc
        .subarray(['append', 'immutable', 'noatime', 'nodump', 'sync'] as const)
        .map((flags) => [...flags]),
      xattrs: fc.constantFrom<Record<string, string | null>>(
        { 'user.a': 'new', 'user.b': null },
        { 'user.r': '' },
      ),
      nodatacow: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
  fc.constant({ exclude: true }),
)
const patternRule = fc.tuple(glob, changes).map(([glob, changes]) => ({ glob, ...changes }))

/** Subvolumes in each other, and snapshots of them. */
const innerSubvolumes = fc.uniqueArray(
  fc.record(
    {
      name: fc.constantFrom(
        'a',
        'd/b',
        '@/a',
        '@/boot',
        '@/d/var',
        '@/x/y/z',
        '@0/a',
        '@0/new',
        '@/a/b',
        's',
        '@/s',
      ),
      path: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: specPath }),
      snapshotOf: fc.constantFrom(undefined, undefined, undefined, '', '@', '@0', '@/a'),
      readOnly: fc.boolean(),
      default: fc.constantFrom(undefined, undefined, true),
      id: fc.oneof(fc.constant(undefined), fc.integer({ min: 256, max: 2 ** 47 - 1 })),
    },
    { requiredKeys: ['name'] },
  ),
  { selector: ({ name }) => name, maxLength: 4 },
)
const allSubvolumes = fc.tuple(subvolumes, innerSubvolumes).map(([outer, inner]) =>
  [...outer, ...inner].reduce<NonNullable<BtrfsOptions['subvolumes']>>((kept, subvolume) => {
    const defined = Object.fromEntries(Object.entries(subvolume).filter(([, value]) => value !== undefined))
    const all = [...kept, defined as unknown as (typeof kept)[0]]
    return btrfsIssues({ subvolumes: all }, '').length === 0 ? all : kept
  }, []),
)
const profile = fc.constantFrom('single' as const, 'dup' as const)
const groups = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record(
      {
        nodeSize: fc.constantFrom(4096, 8192, 16384, 32768, 65536),
        profiles: fc.record({ system: profile, metadata: profile, data: profile }),
      },
      { requiredKeys: [] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(profile, profile)
      .map(([system, data]) => ({ mixed: true, profiles: { system, data } })),
  },
)
const ownOptions: fc.Arbitrary<BtrfsOptions> = fc.record(
  {
    blockGroupTree: fc.boolean(),
    checksum: fc.constantFrom(...HASH_NAMES),
    compression: fc.constantFrom('none', ...COMPRESSIONS),
    inlineCompression: fc.boolean(),
    slack: fc.constantFrom(0, 4096, '64MiB'),
    dedupe: fc.boolean(),
    subvolumes: allSubvolumes,
    paths: fc
      .tuple(
        fc
          .uniqueArray(fc.tuple(specPath, storage), { maxLength: 2, selector: ([path]) => path })
          // Whether a level contradicts a "nodatacow" above it is a matter of the description, tested there.
          .map((rules) =>
            rules.map(([path, { nodatacow }]) => ({
              path,
              ...(nodatacow === undefined ? {} : { nodatacow }),
            })),
          ),
        fc.array(patternRule, { maxLength: 3 }),
      )
      .map(([paths, patterns]) => [...paths, ...patterns]),
    links: fc.constantFrom<Record<string, string>>({}, { link: '@boot' }),
  },
  { requiredKeys: [] },
)
/** Leaving out the root of a subvolume is a matter of the description, too. */
const options = fc.tuple(groups, ownOptions).map(([a, b]): BtrfsOptions => {
  const options = { ...a, ...b }
  const roots = (options.subvolumes ?? []).map((subvolume) => pathHeldBy(subvolume.name, options))
  const leavesOutRoot = (rule: NonNullable<BtrfsOptions['paths']>[number]) =>
    roots.some((root) => root !== undefined && isExcluded({ paths: [rule] }, root))
  return { ...options, paths: (options.paths ?? []).filter((rule) => !leavesOutRoot(rule)) }
})

async function judgeCase(
  sources: readonly SourceInput[],
  options: BtrfsOptions,
): Promise<'judged' | 'refused'> {
  return inFolder(async (folder) => {
    const spec = describeImage(folder, sources, options)
    let expected
    try {
      expected = expectedImage(sources, options)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      await expect(build(folder, spec), error.message).rejects.toThrow(InputError)
      return 'refused'
    }
    await judge(await build(folder, spec), expected, { check: { versions: 'newest' } })
    return 'judged'
  })
}

describe('any tree', () => {
  test('is what btrfs check and the kernel find in the image', async () => {
    await fc.assert(
      fc.asyncProperty(sources, options, async (sources, options) => {
        await judgeCase(withoutRefused(sources, options), options)
      }),
      { numRuns: RUNS },
    )
  })

  test('is refused when it cannot be', async () => {
    let refused = 0
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { minLength: 5, maxLength: 12, size: 'max' }), async (entries) => {
        fc.pre(refused < RUNS && withoutRefused([{ entries }], {})[0].entries.length < entries.length)
        expect(await judgeCase([{ entries }], {})).toBe('refused')
        refused++
      }),
      { numRuns: RUNS, maxSkipsPerRun: 10_000 },
    )
  })
})

const file = (path: string, content: Uint8Array): TarInput => ({ path, type: 'file', content })
const hardlink = (path: string, target: string): TarInput => ({ path, type: 'hardlink', target })

describe('what once went wrong', () => {
  test.each<[string, TarInput[], BtrfsOptions]>([
    [
      'subvolumes one in the other, the inner one described first',
      [],
      {
        subvolumes: [
          { name: '', path: '/' },
          { name: '@0', path: '/d/a' },
          { name: '@1', path: '/d' },
        ],
      },
    ],
    [
      'a hard link back from a subvolume that has a copy of its own',
      [file('a', text(300_000)), hardlink('boot/b', 'a'), hardlink('c', 'boot/b'), hardlink('boot/d', 'c')],
      {
        compression: 'zstd',
        subvolumes: [
          { name: '@', path: '/' },
          { name: '@boot', path: '/boot', nodatacow: true },
        ],
      },
    ],
    [
      'hard links in one subvolume, to paths that are stored in two ways',
      [file('a', noise(300_000)), hardlink('b/nocow/c', 'a'), hardlink('b/d', 'a')],
      {
        subvolumes: [
          { name: '@', path: '/' },
          { name: '@b', path: '/b' },
        ],
        paths: [{ path: '/b/nocow', nodatacow: true }],
      },
    ],
    [
      'a copy of what is compressed, from the other side',
      [file('boot/a', text(300_000)), hardlink('b', 'boot/a')],
      {
        compression: 'zstd',
        subvolumes: [
          { name: '@', path: '/' },
          { name: '@boot', path: '/boot', nodatacow: true },
        ],
      },
    ],
  ])('%s', async (_, entries, options) => {
    expect(await judgeCase([{ entries }], options)).toBe('judged')
  })
})
