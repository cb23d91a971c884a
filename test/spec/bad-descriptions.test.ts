/* eslint-disable @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-return --
   descriptions that are wrong on purpose fit no type */
import { describe, expect, it } from 'vitest'
import { SpecError } from '../../src/lib/errors.ts'
import { resolvePlan } from '../../src/build/plan-image.ts'
import { description, issuesOf, type Json } from './descriptions.ts'

/** What is changed, and all issues there are then: path -> a part of the message. */
type Case = [title: string, change: (spec: Json) => void, issues: Record<string, string>]

const fat = (change: (partition: Json) => void) => (spec: Json) => change(spec.partitions[0])
const btrfs = (change: (partition: Json) => void) => (spec: Json) => change(spec.partitions[1])
const subvolume = (i: number, change: object) => btrfs((p) => Object.assign(p.subvolumes[i], change))
const [P0, P1] = ['partitions[0]', 'partitions[1]']

const SHAPE: Case[] = [
  ['an unknown key', (s) => (s.tabel = 1), { tabel: 'unknown key; did you mean "table"?' }],
  [
    'unknown keys at every level',
    (s) => {
      s.table.x = 1
      s.partitions[0].uuid = 'fat has none'
      s.partitions[1].profiles = { files: 'dup' }
      s.partitions[1].subvolumes[0].number = 256
      s.partitions[1].sources[0]['odd key'] = 1
    },
    {
      'table.x': 'unknown key',
      [`${P0}.uuid`]: 'unknown key',
      [`${P1}.profiles.files`]: 'unknown key',
      [`${P1}.subvolumes[0].number`]: 'unknown key',
      [`${P1}.sources[0]["odd key"]`]: 'unknown key',
    },
  ],
  [
    'wrong types',
    (s) => {
      s.seed = 7
      s.partitions[0].bootable = 'yes'
      s.partitions[1].subvolumes[1] = '@boot'
      s.partitions[1].links = []
    },
    {
      seed: 'expected a string, found 7',
      [`${P0}.bootable`]: 'expected true or false, found "yes"',
      [`${P1}.subvolumes[1]`]: 'expected an object, found "@boot"',
      [`${P1}.links`]: 'expected an object, found an array',
    },
  ],
  ['a missing table', (s) => delete s.table, { table: 'is missing; expected an object' }],
  ['a missing size', fat((p) => delete p.size), { [`${P0}.size`]: 'is missing; expected a size' }],
  [
    'a missing name',
    btrfs((p) => delete p.subvolumes[0].name),
    { [`${P1}.subvolumes[0].name`]: 'is missing' },
  ],
  ['no partitions', (s) => (s.partitions = []), { partitions: 'at least one partition' }],
  [
    'an unknown file system',
    fat((p) => (p.type = 'ext4')),
    { [`${P0}.type`]: 'expected "fat32", "fat16", "fat12", "btrfs", "raw", "swap" or "empty", found "ext4"' },
  ],
  [
    'an unknown file system, whose other keys nothing is known of',
    btrfs((p) =>
      Object.assign(p, { type: 'ext4', size: [], sources: ['f', 55], subvolumes: 1, links: null }),
    ),
    { [`${P1}.type`]: 'expected "fat32", "fat16", "fat12", "btrfs", "raw", "swap" or "empty", found "ext4"' },
  ],
  [
    'a GPT of too few entries',
    (s) => (s.table = { type: 'gpt', entries: 5 }),
    { 'table.entries': 'expected a number of entries from 128 to 1024, found 5' },
  ],
  ['keys of an MBR in a GPT', (s) => (s.table.type = 'gpt'), { 'table.diskId': 'unknown key' }],
  [
    'an unknown table',
    (s) => (s.table.type = 'bsd'),
    { 'table.type': 'expected "mbr", "gpt" or "none", found "bsd"' },
  ],
  ['an empty seed', (s) => (s.seed = ''), { seed: 'expected a text that is not empty' }],
]

const VALUES: Case[] = [
  ...['512MB', '512M', '-1', '0.1KiB', '1e3', '', 'MiB', '99999999999TiB'].map((size): Case => {
    return [
      `the size ${size}`,
      fat((p) => (p.size = size)),
      { [`${P0}.size`]: 'expected a size in bytes or like' },
    ]
  }),
  ['a negative size', fat((p) => (p.start = -512)), { [`${P0}.start`]: 'expected a size' }],
  ['a fraction of a byte', fat((p) => (p.start = 0.5)), { [`${P0}.start`]: 'expected a size' }],
  [
    'a bad BTRFS size',
    btrfs((p) => (p.size = 'fits')),
    { [`${P1}.size`]: 'or "fit" or "grow", found "fits"' },
  ],
  ...[-1, 2 ** 32, 1.5, '2178694e', '0x123456789'].map((id): Case => {
    return [`the disk id ${id}`, (s) => (s.table.diskId = id), { 'table.diskId': 'expected a 32-bit number' }]
  }),
  ...[0, 256, 5, '0x0f', '0x85', '0xee', '0c', '0x100'].map((type): Case => {
    return [
      `the partition type ${type}`,
      fat((p) => (p.mbrType = type)),
      { [`${P0}.mbrType`]: 'expected the type' },
    ]
  }),
  ...['1234abcd', '0x1234abcde', '12345-ABC', -1].map((id): Case => {
    return [
      `the volume id ${id}`,
      fat((p) => (p.volumeId = id)),
      { [`${P0}.volumeId`]: 'expected a 32-bit volume id' },
    ]
  }),
  ...['TWELVE CHARS', 'A/B', 'Ä', 'tab\t', ' X', 'X ', 'A.B'].map((label): Case => {
    return [
      `the FAT label ${label}`,
      fat((p) => (p.label = label)),
      { [`${P0}.label`]: 'expected a FAT label' },
    ]
  }),
  ...['x'.repeat(256), 'ä'.repeat(128), 'two\nlines', 'nul\0'].map((label): Case => {
    return ['a BTRFS label', btrfs((p) => (p.label = label)), { [`${P1}.label`]: 'expected a BTRFS label' }]
  }),
  ...['4444', '44444444-4444-4444-8888-88888888888g', '00000000-0000-0000-0000-000000000000'].map(
    (uuid): Case => {
      return [`the UUID ${uuid}`, btrfs((p) => (p.uuid = uuid)), { [`${P1}.uuid`]: 'expected a UUID' }]
    },
  ),
  ...['lz4', 'lzo:1', 'zlib:0', 'zlib:10', 'zstd:0', 'zstd:20', 'zstd:-16', 'zstd:-', 'zstd:3.5', ''].map(
    (value): Case => {
      return [
        `the compression ${value}`,
        btrfs((p) => (p.compression = value)),
        { [`${P1}.compression`]: '"zstd:19" or "zstd:-1" to "zstd:-15"' },
      ]
    },
  ),
  [
    'the node size 12288',
    btrfs((p) => (p.nodeSize = 12288)),
    { [`${P1}.nodeSize`]: '32768 or 65536, found 12288' },
  ],
  [
    'RAID1',
    btrfs((p) => (p.profiles = { metadata: 'raid1' })),
    { [`${P1}.profiles.metadata`]: 'expected "single" or "dup", found "raid1"' },
  ],
  ...['2024-02-30', '2024-13-01', '2024-01-01T25:00:00Z', '2024-01-01T00:00:00', 'today', 1.5].map(
    (time): Case => {
      return [`the time ${time}`, (s) => (s.time = time), { time: 'expected seconds since 1970' }]
    },
  ),
  ...['.', '..', 'a//b', 'a/../b', '/a', 'x'.repeat(256), 'ä'.repeat(128), 'nul\0', '\ud800'].map(
    (name): Case => {
      return ['a subvolume name', subvolume(3, { name }), { [`${P1}.subvolumes[3].name`]: 'expected a name' }]
    },
  ),
  ...['', 'boot', './boot', '/boot/', '//boot', '/boot/../etc', '/.', '/..', `/${'x'.repeat(256)}`].map(
    (path): Case => {
      return [
        `the path "${path}"`,
        subvolume(3, { path }),
        { [`${P1}.subvolumes[3].path`]: 'expected an absolute path' },
      ]
    },
  ),
  [
    'a source to a relative path',
    btrfs((p) => (p.sources[0].to = 'boot/firmware')),
    { [`${P1}.sources[0].to`]: 'expected an absolute path' },
  ],
  [
    'a source above the partition',
    fat((p) => (p.sources[0].to = '/../etc')),
    { [`${P0}.sources[0].to`]: 'expected an absolute path' },
  ],
  [
    'a path rule above',
    btrfs((p) => (p.paths = [{ path: '..' }])),
    { [`${P1}.paths[0].path`]: 'expected an absolute path' },
  ],
  [
    // As JSON.parse reads it; zod passes over this key.
    'a link by the name of all objects',
    btrfs((p) => (p.links = JSON.parse('{"__proto__": 5, "good": "x"}'))),
    { [`${P1}.links.__proto__`]: 'cannot be the name of a link' },
  ],
  [
    'bad links',
    btrfs((p) => (p.links = { 'a/b': 'x', '..': 'x', empty: '', long: 'x'.repeat(4096), good: 'x' })),
    {
      [`${P1}.links["a/b"]`]: 'expected a name',
      [`${P1}.links[".."]`]: 'expected a name',
      [`${P1}.links.empty`]: 'expected a link target',
      [`${P1}.links.long`]: 'expected a link target',
    },
  ],
  [
    'an empty source path',
    fat((p) => (p.sources[0].directory = '')),
    { [`${P0}.sources[0].directory`]: 'expected the path' },
  ],
]

const RULES: Case[] = [
  [
    'a source of nothing',
    btrfs((p) => (p.sources = [{ to: '/x' }])),
    { [`${P1}.sources[0]`]: 'needs one of "tar", "directory"' },
  ],
  [
    'a source of both kinds',
    btrfs((p) => (p.sources = [{ tar: 'a' }, { tar: 'a', directory: 'b' }])),
    { [`${P1}.sources[1]`]: 'has both "tar" and "directory"' },
  ],
  [
    'no store paths',
    btrfs(
      (p) => (p.sources = [{ nix: {} }, { nix: { paths: [] } }, { nix: { binaryCache: 'c' } }, { nix: 1 }]),
    ),
    {
      [`${P1}.sources[0].nix`]: 'needs "closureInfo" or "paths"',
      [`${P1}.sources[1].nix.paths`]: 'expected at least one store path',
      [`${P1}.sources[2].nix`]: 'needs "paths"',
      [`${P1}.sources[3].nix`]: 'expected an object, found 1',
    },
  ],
  [
    'store paths from two places',
    btrfs(
      (p) =>
        (p.sources = [
          { nix: { closureInfo: 'a', paths: ['b'], binaryCache: 'c', trustedKeys: ['cache:AAAA'] } },
          { nix: { paths: 'list', binaryCache: 'c', store: 'd' } },
          { nix: { paths: 'list', trustedKeys: [`k:${'A'.repeat(43)}=`], keys: 1 } },
          { nix: { paths: 'list', trustedKeys: [`k:${'A'.repeat(43)}=`] } },
          { nix: { closureInfo: 'a', paths: 'b', binaryCache: 'c' } },
        ]),
    ),
    {
      [`${P1}.sources[0].nix.trustedKeys[0]`]: 'expected a public key',
      [`${P1}.sources[1].nix.store`]: 'a binary cache needs no "store"',
      [`${P1}.sources[2].nix.keys`]: 'unknown key',
      [`${P1}.sources[2].nix.trustedKeys`]: 'only paths of a "binaryCache" are signed',
      [`${P1}.sources[3].nix.trustedKeys`]: 'only paths of a "binaryCache" are signed',
      [`${P1}.sources[4].nix.paths`]: '"closureInfo" lists the paths',
      [`${P1}.sources[4].nix.binaryCache`]: 'needs no "closureInfo"',
    },
  ],
  [
    'standard input for two sources',
    (s) => {
      s.partitions[0].sources = [{ tar: '-' }]
      s.partitions[1].sources = [{ tar: 'a' }, { tar: '-' }]
    },
    { [`${P1}.sources[1].tar`]: `${P0}.sources[0].tar has read` },
  ],
  [
    'standard input for two sources of different kinds',
    btrfs((p) => (p.sources = [{ tar: '-' }, { oci: '-' }])),
    { [`${P1}.sources[1].oci`]: `${P1}.sources[0].tar has read` },
  ],
  [
    'standard input in the list of a source, and in another one',
    btrfs((p) => (p.sources = [{ send: ['full', '-'] }, { tar: '-' }])),
    { [`${P1}.sources[1].tar`]: `${P1}.sources[0].send has read` },
  ],
  [
    'streams that are none, not there, or read twice',
    btrfs((p) => (p.sources = [{ send: [] }, { send: 5 as never }, { send: ['-', '-'] }])),
    {
      [`${P1}.sources[0].send`]: 'expected at least one stream',
      [`${P1}.sources[1].send`]: 'expected the name of a file, or a list of them, found 5',
      [`${P1}.sources[2].send`]: 'standard input can be read once',
    },
  ],
  [
    'an image of a platform or a name that is none',
    btrfs(
      (p) =>
        (p.sources = [
          { oci: 'a', platform: 'arm64' },
          { oci: 'a', reference: 'two words' },
        ]),
    ),
    {
      [`${P1}.sources[0].platform`]:
        'expected a platform like "linux/arm64" or "linux/arm/v6", found "arm64"',
      [`${P1}.sources[1].reference`]: 'expected a name, tag or digest, like "debian:12", found "two words"',
    },
  ],
  ['two bootable partitions', fat((p) => (p.bootable = true)), { [`${P1}.bootable`]: `${P0}.bootable is` }],
  [
    'two subvolumes on one path',
    subvolume(3, { path: '/boot' }),
    { [`${P1}.subvolumes[3].path`]: `is also ${P1}.subvolumes[1].path` },
  ],
  [
    'two subvolumes with one name',
    subvolume(3, { name: '@' }),
    { [`${P1}.subvolumes[3].name`]: `is also ${P1}.subvolumes[0].name` },
  ],
  [
    'two top levels',
    btrfs((p) => p.subvolumes.push({ name: '' }, { name: '' })),
    { [`${P1}.subvolumes[8].name`]: `is also ${P1}.subvolumes[7].name` },
  ],
  [
    'a top level that leaves the root to nobody',
    btrfs((p) => (p.subvolumes = [{ name: '', path: '/top' }])),
    { [`${P1}.subvolumes[0].path`]: 'no subvolume has the path "/"' },
  ],
  [
    'two rules for one path',
    btrfs((p) => (p.paths = [{ path: '/a' }, { path: '/b' }, { path: '/a' }])),
    { [`${P1}.paths[2].path`]: `is also ${P1}.paths[0].path` },
  ],
  [
    'a link in place of a directory with a subvolume',
    btrfs((p) => {
      p.subvolumes.push({ name: 'var/lib/machines' })
      p.links = { var: 'x', lib: 'y' }
    }),
    { [`${P1}.links.var`]: `is a directory, in which ${P1}.subvolumes[7] lies` },
  ],
  [
    'a link with the name of a subvolume',
    btrfs((p) => (p.links = { '@nix': 'x', '@': 'y' })),
    {
      [`${P1}.links["@nix"]`]: `the name of ${P1}.subvolumes[4]`,
      [`${P1}.links["@"]`]: `the name of ${P1}.subvolumes[0]`,
    },
  ],
  [
    'a compressed NODATACOW subvolume',
    subvolume(1, { compression: 'zstd' }),
    { [`${P1}.subvolumes[1].compression`]: 'never compressed' },
  ],
  [
    'a compressed NODATACOW path',
    btrfs((p) => (p.paths = [{ path: '/var/db', nodatacow: true, compression: 'zstd:1' }])),
    { [`${P1}.paths[0].compression`]: 'never compressed' },
  ],
  [
    'a compressed path in a NODATACOW subvolume',
    btrfs((p) => (p.paths = [{ path: '/boot/logs', compression: 'zstd:1' }])),
    { [`${P1}.paths[0].compression`]: 'never compressed' },
  ],
  [
    'a rule for a path and a pattern, and one for neither',
    btrfs((p) => (p.paths = [{ path: '/a', glob: '/b' }, { mode: '0755' }])),
    { [`${P1}.paths[0]`]: 'both "path" and "glob"', [`${P1}.paths[1]`]: 'needs "path" or "glob"' },
  ],
  [
    'something to do with what is left out',
    btrfs((p) => (p.paths = [{ glob: '/a/*', exclude: true, uid: 3 }])),
    { [`${P1}.paths[0].uid`]: 'has no effect' },
  ],
  [
    'a compressed NODATACOW pattern',
    btrfs((p) => (p.paths = [{ glob: '/a/*', nodatacow: true, compression: 'zlib' }])),
    { [`${P1}.paths[0].compression`]: 'never compressed' },
  ],
  [
    'mixed block groups of unequal parts',
    btrfs((p) => {
      p.mixed = true
      p.nodeSize = 16384
      p.profiles = { metadata: 'dup', data: 'single' }
    }),
    { [`${P1}.nodeSize`]: 'must be 4096', [`${P1}.profiles.data`]: 'must be that of the metadata ("dup")' },
  ],
  [
    'an id that is taken, and one that is not free to choose',
    btrfs((p) => {
      p.subvolumes[0].id = 300
      p.subvolumes[1].id = 300
      p.subvolumes.push({ name: '', id: 400 })
    }),
    {
      [`${P1}.subvolumes[1].id`]: `is also ${P1}.subvolumes[0].id`,
      [`${P1}.subvolumes[7].id`]: 'always has the id 5',
    },
  ],
  [
    'an id that is also the next one of another',
    btrfs((p) => {
      p.subvolumes[1].id = 256
    }),
    { [`${P1}.subvolumes[1].id`]: `is also the id of ${P1}.subvolumes[0]` },
  ],
  [
    'two default subvolumes',
    btrfs((p) => (p.subvolumes[0].default = p.subvolumes[2].default = true)),
    { [`${P1}.subvolumes[2].default`]: `${P1}.subvolumes[0].default` },
  ],
  [
    'two subvolumes that hold one path, one of them by where it lies',
    btrfs((p) => p.subvolumes.push({ name: '@/home' })),
    { [`${P1}.subvolumes[7].path`]: `is also ${P1}.subvolumes[3].path` },
  ],
  [
    'snapshots of nothing, of each other, of themselves, with things of their own and in each other',
    btrfs((p) =>
      p.subvolumes.push(
        { name: 'a', snapshotOf: 'nothing' },
        { name: 'b', snapshotOf: '@' },
        { name: 'c', snapshotOf: 'b', path: '/c' },
        { name: 'b/inside' },
        { name: '', snapshotOf: '@' },
        { name: 'd', snapshotOf: 'd' },
        { name: 'e', snapshotOf: 'f' },
        { name: 'f', snapshotOf: 'e' },
      ),
    ),
    {
      [`${P1}.subvolumes[7].snapshotOf`]: 'no subvolume has the name "nothing"',
      [`${P1}.subvolumes[9].path`]: 'inherits this from its source',
      [`${P1}.subvolumes[10].name`]: 'lies in "b", which is a snapshot',
      [`${P1}.subvolumes[11].snapshotOf`]: 'the top level cannot be a snapshot',
      [`${P1}.subvolumes[12].snapshotOf`]: 'leads back to this subvolume',
      [`${P1}.subvolumes[13].snapshotOf`]: 'leads back to this subvolume',
      [`${P1}.subvolumes[14].snapshotOf`]: 'leads back to this subvolume',
    },
  ],
  [
    'compression and checksums of what has none',
    btrfs((p) => {
      p.subvolumes.push(
        { name: 'n', path: '/n', nodatasum: true, compression: 'zstd:-5' },
        { name: 'm', path: '/m', nodatacow: true, nodatasum: false },
      )
      p.paths = [
        { path: '/n/x', compression: 'lzo' },
        { glob: '/**/*.y', nodatasum: true, compression: 'zlib' },
      ]
    }),
    {
      [`${P1}.subvolumes[7].compression`]: '"nodatasum" content is never compressed',
      [`${P1}.subvolumes[8].nodatasum`]: '"nodatacow" content has no checksums',
      [`${P1}.paths[0].compression`]: '"nodatasum" content is never compressed',
      [`${P1}.paths[1].compression`]: '"nodatasum" content is never compressed',
    },
  ],
  [
    'a swap file on DUP data',
    btrfs((p) => {
      p.swapfile = { path: '/swap/file', size: '1MiB' }
      p.profiles = { data: 'dup' }
    }),
    { [`${P1}.swapfile`]: 'the kernel swaps only' },
  ],
  [
    'a swap file of an odd size, and what is shared',
    btrfs((p) => {
      p.swapfile = { path: '/swapfile', size: 50000 }
      p.subvolumes.push({ name: 'factory', snapshotOf: '@' }, { name: 'copy', snapshotOf: 'factory' })
    }),
    {
      [`${P1}.swapfile.size`]: 'multiple of 4096',
      [`${P1}.subvolumes[7].snapshotOf`]: 'holds the swap file',
      [`${P1}.subvolumes[8].snapshotOf`]: 'holds the swap file',
    },
  ],
  [
    'a swap file in a read-only subvolume',
    btrfs((p) => {
      p.swapfile = { path: '/nix/swap', size: '1MiB' }
      p.subvolumes[4].readOnly = true
    }),
    { [`${P1}.swapfile.path`]: 'read-only' },
  ],
  [
    'leaving out what the description itself has a place for',
    btrfs((p) => {
      p.paths = [
        { path: '/nix', exclude: true },
        { glob: '/v*', exclude: true },
        { glob: '/**/file', exclude: true },
        { path: '/', exclude: true },
        { glob: '/nix/**', exclude: true },
        { path: '/swap/other', exclude: true },
        { glob: '/?', exclude: true },
      ]
      p.swapfile = { path: '/swap/file', size: '1MiB' }
    }),
    {
      [`${P1}.paths[0].exclude`]: `leaves out what ${P1}.subvolumes[4] holds`,
      [`${P1}.paths[1].exclude`]: `leaves out what ${P1}.subvolumes[6] holds`,
      [`${P1}.paths[2].exclude`]: 'leaves out the swap file',
      [`${P1}.paths[3].exclude`]: 'leaves out the root',
    },
  ],
  [
    'rules of a FAT32 partition',
    fat((p) => {
      p.symlinks = 'copy'
      p.paths = [
        { path: '/a', flags: ['hidden', 'system', '-hidden'] },
        { path: '/a', glob: '/b', case: 'lower' },
        { path: '/', exclude: true },
        { glob: '/*', exclude: true, flags: ['system'] },
        { path: '/c', flags: ['immutable'], case: 'Title', uid: 0 },
      ]
    }),
    {
      [`${P0}.symlinks`]: 'expected "error" or "follow"',
      [`${P0}.paths[0].flags[2]`]: 'clears "hidden", which the rule also sets',
      [`${P0}.paths[1]`]: 'both "path" and "glob"',
      [`${P0}.paths[1].path`]: `is also ${P0}.paths[0].path: one rule for a path`,
      [`${P0}.paths[2].exclude`]: 'leaves out the root',
      [`${P0}.paths[3].flags`]: 'has no effect on excluded entries',
      [`${P0}.paths[4].flags[0]`]: '"-archive"',
      [`${P0}.paths[4].case`]: 'expected "upper" or "lower"',
      [`${P0}.paths[4].uid`]: 'unknown key',
    },
  ],
  [
    'two file systems with one UUID',
    (s) => {
      s.partitions[0] = { type: 'btrfs', size: '64MiB', uuid: s.partitions[1].uuid.toUpperCase() }
      s.partitions[1].uuid = '44444444-4444-4444-8888-88888888888A'
      s.partitions.push({ type: 'btrfs', size: 'fit', uuid: s.partitions[1].uuid.toLowerCase() })
      s.partitions[1].size = '64MiB'
    },
    { 'partitions[2].uuid': `is also ${P1}.uuid` },
  ],
  [
    'slack that a fixed size has no room for',
    btrfs((p) => Object.assign(p, { size: '1GiB', slack: '1GiB' })),
    { [`${P1}.size`]: 'BTRFS needs at least' },
  ],
]

/** A FAT of another type in place of the FAT32. */
const otherFat =
  (type: string, keys: object = {}) =>
  (spec: Json) => {
    spec.partitions[0] = { type, size: '16MiB', ...keys }
    spec.partitions[1].start = '8GiB'
  }

const FAT: Case[] = [
  [
    'a FAT16 that is too small',
    otherFat('fat16', { size: '1MiB' }),
    {
      [`${P0}.size`]:
        'FAT16 needs at least 2125824 bytes (3MiB will do), and can have 4294524928, found 1048576',
    },
  ],
  [
    'a FAT16 that is too large',
    otherFat('fat16', { size: '5GiB' }),
    { [`${P0}.size`]: 'FAT16 has at most 4294524928 bytes, and at least 2125824; found 5368709120' },
  ],
  [
    'a FAT12 that is too large',
    otherFat('fat12', { size: '1GiB' }),
    { [`${P0}.size`]: 'FAT12 has at most 2677' },
  ],
  [
    'too many clusters',
    otherFat('fat16', { size: '64MiB', clusterSize: 512 }),
    {
      [`${P0}.clusterSize`]:
        '67108864 bytes have 130023 clusters of 512 bytes, but FAT16 has 4087 to 65524: with clusters of this size it has from 2125824 to 33827328 bytes',
    },
  ],
  [
    'too few clusters',
    otherFat('fat32', { size: '64MiB', clusterSize: '4KiB' }),
    {
      [`${P0}.clusterSize`]:
        '67108864 bytes have 16348 clusters of 4096 bytes, but FAT32 has 65525 to 268435445: with',
    },
  ],
  ...[256, 131072, 1536, '4KB', '0.3KiB'].map((clusterSize): Case => [
    `clusters of ${clusterSize}`,
    otherFat('fat16', { clusterSize }),
    { [`${P0}.clusterSize`]: 'expected a power of two from 512 to 65536, in bytes or like "4KiB"' },
  ]),
  [
    'clusters that are smaller than a sector',
    otherFat('fat16', { size: '256MiB', clusterSize: 2048, sectorSize: 4096 }),
    { [`${P0}.clusterSize`]: 'is less than a sector, which has 4096 bytes' },
  ],
  [
    'a cluster size and a table for it',
    otherFat('fat16', { clusterSize: 2048, clusterTable: 'windows' }),
    { [`${P0}.clusterTable`]: 'has no effect with "clusterSize"' },
  ],
  [
    'a table that nobody has',
    otherFat('fat16', { clusterTable: 'dos' }),
    { [`${P0}.clusterTable`]: 'expected "mkfs.fat" or "windows", found "dos"' },
  ],
  [
    'a part of a sector',
    otherFat('fat16', { size: 64 * 2 ** 20 + 512, sectorSize: 4096 }),
    { [`${P0}.size`]: 'must be a multiple of 4096 bytes, but is 67109376' },
  ],
  ['sectors of 8 KiB', otherFat('fat16', { sectorSize: 8192 }), { [`${P0}.sectorSize`]: 'found 8192' }],
  [
    'FAT32 without room for copies of its boot sector',
    otherFat('fat32', { size: '64MiB', reservedSectors: 7 }),
    { [`${P0}.reservedSectors`]: 'must be at least 8 in FAT32, but is 7' },
  ],
  [
    'a root directory of FAT32',
    otherFat('fat32', { size: '64MiB', rootEntries: 512 }),
    { [`${P0}.rootEntries`]: 'unknown key' },
  ],
  [
    'a part of a sector in the root directory',
    otherFat('fat12', { size: '1MiB', rootEntries: 100 }),
    { [`${P0}.rootEntries`]: 'must be a multiple of 16, the records in a sector, but is 100' },
  ],
  ['three FATs', otherFat('fat12', { size: '1MiB', fats: 3 }), { [`${P0}.fats`]: 'found 3' }],
  ['a code page', otherFat('fat12', { size: '1MiB', codePage: 1252 }), { [`${P0}.codePage`]: 'found 1252' }],
  [
    'a media byte',
    otherFat('fat12', { size: '1MiB', media: '0xf1' }),
    { [`${P0}.media`]: 'expected a media byte: 0xf0, or 0xf8 to 0xff, found "0xf1"' },
  ],
  [
    'a drive number',
    otherFat('fat12', { size: '1MiB', driveNumber: 256 }),
    { [`${P0}.driveNumber`]: 'expected the number of a drive' },
  ],
  [
    'a long name of the system',
    otherFat('fat12', { size: '1MiB', oemName: 'DISKWRIGHT' }),
    { [`${P0}.oemName`]: 'expected a name of at most 8 ASCII characters' },
  ],
  [
    'no number of hidden sectors',
    otherFat('fat12', { size: '1MiB', hiddenSectors: 2 ** 32 }),
    { [`${P0}.hiddenSectors`]: 'expected a number of sectors below 2^32' },
  ],
]

const PLACES: Case[] = [
  [
    'a FAT32 partition that is too small',
    fat((p) => (p.size = '32MiB')),
    { [`${P0}.size`]: '33MiB will do' },
  ],
  [
    'a BTRFS partition that is too small',
    btrfs((p) => (p.size = '3MiB')),
    { [`${P1}.size`]: '4MiB will do' },
  ],
  [
    'half a sector',
    fat((p) => (p.size = 512 * 2 ** 20 + 256)),
    { [`${P0}.size`]: 'a multiple of 512 bytes' },
  ],
  [
    'half a BTRFS sector',
    btrfs((p) => (p.size = 2 ** 30 + 2048)),
    { [`${P1}.size`]: 'a multiple of 4096 bytes' },
  ],
  [
    'a start inside a sector',
    fat((p) => (p.start = 2 ** 20 + 1)),
    { [`${P0}.start`]: 'a multiple of 512 bytes' },
  ],
  ['an overlap', btrfs((p) => (p.start = '512MiB')), { [P1]: `overlaps ${P0}` }],
  [
    'an overlap with the table',
    fat((p) => (p.start = 0)),
    { [`${P0}.start`]: 'overlaps the partition table' },
  ],
  ['more than an MBR can address', btrfs((p) => (p.size = '2TiB')), { [P1]: 'beyond the 2 TiB' }],
]

describe.each([
  ['shape', SHAPE],
  ['values', VALUES],
  ['rules', RULES],
  ['FAT', FAT],
  ['places', PLACES],
] as const)('%s', (_, cases) => {
  it.each(cases)('refuses %s', async (_title, change, issues) => {
    const found = await issuesOf(description(change))
    expect(Object.fromEntries(found.map(({ path, message }) => [path, message]))).toEqual(
      Object.fromEntries(Object.entries(issues).map(([path, part]) => [path, expect.stringContaining(part)])),
    )
    expect(found).toHaveLength(Object.keys(issues).length)
  })
})

describe('resolvePlan', () => {
  it('reports all kinds of mistakes at once', async () => {
    const found = await issuesOf(
      description((spec: Json) => {
        spec.extra = true
        spec.partitions[0].label = 3
        spec.partitions[0].size = '1MiB'
        spec.partitions[1].start = '1.5MiB'
        spec.partitions[1].subvolumes[2].path = '/boot'
        spec.partitions[1].subvolumes[3].name = 'a//b'
        spec.partitions[1].subvolumes[3].path = '/nix'
      }),
    )
    expect(found.map(({ path }) => path).sort()).toEqual(
      [
        'extra',
        'partitions[0].label',
        'partitions[0].size',
        'partitions[1]',
        'partitions[1].subvolumes[2].path',
        'partitions[1].subvolumes[3].name',
        'partitions[1].subvolumes[4].path',
      ].sort(),
    )
  })

  it('says nothing about the place of what follows a wrong size', async () => {
    const spec = description((s: Json) => {
      s.partitions[0].size = 'much'
      s.partitions[1].size = '1GiB'
      s.partitions.push({ type: 'fat32', start: '1MiB', size: '64MiB' })
      s.partitions.push({ type: 'fat32', start: '64MiB', size: '64MiB' })
    })
    expect((await issuesOf(spec)).map(({ path }) => path)).toEqual([`${P0}.size`, 'partitions[3]'])
  })

  it.each([[null], [3], ['text'], [[]], [undefined]])('refuses %j as a description', async (spec) => {
    expect(await issuesOf(spec)).toEqual([
      { path: '', message: expect.stringContaining('an object') as string },
    ])
  })

  it('throws one error that says it all, with the JSON paths', async () => {
    const spec = description((s: Json) => Object.assign(s, { a: 1, b: 2 }))
    await expect(resolvePlan(spec)).rejects.toThrow(SpecError)
    await expect(resolvePlan(spec)).rejects.toThrow('a: unknown key\nb: unknown key')
  })

  it.each(['soon', '-1', '1.5', '1 '])('refuses the SOURCE_DATE_EPOCH %j', async (sourceDateEpoch) => {
    expect(await issuesOf(description(), { sourceDateEpoch })).toEqual([
      { path: '', message: expect.stringContaining('SOURCE_DATE_EPOCH: expected whole seconds') as string },
    ])
  })
})
