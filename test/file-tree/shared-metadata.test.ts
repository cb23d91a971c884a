import { expect, test } from 'vitest'
import { SharedMetadata } from '../../src/file-tree/shared-metadata.ts'

const common = { mode: 0o444, uid: 0, gid: 0, mtime: { sec: 1, nsec: 0 } }
const entry = () => ({ path: 'a', ...common })

// Many more than there are places, so that others have been at each.
const numbers = Array.from({ length: 20_000 }, (_, i) => i * 7919)
test.each([
  ['mode', (mode: number) => ({ mode })],
  ['uid', (uid: number) => ({ uid })],
  ['gid', (gid: number) => ({ gid })],
  ['sec', (n: number) => ({ mtime: { sec: n * 2 ** 20 - 2 ** 40, nsec: 0 } })],
  ['nsec', (nsec: number) => ({ mtime: { sec: 1, nsec } })],
])('says of %s what the entry says', (_, vary) => {
  const shared = new SharedMetadata()
  const given = numbers.map((n) => ({ ...common, ...vary(n) }))
  expect(given.map((metadata) => shared.of(metadata))).toEqual(given)
})

test('says all that only some entries say', () => {
  const metadata = {
    ...common,
    atime: { sec: 2, nsec: 3 },
    xattrs: [{ name: 'user.a', value: new Uint8Array(1) }],
  }
  expect(new SharedMetadata().of({ ...entry(), ...metadata })).toEqual(metadata)
})

test('is one object for entries that say the same', () => {
  const shared = new SharedMetadata()
  const first = shared.of(entry())
  expect(first).not.toHaveProperty('path')
  shared.of({ ...entry(), mode: 0o555 })
  expect(shared.of(entry())).toBe(first)
})
