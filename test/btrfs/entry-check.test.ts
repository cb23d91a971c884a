import { describe, expect, test } from 'vitest'
import { EntryCheck } from '../../src/btrfs/write/entry-check.ts'
import { btrfsLimits } from '../../src/btrfs/limits.ts'
import type { SourceEntry } from '../../src/file-tree/entry.ts'
import { fromText } from '../../src/lib/byte-string.ts'

const entry = (tag: number, perm: number, id = 'ffffffff') =>
  `0${tag.toString(16)}00`.slice(-4) + `0${perm}00${id}`
const acl = (...entries: string[]) => Buffer.from(`02000000${entries.join('')}`, 'hex').toString('latin1')
const minimal = acl(entry(1, 7), entry(4, 5), entry(32, 5))

/** Types by their flags in tar archives. */
const TYPES: Record<string, SourceEntry['type']> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '5': 'directory',
  '6': 'fifo',
}

const GOOD = { name: 'user.good', value: Buffer.from('x') }

function entryWith(name: string, value: string, typeflag: string): SourceEntry {
  const xattrs = [{ name: fromText(name), value: Buffer.from(value, 'latin1') }]
  if (typeflag === '0' || typeflag === '5') xattrs.push(GOOD)
  return {
    path: 'a',
    type: TYPES[typeflag],
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: { sec: 0, nsec: 0 },
    xattrs,
    target: 'b',
    major: 1,
    minor: 3,
    size: 0,
    content: [],
    origin: { source: 'a.tar', offset: 0 },
  } as unknown as SourceEntry
}

describe('extended attributes that BTRFS does not have', () => {
  test.each([
    ['user.', 'x', '0', 'expected a name after the dot'],
    ['trusted.', 'x', '0', 'expected a name after the dot'],
    ['user', 'x', '0', 'BTRFS has none of this name'],
    ['com.apple.quarantine', 'x', '0', 'BTRFS has none of this name'],
    ['system.nfs4_acl', 'x', '0', 'BTRFS has none of this name'],
    ['btrfs.other', 'x', '0', 'BTRFS has none of this name'],
    ['btrfs.compression', 'gzip', '0', 'expected zlib, lzo, zstd or none, found "gzip"'],
    ['btrfs.compression', 'zstd:', '0', 'found "zstd:"'],
    ['btrfs.compression', '', '0', 'found ""'],
    ['btrfs.compression', 'zstd', '6', 'a fifo is never compressed'],
    ['user.a', 'x', '2', 'a symlink cannot have one in "user."'],
    ['user.a', 'x', '3', 'a character cannot have one in "user."'],
    ['system.posix_acl_access', minimal, '2', 'a symlink cannot have an ACL'],
    ['system.posix_acl_default', minimal, '0', 'a file cannot have a default ACL'],
    ['system.posix_acl_access', '', '0', 'ACL of 0 bytes'],
    ['system.posix_acl_access', minimal.slice(0, -1), '0', 'ACL of 27 bytes'],
    ['system.posix_acl_access', `\x01${minimal.slice(1)}`, '0', 'ACL of version 1'],
    ['system.posix_acl_access', acl(entry(1, 7), entry(3, 7)), '0', 'the unknown tag 3'],
    ['system.posix_acl_access', acl(entry(1, 8), entry(4, 5), entry(32, 5)), '0', 'the permissions 8'],
    ['system.posix_acl_access', acl(entry(4, 7), entry(1, 5), entry(32, 5)), '0', 'not in the order'],
    ['system.posix_acl_access', acl(entry(1, 7), entry(4, 5)), '0', '0 entries "other::"'],
    [
      'system.posix_acl_access',
      acl(entry(1, 7), entry(2, 7), entry(4, 5), entry(16, 5), entry(32, 5)),
      '0',
      'names nobody',
    ],
    ['user.long', 'x'.repeat(16384), '0', 'are allowed'],
  ])('%s of %j is refused or dropped, type %s', (name, value, typeflag, message) => {
    const check = new EntryCheck(btrfsLimits(16384))
    const problem = check.problemOf(entryWith(name, value, typeflag))
    expect(problem).toContain(message)
    expect(problem).toContain('"unsupported": "drop"')
    expect(check.drops.counts).toEqual({ xattrs: 0, acls: 0, flags: 0, entries: 0 })

    check.policy = 'drop'
    const entry = entryWith(name, value, typeflag)
    expect(check.problemOf(entry)).toBeUndefined()
    expect(entry.xattrs).toEqual(typeflag === '0' || typeflag === '5' ? [GOOD] : undefined)
    const isAcl = name.startsWith('system.posix_acl')
    expect(check.drops.counts).toEqual({ xattrs: isAcl ? 0 : 1, acls: isAcl ? 1 : 0, flags: 0, entries: 0 })
    expect(check.drops.notices('BTRFS')).toEqual([
      {
        severity: 'notice',
        where: 'a.tar',
        message: `left out what BTRFS cannot hold: 1 ${isAcl ? 'ACL' : 'extended attribute'}; the first is xattr "${name}" of "a"`,
      },
    ])
  })

  test('those of a hard link are those of its inode', () => {
    const check = new EntryCheck(btrfsLimits(16384))
    expect(check.problemOf(entryWith('com.apple.quarantine', 'x', '1'))).toBeUndefined()
  })
})

test('other properties', () => {
  const check = new EntryCheck(btrfsLimits(16384))
  const entry: SourceEntry = {
    ...entryWith('user.a', 'x', '0'),
    unsupported: [
      { kind: 'acls', name: 'an NFSv4 ACL' },
      { kind: 'flags', name: 'the file flag "uchg"' },
    ],
  }
  expect(check.problemOf(entry)).toMatch(/^an NFSv4 ACL, which BTRFS does not have/)
  check.policy = 'drop'
  expect(check.problemOf(entry)).toBeUndefined()
  expect(check.drops.counts).toEqual({ xattrs: 0, acls: 1, flags: 1, entries: 0 })
})

test('what is no property is never dropped', () => {
  const check = new EntryCheck(btrfsLimits(16384))
  check.policy = 'drop'
  expect(check.problemOf({ ...entryWith('user.a', 'x', '0'), uid: 2 ** 32 - 1 })).toContain('"no id"')
})
