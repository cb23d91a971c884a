import { expect, test } from 'vitest'
import type { EntryMetadata } from '../../src/file-tree/entry.ts'
import { MetadataTable } from '../../src/file-tree/metadata-table.ts'

const common = { mode: 0o444, uid: 0, gid: 0, mtime: { sec: 1, nsec: 0 } }
const entry = () => ({ path: 'a', ...common })

// Many more than there are places, so that others have been at each.
const numbers = Array.from({ length: 20_000 }, (_, i) => i * 7919)
test.each([
  ['mode', (n: number) => ({ mode: n % 0o10000 })],
  ['uid', (uid: number) => ({ uid })],
  ['gid', (gid: number) => ({ gid })],
  ['sec', (n: number) => ({ mtime: { sec: n * 2 ** 20 - 2 ** 40, nsec: 0 } })],
  ['nsec', (nsec: number) => ({ mtime: { sec: 1, nsec } })],
])('says of %s what the entry says', (_, vary) => {
  const table = new MetadataTable()
  const given = numbers.map((n) => ({ ...common, ...vary(n) }))
  const rows = given.map((metadata) => table.add(metadata))
  expect(rows.map((row) => table.get(row))).toEqual(given)
})

test('says all that only some entries say', () => {
  const time = { sec: -2, nsec: 3 }
  const xattrs = [{ name: 'user.a', value: new Uint8Array(1) }]
  const some: Partial<EntryMetadata>[] = [
    { atime: time },
    { ctime: time },
    { birthtime: time, xattrs },
    { xattrs },
    { flags: ['append'] },
    { atime: time, ctime: time, birthtime: time, xattrs, flags: ['sync'] },
  ]
  const table = new MetadataTable()
  const rows = Array.from({ length: 300 }, (_, i) => table.add({ ...entry(), ...some[i % some.length] }))
  rows.forEach((row, i) => expect(table.get(row)).toEqual({ ...common, ...some[i % some.length] }))
})

test('is one row for entries that say the same', () => {
  const table = new MetadataTable()
  const first = table.add(entry())
  expect(table.get(first)).not.toHaveProperty('path')
  table.add({ ...entry(), mode: 0o555 })
  expect(table.add(entry())).toBe(first)
})
