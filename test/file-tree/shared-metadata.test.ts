import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SharedMetadata } from '../../src/file-tree/shared-metadata.ts'

const few = fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1)
const time = fc.record({
  sec: fc.constantFrom(-(2 ** 40), -1, 0, 1, 2 ** 40),
  nsec: fc.constantFrom(0, 999_999_999),
})
const common = { mode: fc.constantFrom(0, 0o644, 0o7777), uid: few, gid: few, mtime: time }
const withAll = fc.record(
  { ...common, atime: time, birthtime: time },
  { requiredKeys: ['mode', 'uid', 'gid', 'mtime'] },
)

test('says what the entry says, whatever came before', () => {
  const shared = new SharedMetadata()
  fc.assert(
    fc.property(withAll, (metadata) => {
      expect(shared.of({ ...metadata, mtime: { ...metadata.mtime } })).toEqual(metadata)
    }),
    { numRuns: 2000 },
  )
})

test('is one object for entries that say the same', () => {
  const shared = new SharedMetadata()
  const entry = () => ({ path: 'a', mode: 0o444, uid: 0, gid: 0, mtime: { sec: 1, nsec: 0 } })
  const first = shared.of(entry())
  expect(first).not.toHaveProperty('path')
  shared.of({ ...entry(), mode: 0o555 })
  expect(shared.of(entry())).toBe(first)
  expect(shared.of({ ...entry(), atime: { sec: 2, nsec: 0 } })).not.toBe(first)
})
