/** Tar entries of every kind, for property tests. */
import fc from 'fast-check'
import type { TarInput } from './build-tar.ts'

const byte = fc.integer({ min: 1, max: 255 }).filter((value) => value !== 0x2f)
const bytesText = (minLength: number, maxLength: number) =>
  fc
    .oneof(
      fc.array(byte, { minLength, maxLength }),
      fc.array(fc.integer({ min: 97, max: 122 }), { minLength, maxLength }),
    )
    .map((codes) => String.fromCharCode(...codes))

const component = fc
  .oneof({ weight: 5, arbitrary: bytesText(1, 20) }, { weight: 1, arbitrary: bytesText(200, 255) })
  .filter((name) => name !== '.' && name !== '..')

export const arbitraryPath = fc
  .array(component, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'))

export const arbitraryTime = fc.record({
  sec: fc.oneof(fc.integer({ min: -(2 ** 33), max: 2 ** 34 }), fc.constantFrom(-1, 0, 1)),
  nsec: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
})

const id = fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
const xattr = fc.record({
  name: bytesText(1, 30).map((name) => `user.${name}`),
  value: fc.uint8Array({ maxLength: 60 }),
})

const metadata = {
  path: arbitraryPath,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: id,
  gid: id,
  mtime: arbitraryTime,
}

const kind = fc.oneof(
  fc.record({ type: fc.constant('directory' as const) }),
  fc.record({ type: fc.constant('file' as const), content: fc.uint8Array({ maxLength: 1600 }) }),
  fc.record({ type: fc.constant('symlink' as const), target: bytesText(1, 200) }),
  fc.record({ type: fc.constant('hardlink' as const), target: arbitraryPath }),
  fc.record({ type: fc.constant('fifo' as const) }),
  fc.record({
    type: fc.constantFrom('block' as const, 'character' as const),
    major: fc.integer({ min: 0, max: 4095 }),
    minor: fc.integer({ min: 0, max: 2 ** 20 - 1 }),
  }),
)

/** What every tar can say of an entry. */
export const arbitraryPlainEntry = fc.tuple(fc.record(metadata), kind).map(([a, b]) => ({ ...a, ...b }))

/** With what only pax archives can say, too. */
export const arbitraryEntry: fc.Arbitrary<TarInput> = fc
  .tuple(
    arbitraryPlainEntry,
    fc.record(
      {
        atime: arbitraryTime,
        ctime: arbitraryTime,
        birthtime: arbitraryTime,
        xattrs: fc.uniqueArray(xattr, { selector: ({ name }) => name, minLength: 1, maxLength: 4 }),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([a, b]) => ({ ...a, ...b, ...(b.xattrs && { xattrs: inNamespace(a.type, b.xattrs) }) }))

/** Only files and directories may have attributes of users. */
function inNamespace<X extends { name: string }>(type: TarInput['type'], xattrs: readonly X[]): X[] {
  if (type === 'file' || type === 'directory' || type === 'hardlink') return [...xattrs]
  return xattrs.map((xattr) => ({ ...xattr, name: xattr.name.replace('user.', 'trusted.') }))
}

/** Content with holes between and around some bytes, of which there is one at least: Python reads no empty map. */
export const arbitrarySparse: fc.Arbitrary<Uint8Array> = fc
  .array(fc.tuple(fc.nat(8000), fc.nat(3000)), { maxLength: 40 })
  .map((runs) => {
    const parts = runs.flatMap(([zeros, ones]) => [Buffer.alloc(zeros), Buffer.alloc(ones, 'x')])
    parts.push(Buffer.from('x'))
    return new Uint8Array(Buffer.concat(parts))
  })
