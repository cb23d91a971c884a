import { toLatin1 } from '../../src/lib/byte-string.ts'
import { createServer } from 'node:net'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { nameHash } from '../../src/btrfs/checksum.ts'
import { InputError } from 'diskwright'
import type { BtrfsSpec } from '../../src/spec/btrfs-spec.ts'
import type { ExpectedEntry } from '../judges/expected.ts'
import type { TarInput } from '../tar/build-tar.ts'
import { collidingNames } from '../images/collisions.ts'
import { build, describeImage, inFolder, noise, text } from '../images/build.ts'
import { buildAndJudge, judge } from '../images/judge.ts'

const KIB = 1024
const MIB = 1024 * KIB
const ns = (sec: number, nsec: number) => ({ sec, nsec })

const PRESET: BtrfsSpec['subvolumes'] = [
  { name: '@', path: '/' },
  { name: '@boot', path: '/boot', nodatacow: true },
  { name: '@gnu', path: '/gnu' },
  { name: '@home', path: '/home' },
  { name: '@nix', path: '/nix' },
  { name: '@snapshots', path: '/.snapshots' },
  { name: '@var', path: '/var' },
]

const file = (path: string, content: Uint8Array | string, more: Partial<TarInput> = {}): TarInput =>
  ({ path, type: 'file', content, ...more }) as TarInput
const directory = (path: string, more: Partial<TarInput> = {}): TarInput =>
  ({ path, type: 'directory', ...more }) as TarInput
const hardlink = (path: string, target: string): TarInput => ({ path, type: 'hardlink', target })
const symlink = (path: string, target: string): TarInput => ({ path, type: 'symlink', target, mode: 0o777 })

const xattr = (name: string, ...value: number[]) => ({ name, value: Uint8Array.from(value) })
/** (struct vfs_ns_cap_data, revision 2): cap_net_raw, permitted and effective. */
const CAPABILITY = xattr('security.capability', 1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
/** user::rw-, user:1000:r--, group::r--, mask::r--, other::r-- (struct posix_acl_xattr_header) */
const ACL = xattr(
  'system.posix_acl_access',
  ...[2, 0, 0, 0],
  ...[1, 0, 6, 0, 0xff, 0xff, 0xff, 0xff],
  ...[2, 0, 4, 0, 0xe8, 3, 0, 0],
  ...[4, 0, 4, 0, 0xff, 0xff, 0xff, 0xff],
  ...[16, 0, 4, 0, 0xff, 0xff, 0xff, 0xff],
  ...[32, 0, 4, 0, 0xff, 0xff, 0xff, 0xff],
)

const SIZES = [
  ...[0, 1, 2047, 2048, 2049, 4095, 4096, 4097, 8191, 8192, 8193],
  ...[128 * KIB - 1, 128 * KIB, 128 * KIB + 1, 132 * KIB, 256 * KIB, 256 * KIB + 1, MIB - 1, MIB, MIB + 1],
]

/** Something of every kind: in the root, and in subvolumes of both kinds. */
function everything(): TarInput[] {
  const zerosBetween = (before: number, zeros: number, after: number) =>
    new Uint8Array(Buffer.concat([noise(before), new Uint8Array(zeros), text(after)]))
  const contents = (folder: string) => [
    directory(folder),
    ...SIZES.flatMap((size) => [
      file(`${folder}/text-${size}`, text(size, size + 1)),
      file(`${folder}/noise-${size}`, noise(size, size + 1)),
      file(`${folder}/zeros-${size}`, new Uint8Array(size)),
    ]),
    file(`${folder}/text`, text(5 * MIB + 17)),
    file(`${folder}/noise`, noise(3 * MIB + 17)),
    file(`${folder}/zeros-inside`, zerosBetween(128 * KIB, 384 * KIB, 128 * KIB)),
    file(`${folder}/zeros-across`, zerosBetween(100 * KIB, 300 * KIB, 5)),
    file(`${folder}/zeros-first`, zerosBetween(0, 2 * MIB, 10)),
    file(`${folder}/zeros-last`, zerosBetween(10, 2 * MIB, 0)),
    file(`${folder}/last-byte`, zerosBetween(0, 256 * KIB, 1)),
  ]
  return [
    directory('', {
      mode: 0o750,
      uid: 12,
      gid: 13,
      mtime: ns(1, 2),
      xattrs: [xattr('user.root', 1)],
    }),
    ...['.snapshots', 'boot', 'gnu', 'home', 'nix', 'var'].map((path, i) =>
      directory(path, { mode: 0o700 + i, mtime: ns(i, i) }),
    ),
    ...contents('nix/contents'),
    ...contents('boot/contents'),

    directory('modes'),
    ...[0, 0o4755, 0o2755, 0o6711, 0o1777, 0o7777, 0o644].flatMap((mode) => [
      file(`modes/file-${mode}`, 'x', { mode }),
      directory(`modes/directory-${mode}`, { mode }),
    ]),
    file('owner', 'x', { uid: 2 ** 32 - 2, gid: 2 ** 31 }),
    ...[
      ns(-1, 0),
      ns(-1, 999_999_999),
      ns(-(2 ** 33), 1),
      ns(2 ** 31, 5),
      ns(2 ** 34, 123_456_789),
      ns(0, 1),
    ].map((mtime, i) =>
      file(`time-${i}`, 'x', { mtime, atime: ns(mtime.sec + 1, 3), ctime: ns(mtime.sec - 1, 4) }),
    ),

    file('xattrs', 'x', {
      mode: 0o644,
      xattrs: [
        xattr('user.binary', 0, 255, 10, 0x3d, 0),
        xattr('user.empty'),
        xattr('user.a=b%c', 1),
        xattr('user.\xff\xfe', 2),
        xattr(`user.${'n'.repeat(250)}`, 3),
        { name: 'user.large', value: noise(15 * KIB) },
        xattr('trusted.of', 1, 2),
        CAPABILITY,
        ACL,
      ],
    }),
    directory('xattrs-of-directory', {
      xattrs: [xattr('user.binary', 0, 1), { ...ACL, name: 'system.posix_acl_default' }],
    }),

    directory('names'),
    ...[
      '\xff\x80\x01',
      'gr\xc3\xbc\xc3\x9fe',
      '...',
      '-',
      ' ',
      '\n',
      '\\',
      'x'.repeat(255),
      '\xc3'.repeat(255),
    ].map((name) => file(`names/${name}`, name)),
    ...Array.from({ length: 12 }, (_, i) => directory('deep/'.repeat(i + 1).slice(0, -1))),

    symlink('links', '/'),
    ...[1, 2, 60, 100, 2047, 2048, 2049, 4094, 4095].map((length) =>
      symlink(`link-${length}`, 'l'.repeat(length)),
    ),
    symlink('link-bytes', '\xff/\xfe'),
    { path: 'fifo', type: 'fifo', mode: 0o600 },
    { path: 'null', type: 'character', major: 1, minor: 3, mode: 0o666 },
    { path: 'character', type: 'character', major: 4095, minor: 2 ** 20 - 1 },
    { path: 'block', type: 'block', major: 259, minor: 70_000 },

    file('home/a', 'inline'),
    hardlink('home/b', 'home/a'),
    hardlink('home/c/d', 'home/b'),
    hardlink('a-elsewhere', 'home/a'),
    hardlink('boot/a-elsewhere', 'home/a'),
    file('nix/large', text(300 * KIB)),
    hardlink('home/large', 'nix/large'),
    hardlink('home/large-again', 'nix/large'),
    hardlink('boot/large', 'nix/large'),
    hardlink('boot/large-again', 'home/large'),
    file('boot/sparse', zerosBetween(200 * KIB, 512 * KIB, 300)),
    hardlink('var/sparse', 'boot/sparse'),
    hardlink('gnu/sparse', 'var/sparse'),
    hardlink('var/sparse-text', 'nix/contents/zeros-across'),
    hardlink('boot/sparse-text', 'nix/contents/zeros-across'),
    hardlink('fifo-again', 'fifo'),
    hardlink('nix/link-again', 'link-60'),
  ]
}

const BOOT_FLAGS = [
  '@boot',
  '@boot/contents',
  '@boot/contents/noise',
  '@boot/contents/zeros-0',
  '@boot/large',
]

describe('a file system with something of every kind', () => {
  test('stands all judges', async () => {
    await buildAndJudge(
      everything(),
      {
        label: 'GR\xdc\xdfE',
        compression: 'zstd',
        subvolumes: PRESET,
        links: { boot: '@boot', 'l\xefnk': '\xefx' },
      },
      { exercise: true, kernel: { expectNodatacow: BOOT_FLAGS } },
    )
  })

  test.each([
    [4096, 'single', 'dup', 'zstd:1', '@'],
    [65536, 'dup', 'single', 'none', ''],
  ] as const)('in nodes of %i bytes (%s, %s, %s)', async (nodeSize, system, metadata, compression, root) => {
    const room = nodeSize - 101 - 25
    const entries = everything().filter(
      (entry) =>
        !(entry.type === 'symlink' && entry.target.length > room - 21) &&
        !entry.xattrs?.some(({ name, value }) => name.length + value.length > room - 30),
    )
    const subvolumes = PRESET.map((subvolume) =>
      subvolume.name === '@' ? { ...subvolume, name: root } : subvolume,
    )
    await buildAndJudge(
      entries,
      { nodeSize, profiles: { system, metadata }, compression, subvolumes },
      { exercise: true, kernel: { balance: nodeSize === 4096 } },
    )
  })

  test('without subvolumes, from a folder, with a socket', async () => {
    await inFolder(async (folder) => {
      mkdirSync(join(folder, 'tree/d'), { recursive: true })
      const server = createServer()
      await new Promise<void>((done) => server.listen(join(folder, 'tree/d/socket'), done))
      const spec = describeImage(folder, [{ entries: [file('f', 'x')] }])
      spec.partitions[0].sources!.push({ directory: 'tree' })
      const built = await build(folder, spec).finally(() => server.close())
      const expected: ExpectedEntry[] = [
        { path: '', type: 'directory', xattrs: 'unknown' },
        { path: 'f', type: 'file', content: new Uint8Array([120]) },
        { path: 'd', type: 'directory', xattrs: 'unknown' },
        { path: 'd/socket', type: 'socket', xattrs: 'unknown' },
      ]
      await judge(built, new Map([['', expected]]))
    })
  })

  test('with nothing in it', async () => {
    await buildAndJudge([{ entries: [] }], { slack: 0 }, { exercise: true, kernel: { growFirst: true } })
  })
})

describe('many names', () => {
  // Some 650 leaves, more than a node has pointers for.
  test('a directory of 25,000 entries', async () => {
    const entries = Array.from({ length: 25_000 }, (_, i) =>
      file(`d/entry-${i}-${(i * 7919) % 1000}`, `${i % 9}`),
    )
    await buildAndJudge([directory('d'), ...entries], {}, { check: { versions: 'newest', lowmem: false } })
  })

  test('whose hashes are one', async () => {
    const names = collidingNames(4)
    expect(new Set(names.map((name) => nameHash(name))).size).toBe(1)
    expect(new Set(names).size).toBe(16)
    await buildAndJudge(
      [
        ...names.map((name) => file(`d/${name}`, toLatin1(name))),
        file('xattrs', 'x', {
          xattrs: names.map((name, i) => ({ name: `user.${name}`, value: Uint8Array.of(i) })),
        }),
      ],
      {},
      { exercise: true },
    )
  })

  test('for one inode: 3000 hard links in a directory, some with one hash', async () => {
    const names = Array.from({ length: 3000 }, (_, i) => `name-${i}`)
    names.push(...collidingNames(4).map(toLatin1), 'x'.repeat(255))
    const entries = [
      file('first', noise(100 * KIB)),
      ...names.map((name) => hardlink(`d/${name}`, 'first')),
      ...names.slice(0, 100).map((name) => hardlink(`e/${name}`, 'first')),
    ]
    await buildAndJudge(entries, { nodeSize: 4096 }, { exercise: true, kernel: { balance: false } })
    await buildAndJudge(entries, { nodeSize: 16384 })
  })

  // More than an extent item has room for.
  test.each([
    [4096, 10],
    [16384, 40],
  ] as const)('share an extent, with nodes of %i bytes in %i subvolumes', async (nodeSize, count) => {
    const others = Array.from({ length: count }, (_, i) => `s${i}`)
    const subvolumes = [
      { name: '@', path: '/' },
      ...others.map((name) => ({ name: `@${name}`, path: `/${name}` })),
    ]
    await buildAndJudge(
      [file('f', noise(300 * KIB)), ...others.map((name) => hardlink(`${name}/f`, 'f'))],
      { nodeSize, subvolumes },
      { exercise: nodeSize === 4096 },
      ({ btrfs }) => {
        expect(btrfs.bytesStored).toBe(300 * KIB)
        expect(btrfs.bytesIn).toBe(300 * KIB)
        expect(btrfs.extents).toBe(1)
      },
    )
  })
})

describe('what the trees have no room for is an error that names the entry', () => {
  test.each<[string, TarInput, RegExp]>([
    [
      'a symlink',
      symlink('d/l', 't'.repeat(3950)),
      /"d\/l" at offset \d+: a symlink's target of 3950 bytes; 3949 are allowed/,
    ],
    [
      'an xattr',
      file('d/f', '', { xattrs: [{ name: 'user.a', value: noise(4000) }] }),
      /"d\/f" at offset \d+: xattr "user.a" has 4000/,
    ],
    ['an owner', file('d/f', '', { uid: 2 ** 32 - 1 }), /"d\/f" at offset \d+: user id 4294967295/],
    ['a group', directory('d', { gid: 2 ** 32 - 1 }), /"d" at offset \d+: group id 4294967295/],
  ])('%s', async (_, entry, complaint) => {
    await inFolder(async (folder) => {
      const result = build(folder, describeImage(folder, [{ entries: [entry] }], { nodeSize: 4096 }))
      await expect(result).rejects.toThrow(complaint)
      await expect(result).rejects.toThrow(InputError)
    })
  })
})

describe('where data lie', () => {
  test('on both sides of the superblock mirror at 64 MiB', async () => {
    await buildAndJudge(
      [file('small', noise(5000)), file('large', noise(80 * MIB)), file('after', text(3 * MIB))],
      { compression: 'zstd:1' },
      { exercise: true, kernel: { balance: false } },
    )
  })

  test.each([62, 63])('and metadata there, after %i MiB', async (size) => {
    const files = Array.from({ length: 3000 }, (_, i) => file(`d/${'n'.repeat(100)}${i}`, noise(1500, i)))
    await buildAndJudge(
      [...files, file('large', noise(size * MIB - 100_000))],
      {},
      { check: { versions: 'newest' } },
    )
  })

  test('what was replaced takes no space', async () => {
    await buildAndJudge(
      [
        file('a', noise(5 * MIB)),
        file('d/e', noise(MIB)),
        file('between', text(100_000)),
        file('a', noise(10_000)),
        symlink('d', 'a'),
        file('tail', noise(MIB)),
        directory('tail'),
      ],
      { compression: 'zstd' },
      { exercise: true, check: { versions: 'newest' } },
      ({ btrfs }) => {
        expect(btrfs.bytesStored).toBe(4096 + 3 * 4096)
        expect(btrfs.files).toBe(2)
      },
    )
  })

  test.each(['none', 'zstd'])(
    'content whose pieces are those of two other files (%s)',
    async (compression) => {
      const contents = (make: typeof noise) => {
        const pieces = [1, 2, 3, 4, 5].map((seed) => make(128 * KIB, seed))
        const orders = [
          [0, 1, 2],
          [0, 3, 4],
          [0, 1, 4],
          [0, 3, 2],
          [0, 1, 2],
          [0, 1, 4],
        ]
        return orders.map((order) => new Uint8Array(Buffer.concat(order.map((i) => pieces[i]))))
      }
      await buildAndJudge(
        [...contents(noise), ...contents(text)].map((content, i) => file(`${i}`, content)),
        { compression },
        { check: { versions: 'newest' } },
        ({ btrfs }) => {
          if (compression === 'none') expect(btrfs.bytesStored).toBe(8 * 3 * 128 * KIB)
        },
      )
    },
  )

  test('storage as the rules for paths have it', async () => {
    await buildAndJudge(
      [
        file('db/one', text(200_000)),
        file('db/cow/two', text(200_000)),
        file('swapfile', new Uint8Array(MIB)),
        directory('db/empty'),
      ],
      {
        compression: 'zstd',
        paths: [
          { path: '/db', nodatacow: true },
          { path: '/db/cow', nodatacow: false },
          { path: '/swapfile', nodatacow: true },
        ],
      },
      { exercise: true, kernel: { expectNodatacow: ['db', 'db/one', 'db/empty', 'swapfile'] } },
      ({ btrfs }) => expect(btrfs.bytesStored).toBe(200_704 + MIB + 4096 * 2),
    )
  })

  test('levels of compression', async () => {
    const content = Buffer.concat(Array.from({ length: 400 }, (_, i) => noise(700, i % 37)))
    await inFolder(async (folder) => {
      const stored = new Map<string, number>()
      for (const compression of ['none', 'zstd:1', 'zstd:15']) {
        const spec = describeImage(folder, [{ entries: [file('f', content)] }], { compression })
        const built = await build(folder, { ...spec, seed: compression })
        await judge(
          built,
          new Map([
            [
              '',
              [
                { path: '', type: 'directory' },
                { path: 'f', type: 'file', content },
              ],
            ],
          ]),
        )
        stored.set(compression, built.btrfs.bytesStored)
        rmSync(built.image)
      }
      expect(stored.get('none')).toBe(Math.ceil(content.length / 4096) * 4096)
      expect(stored.get('zstd:1')).toBeLessThan(stored.get('none')!)
      expect(stored.get('zstd:15')).toBeLessThanOrEqual(stored.get('zstd:1')!)
    })
  })
})
