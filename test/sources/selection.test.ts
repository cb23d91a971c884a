/** The keys that all sources have. */
import { describe, expect, test } from 'vitest'
import type { Entry } from '../../src/file-tree/entry.ts'
import { POSIX_ACL_ACCESS } from '../../src/file-tree/posix-acl.ts'
import { InputError } from '../../src/lib/errors.ts'
import type { Finding } from '../../src/lib/finding.ts'
import { openSource } from '../../src/sources/open.ts'
import type { SourceKeysSpec } from '../../src/spec/sources/common.ts'
import { resolveSource } from '../../src/spec/sources/table.ts'
import { issuesOf } from '../spec/descriptions.ts'
import { collect } from '../tar/collect.ts'

const TREE: Entry[] = [
  { path: '/', type: 'directory', mode: 0o700 },
  { path: '/a', type: 'directory', mode: 0o711 },
  { path: '/a/b', type: 'directory', mode: 0o722 },
  { path: '/a/b/x.txt', type: 'file', content: 'x' },
  { path: '/a/b/y', type: 'hardlink', target: '/a/b/x.txt' },
  { path: '/a/c', type: 'symlink', target: 'b' },
  { path: '/ab', type: 'file', content: 'ab' },
]

async function taken(keys: SourceKeysSpec, entries: Entry[] = TREE) {
  const findings: Finding[] = []
  const time = { sec: 1000, nsec: 0 }
  const plan = resolveSource({ entries, ...keys }, { name: 'sources[0]', time, resolvePath: (path) => path })
  const found = await collect(await openSource(plan, { onFinding: (finding) => void findings.push(finding) }))
  return { found, findings, paths: found.map(({ path }) => String(path)) }
}

describe('from and strip', () => {
  test.each<[string, SourceKeysSpec, string[]]>([
    ['nothing', {}, ['', 'a', 'a/b', 'a/b/x.txt', 'a/b/y', 'a/c', 'ab']],
    ['from', { from: '/a' }, ['', 'b', 'b/x.txt', 'b/y', 'c']],
    ['from deeper', { from: '/a/b' }, ['', 'x.txt', 'y']],
    ['strip 1', { strip: 1 }, ['b', 'b/x.txt', 'b/y', 'c']],
    ['strip 2', { strip: 2 }, ['x.txt', 'y']],
    ['from, then strip', { from: '/a', strip: 1 }, ['x.txt', 'y']],
  ])('%s', async (_, keys, paths) => {
    const { found, ...rest } = await taken(keys)
    expect(rest).toEqual({ paths, findings: [] })
    const link = found.find(({ type }) => type === 'hardlink')!
    expect(`${String(link.target)}`).toBe(String(link.path).replace(/y$/, 'x.txt'))
  })

  test('the directory that becomes the root brings its metadata', async () => {
    const { found } = await taken({ from: '/a/b' })
    expect(found[0]).toMatchObject({ path: '', mode: 0o722 })
  })

  test('a root that is not there is an error, a depth that is not there a notice', async () => {
    await expect(taken({ from: '/aa' })).rejects.toThrow('sources[0]: holds nothing at "/aa"')
    expect((await taken({ strip: 5 })).findings).toEqual([
      {
        severity: 'notice',
        where: 'sources[0].strip',
        message: 'removes all entries of the source: none has so many levels',
      },
    ])
  })
})

describe('include and exclude', () => {
  test.each<[string, SourceKeysSpec, string[]]>([
    ['one file, with its parents', { include: ['/a/*/x.txt'] }, ['', 'a', 'a/b', 'a/b/x.txt']],
    ['a directory with all below', { include: ['/a/b'] }, ['', 'a', 'a/b', 'a/b/x.txt', 'a/b/y']],
    ['at any depth', { include: ['/**/*b'] }, ['', 'a', 'a/b', 'a/b/x.txt', 'a/b/y', 'ab']],
    ['all but a directory', { exclude: ['/a/b'] }, ['', 'a', 'a/c', 'ab']],
    ['what is below, not itself', { exclude: ['/a/**'] }, ['', 'a', 'ab']],
    ['exclude wins', { include: ['/a'], exclude: ['/a/b'] }, ['', 'a', 'a/c']],
    ['paths after from', { from: '/a', exclude: ['/b'] }, ['', 'c']],
    ['paths after strip', { strip: 1, include: ['/c'] }, ['c']],
  ])('%s', async (_, keys, paths) => {
    const { found, ...rest } = await taken(keys)
    expect(found.length).toBe(paths.length)
    expect(rest).toEqual({ paths, findings: [] })
  })

  test('patterns that match nothing are findings', async () => {
    const { findings } = await taken({ include: ['/a', '/nope'], exclude: ['/a/c', '/b/**'] })
    expect(findings).toEqual([
      { severity: 'notice', where: 'sources[0].include[1]', message: 'matches nothing in the source' },
      { severity: 'notice', where: 'sources[0].exclude[1]', message: 'matches nothing in the source' },
    ])
  })

  test.each<[string, SourceKeysSpec]>([
    ['"exclude"', { exclude: ['/a/b/x.txt'] }],
    ['"include"', { include: ['/**/y'] }],
  ])('a hard link without its file is an error: %s', async (reason, keys) => {
    const taking = taken(keys)
    await expect(taking).rejects.toThrow(
      `entry "a/b/y": the hard link's target "a/b/x.txt" is left out by ${reason}, and the content with it: take both, or neither`,
    )
    await expect(taking).rejects.toBeInstanceOf(InputError)
  })

  test('a hard link to what lies outside of the new root is one, too', async () => {
    const out: Entry[] = [
      { path: '/f', type: 'file' },
      { path: '/a/l', type: 'hardlink', target: '/f' },
    ]
    await expect(taken({ from: '/a' }, out)).rejects.toThrow('is left out by "from"')
    await expect(taken({ strip: 1 }, out)).rejects.toThrow('is left out by "strip"')
  })
})

/** (struct posix_acl_xattr_header, struct posix_acl_xattr_entry) */
function aclOf(...entries: [tag: number, perm: number, id?: number][]): Uint8Array {
  const value = new DataView(new ArrayBuffer(4 + 8 * entries.length))
  value.setUint32(0, 2, true)
  for (const [i, [tag, perm, id = 0xffff_ffff]] of entries.entries()) {
    value.setUint16(4 + 8 * i, tag, true)
    value.setUint16(6 + 8 * i, perm, true)
    value.setUint32(8 + 8 * i, id, true)
  }
  return new Uint8Array(value.buffer)
}

describe('changes', () => {
  const FILE: Entry = {
    path: '/f',
    type: 'file',
    uid: 1000,
    gid: 100,
    mode: 0o4751,
    mtime: { sec: 50, nsec: 7 },
    atime: { sec: 50, nsec: 6 },
    ctime: { sec: 49, nsec: 999 },
    birthtime: { sec: 51, nsec: 0 },
  }
  const after = async (keys: SourceKeysSpec, entry: Entry = FILE) => (await taken(keys, [entry])).found[0]

  test.each<[SourceKeysSpec['owner'], number, number]>([
    ['keep', 1000, 100],
    ['root', 0, 0],
    [{ uid: 5 }, 5, 100],
    [{ uid: { 1000: 0, 7: 8 }, gid: { 100: 65534 } }, 0, 65534],
    [{ gid: { 5: 6 } }, 1000, 100],
  ])('owner %j', async (owner, uid, gid) => {
    expect(await after({ owner })).toMatchObject({ uid, gid })
  })

  test('mode of files and directories; symlinks keep theirs', async () => {
    const mode = { files: 'go-x,u-s', directories: '0750' }
    expect(await after({ mode })).toMatchObject({ mode: 0o740 })
    expect(await after({ mode }, { path: '/d', type: 'directory' })).toMatchObject({ mode: 0o750 })
    expect(await after({ mode: '0600' }, { path: '/l', type: 'symlink', target: 'x' })).toMatchObject({
      mode: 0o777,
    })
  })

  test('a new mode goes into the ACL, as chmod does it', async () => {
    // user::rwx, user 5:rwx, group::r-x, mask::rwx, other::r-x
    const acl = Uint8Array.from(
      '02000000 01000700ffffffff 0200070005000000 04000500ffffffff 10000700ffffffff 20000500ffffffff'
        .replaceAll(' ', '')
        .match(/../g)!
        .map((byte) => parseInt(byte, 16)),
    )
    const entry: Entry = { path: '/f', type: 'file', mode: 0o775, xattrs: { [POSIX_ACL_ACCESS]: acl } }
    const { xattrs } = await after({ mode: 'g-w,o=' }, entry)
    const [{ value }] = xattrs as { value: Uint8Array }[]
    // The mask and the others change, the named user and the group stay.
    expect([6, 14, 22, 30, 38].map((at) => value[at])).toEqual([7, 7, 5, 5, 0])
  })

  test('a map of owners goes into the ACL, a number for all does not', async () => {
    const acl = aclOf([1, 7], [2, 6, 1000], [2, 7, 1001], [4, 5], [8, 4, 100], [16, 7], [32, 5])
    const entry: Entry = { path: '/f', type: 'file', mode: 0o775, xattrs: { [POSIX_ACL_ACCESS]: acl } }
    const aclAfter = async (owner: SourceKeysSpec['owner']) =>
      ((await after({ owner }, entry)).xattrs as { value: Uint8Array }[])[0].value
    expect(await aclAfter({ uid: { 1000: 2000 }, gid: { 100: 7 } })).toEqual(
      aclOf([1, 7], [2, 7, 1001], [2, 6, 2000], [4, 5], [8, 4, 7], [16, 7], [32, 5]),
    )
    expect(await aclAfter('root')).toEqual(acl)
    await expect(aclAfter({ uid: { 1000: 1001 } })).rejects.toThrow(
      'entry "f": with "owner": ACL names id 1001 twice',
    )
  })

  test('times are clamped, all four of them', async () => {
    expect(await after({ clampTime: 50 })).toMatchObject({
      mtime: { sec: 50, nsec: 0 },
      atime: { sec: 50, nsec: 0 },
      ctime: { sec: 49, nsec: 999 },
      birthtime: { sec: 50, nsec: 0 },
    })
    expect(await after({ clamp: true })).toMatchObject({ mtime: { sec: 50, nsec: 7 } })
    expect(await after({ clampTime: '1970-01-01T00:00:49Z' })).toMatchObject({ ctime: { sec: 49, nsec: 0 } })
  })
})

describe('descriptions', () => {
  const spec = (source: object, more: object = {}) => ({
    table: { type: 'mbr' },
    partitions: [{ type: 'btrfs', size: 'fit', sources: [{ tar: 'x', ...source }] }],
    ...more,
  })
  test.each<[object, string, string]>([
    [{ from: 'a' }, 'from', 'expected an absolute path'],
    [{ strip: -1 }, 'strip', 'expected a number of components'],
    [{ include: [] }, 'include', 'expected at least one pattern'],
    [{ exclude: ['a'] }, 'exclude[0]', 'expected a pattern like'],
    [{ owner: 'me' }, 'owner', 'expected "keep", "root" or'],
    [{ owner: { uid: { x: 1 } } }, 'owner', 'expected "keep", "root" or'],
    [{ mode: 'u+q' }, 'mode', 'expected permissions like "0755" or "go=rX"'],
    [{ clampTime: 'now' }, 'clampTime', 'expected seconds since 1970'],
    [{ clamp: true }, 'clamp', 'needs a "time" in the description, or SOURCE_DATE_EPOCH'],
    [{ clamp: true, clampTime: 5 }, 'clamp', 'contradicts "clampTime"'],
  ])('%j', async (source, key, message) => {
    const issues = await issuesOf(spec(source))
    expect(issues.map(({ path }) => path)).toEqual([`partitions[0].sources[0].${key}`])
    expect(issues[0].message).toContain(message)
  })

  test('clamp takes the time of the description, or of the environment', async () => {
    expect(await issuesOf(spec({ clamp: true }, { time: 5 }))).toEqual([])
    expect(await issuesOf(spec({ clamp: true }), { sourceDateEpoch: '5' })).toEqual([])
  })
})
