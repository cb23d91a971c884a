/** Trees of every kind of entry, for tests that build whole images of them. */
import * as fc from 'fast-check'
import { arbitraryTime } from '../tar/arbitrary-entries.ts'
import type { TarInput } from '../tar/build-tar.ts'
import { noise, text } from './build.ts'
import { expectedImage, Refused, type Layout, type SourceInput } from './expected-image.ts'

// Few names, so that paths meet: entries replace each other, links find targets, rules and subvolumes apply.
const name = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('a', 'b', 'boot', 'd', 'nix', 'var') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\xff\xfe', 'gr\xc3\xbc\xc3\x9fe', 'with space', 'x'.repeat(255), '-'),
  },
)
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))

const LIMITS = [
  0, 1, 2047, 2048, 2049, 4095, 4096, 4097, 8192, 131071, 131072, 131073, 135168, 262144, 400000,
]
const kind = fc.constantFrom(
  (length: number, seed: number) => noise(length, seed),
  (length: number, seed: number) => text(length, seed),
  (length: number) => new Uint8Array(length),
)
/** Runs of noise, text and zeros. */
const content = fc
  .oneof(
    { weight: 3, arbitrary: fc.array(fc.tuple(kind, fc.constantFrom(...LIMITS)), { maxLength: 1 }) },
    {
      weight: 1,
      arbitrary: fc.array(fc.tuple(kind, fc.constantFrom(4096, 131072, 1, 70000)), { maxLength: 6 }),
    },
  )
  .chain((runs) => fc.tuple(fc.constant(runs), fc.integer({ min: 1, max: 5 })))
  .map(
    ([runs, seed]) => new Uint8Array(Buffer.concat(runs.map(([make, length], i) => make(length, seed + i)))),
  )

const id = fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 2 ** 32 - 2 }))
const xattr = fc.record({
  name: fc.constantFrom('user.a', 'user.b', 'user.\xff', 'trusted.c', `user.${'n'.repeat(250)}`),
  value: fc.oneof(fc.uint8Array({ maxLength: 30 }), fc.constant(noise(3000))),
})
const xattrs = fc.uniqueArray(xattr, { selector: ({ name }) => name, minLength: 1, maxLength: 3 })
const metadata = {
  path,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: id,
  gid: id,
  mtime: arbitraryTime,
}
const optional = (more: object) =>
  fc.record({ atime: arbitraryTime, ctime: arbitraryTime, ...more }, { requiredKeys: [] })
const entryOf = <T extends object>(weight: number, own: fc.Arbitrary<T>, more: object = {}) => ({
  weight,
  arbitrary: fc
    .tuple(fc.record(metadata), optional(more), own)
    .map(([a, b, c]) => ({ ...a, ...b, ...c }) as unknown as TarInput),
})
const is = <T extends string>(type: T) => fc.constant(type)
const sparse = fc.constantFrom('gnu', '0.0', '0.1', '1.0')
export const arbitraryEntry: fc.Arbitrary<TarInput> = fc.oneof(
  entryOf(6, fc.record({ type: is('file'), content }), { xattrs, sparse }),
  entryOf(2, fc.record({ type: is('directory') }), { xattrs }),
  entryOf(3, fc.record({ type: is('hardlink'), target: path })),
  entryOf(1, fc.record({ type: is('symlink'), target: fc.oneof(path, fc.constant('t'.repeat(3900))) })),
  entryOf(1, fc.record({ type: is('fifo') })),
  entryOf(
    1,
    fc.record({
      type: fc.constantFrom('block', 'character'),
      major: fc.integer({ min: 0, max: 4095 }),
      minor: fc.integer({ min: 0, max: 2 ** 20 - 1 }),
    }),
  ),
)

/** Paths that a description can name. */
export const specPath = path.filter((path) => !/[^\x20-\x7e]/.test(path)).map((path) => `/${path}`)
export const arbitrarySources: fc.Arbitrary<SourceInput[]> = fc.array(
  fc.record(
    { entries: fc.array(arbitraryEntry, { maxLength: 25, size: 'max' }), to: specPath },
    { requiredKeys: ['entries'] },
  ),
  { minLength: 1, maxLength: 2 },
)

/** Drops entries that the tree as it is then refuses: most cases should be about what is built. */
export function withoutRefused(sources: readonly SourceInput[], layout: Layout): SourceInput[] {
  const kept: SourceInput[] = []
  for (const { entries, ...rest } of sources) {
    const accepted: TarInput[] = []
    kept.push({ entries: accepted, ...rest })
    for (const entry of entries) {
      accepted.push(entry)
      try {
        expectedImage(kept, layout)
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        accepted.pop()
      }
    }
  }
  return kept
}
