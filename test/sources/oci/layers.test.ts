/** What layers make of each other. */
import { describe, expect, test } from 'vitest'
import { InputError } from '../../../src/lib/errors.ts'
import type { TarInput } from '../../tar/build-tar.ts'
import { layerOf, layoutOf, type TestLayer } from './layout.ts'
import { entriesIn, readLayers, shown, withLayout } from './read.ts'

const file = (path: string, content = path): TarInput => ({ path, type: 'file', content })
const directory = (path: string, mode = 0o755): TarInput => ({ path, type: 'directory', mode })
const symlink = (path: string, target: string): TarInput => ({ path, type: 'symlink', target })
const hardlink = (path: string, target: string): TarInput => ({ path, type: 'hardlink', target })
const whiteout = (path: string): TarInput => file(path, '')

const CASES: [string, TestLayer[], Record<string, string>][] = [
  ['no layers', [], {}],
  ['one layer', [layerOf(directory('a'), file('a/b'))], { a: 'd', 'a/b': 'f a/b' }],
  [
    'files of all layers, the last one wins',
    [layerOf(file('a', '1'), file('b', '1')), layerOf(file('b', '2'), file('c', '2'))],
    { a: 'f 1', b: 'f 2', c: 'f 2' },
  ],
  [
    'the last of several entries in one layer',
    [layerOf(file('a', '1'), file('a', '2'), file('a', '3'))],
    { a: 'f 3' },
  ],
  ['a whiteout', [layerOf(file('a'), file('b')), layerOf(whiteout('.wh.a'))], { b: 'f b' }],
  ['a whiteout of nothing', [layerOf(file('a'), whiteout('.wh.b'), whiteout('x/y/.wh.z'))], { a: 'f a' }],
  [
    'a whiteout below a file',
    [layerOf(file('a')), layerOf(whiteout('a/.wh.b'), whiteout('a/b/.wh.c'))],
    { a: 'f a' },
  ],
  [
    'a whiteout of a directory',
    [layerOf(directory('d'), file('d/e/f'), file('g')), layerOf(whiteout('.wh.d'))],
    { g: 'f g' },
  ],
  ['a whiteout in its own layer, after', [layerOf(file('a'), whiteout('.wh.a'))], { a: 'f a' }],
  ['a whiteout in its own layer, before', [layerOf(whiteout('.wh.a'), file('a'))], { a: 'f a' }],
  [
    'whiteout and entry of one name, after and before',
    [
      layerOf(file('d/old'), file('e/old')),
      layerOf(whiteout('.wh.d'), file('d/new'), file('e/new'), whiteout('.wh.e')),
    ],
    { 'd/new': 'f d/new', 'e/new': 'f e/new' },
  ],
  [
    'what a whiteout has removed comes again',
    [layerOf(file('a', '1')), layerOf(whiteout('.wh.a')), layerOf(file('a', '3'))],
    { a: 'f 3' },
  ],
  [
    'an opaque directory, before its new content',
    [layerOf(file('d/a'), file('d/b/c')), layerOf(directory('d'), whiteout('d/.wh..wh..opq'), file('d/new'))],
    { d: 'd', 'd/new': 'f d/new' },
  ],
  [
    'an opaque directory, after its new content, at every depth',
    [
      layerOf(file('d/a'), file('d/b/old'), file('d/b/c/old')),
      layerOf(directory('d'), file('d/b/new'), whiteout('d/.wh..wh..opq')),
    ],
    { d: 'd', 'd/b/new': 'f d/b/new' },
  ],
  [
    'an opaque root',
    [layerOf(file('a'), file('b/c')), layerOf(file('b/new'), whiteout('.wh..wh..opq'))],
    { 'b/new': 'f b/new' },
  ],
  [
    'a directory that is left without an entry of its own',
    [layerOf(file('d/e/f')), layerOf(whiteout('d/e/.wh.f'))],
    { 'd/e': 'd' },
  ],
  [
    'a directory by a file by a directory',
    [layerOf(file('x/a')), layerOf(file('x', '2')), layerOf(directory('x'), file('x/b'))],
    { x: 'd', 'x/b': 'f x/b' },
  ],
  [
    'a symlink to a directory by a directory',
    [layerOf(file('real/a'), symlink('x', 'real')), layerOf(directory('x'), file('x/b'))],
    { x: 'd', 'x/b': 'f x/b', 'real/a': 'f real/a' },
  ],
  [
    'paths through symlinks of lower layers, and of their own',
    [
      layerOf(directory('usr/lib'), symlink('lib', 'usr/lib'), symlink('abs', '/usr')),
      layerOf(
        file('lib/a'),
        file('abs/lib/b'),
        symlink('own', 'usr'),
        file('own/c'),
        whiteout('own/lib/.wh.none'),
      ),
    ],
    {
      ...{ 'usr/lib': 'd', lib: '-> usr/lib', abs: '-> /usr', own: '-> usr' },
      ...{ 'usr/lib/a': 'f lib/a', 'usr/lib/b': 'f abs/lib/b', 'usr/c': 'f own/c' },
    },
  ],
  [
    'whiteouts and opaque directories behind symlinks',
    [
      layerOf(
        file('usr/lib/a'),
        file('usr/lib/b'),
        symlink('lib', 'usr/lib'),
        file('var/x'),
        symlink('v', '/var'),
      ),
      layerOf(whiteout('lib/.wh.a'), whiteout('v/.wh..wh..opq')),
    ],
    { 'usr/lib/b': 'f usr/lib/b', lib: '-> usr/lib', v: '-> /var', var: 'd' },
  ],
  [
    'a whiteout of a symlink leaves what it points to',
    [layerOf(file('d/a'), symlink('x', 'd')), layerOf(whiteout('.wh.x'))],
    { 'd/a': 'f d/a' },
  ],
  [
    'symlinks do not lead out of the tree',
    [layerOf(symlink('up', '../../..'), symlink('root', '/../..'), file('up/a'), file('root/b'))],
    { up: '-> ../../..', root: '-> /../..', a: 'f up/a', b: 'f root/b' },
  ],
  [
    'a path through a symlink to nothing makes what it points to',
    [layerOf(symlink('x', 'not/there'), file('x/a'))],
    { x: '-> not/there', 'not/there/a': 'f x/a' },
  ],
  [
    'hard links in a layer',
    [layerOf(file('a', '1'), hardlink('b', 'a'), hardlink('c', 'b'))],
    { a: 'f 1', b: '= a', c: '= a' },
  ],
  [
    'a hard link to a file of a lower layer, which goes away',
    [layerOf(file('a', '1')), layerOf(hardlink('b', 'a'), hardlink('c', 'a'), whiteout('.wh.a'))],
    { b: 'f 1', c: '= b' },
  ],
  [
    'one name of a hard link is replaced, the other stays',
    [layerOf(file('a', '1'), hardlink('b', 'a')), layerOf(file('a', '2'))],
    { b: 'f 1', a: 'f 2' },
  ],
  [
    'hard links to symlinks, and behind symlinks',
    [
      layerOf(file('d/a', '1'), symlink('s', 'd')),
      layerOf(hardlink('t', 's'), hardlink('s/b', 's/a'), { path: 'f', type: 'fifo' }, hardlink('g', 'f')),
    ],
    { s: '-> d', t: '= s', f: 'fifo', g: '= f', 'd/a': 'f 1', 'd/b': '= d/a' },
  ],
  [
    'character devices 0:0 are devices',
    [layerOf(file('a')), layerOf({ path: 'a', type: 'character', major: 0, minor: 0 })],
    { a: 'character' },
  ],
  [
    'what AUFS keeps for itself is no part of the tree, but hard links may lead to it',
    [
      layerOf(
        directory('.wh..wh.orph'),
        directory('.wh..wh.plnk'),
        whiteout('.wh..wh.aufs'),
        file('.wh..wh.plnk/1.2', 'linked'),
        hardlink('a', '.wh..wh.plnk/1.2'),
        hardlink('b', '.wh..wh.plnk/1.2'),
      ),
    ],
    { a: 'f linked', b: '= a' },
  ],
]

test.each(CASES)('%s', async (_, layers, expected) => {
  const { '': root, ...tree } = shown(await readLayers(...layers))
  expect(tree).toEqual(expected)
  expect(root).toBeUndefined()
})

test('metadata are those of the last entry, content and metadata of a hard link those of its file', async () => {
  const user = (value: string) => [{ name: 'user.x', value: new TextEncoder().encode(value) }]
  const entries = await readLayers(
    layerOf(
      { ...directory('', 0o700), mtime: { sec: 1, nsec: 5 } },
      { ...directory('d', 0o700), xattrs: user('1'), uid: 1 },
      { ...file('f'), mode: 0o4755, uid: 5, gid: 6, xattrs: user('f'), mtime: { sec: 9, nsec: 9 } },
    ),
    layerOf(
      { ...directory('d', 0o711), gid: 2, mtime: { sec: 2, nsec: 0 } },
      { ...hardlink('g', 'f'), mode: 0, uid: 99 },
      whiteout('.wh.f'),
    ),
  )
  expect(entries).toEqual([
    { path: '', type: 'directory', mode: 0o700, uid: 0, gid: 0, mtime: { sec: 1, nsec: 5 } },
    { path: 'd', type: 'directory', mode: 0o711, uid: 0, gid: 2, mtime: { sec: 2, nsec: 0 } },
    {
      ...{ path: 'g', type: 'file', mode: 0o4755, uid: 5, gid: 6, mtime: { sec: 9, nsec: 9 } },
      ...{ xattrs: user('f'), size: 1, content: new TextEncoder().encode('f') },
    },
  ])
})

test('a directory without an entry has the time of the description', async () => {
  const [entry] = await readLayers(layerOf(file('d/a')), layerOf(whiteout('d/.wh.a')))
  expect(entry).toEqual({
    path: 'd',
    type: 'directory',
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtime: { sec: 77, nsec: 0 },
  })
})

test('sparse files keep their holes', async () => {
  const content = new Uint8Array(1 << 20)
  content.fill(7, 500_000, 600_000)
  const [entry] = await readLayers(layerOf({ path: 'a', type: 'file', content, sparse: '1.0' }))
  expect(entry.ranges).toBeDefined()
  expect(Buffer.compare(entry.content!, content)).toBe(0)
})

test('what is taken in part keeps the content of hard links', async () => {
  const selection = {
    name: 's',
    from: '',
    strip: 0,
    include: [],
    owner: 'keep' as const,
    mode: undefined,
    clampTime: undefined,
  }
  const read = (exclude: string[]) =>
    withLayout(
      layoutOf(
        layerOf(file('a', '1'), hardlink('b', 'a'), symlink('s', 'x'), hardlink('t', 's')),
        layerOf(file('c'), hardlink('d', 'b')),
      ),
      async (folder) => shown(await entriesIn(folder, {}, {}, { ...selection, exclude })),
    )
  expect(await read([])).toEqual({ s: '-> x', t: '= s', a: 'f 1', b: '= a', d: '= a', c: 'f c' })
  expect(await read(['/a', '/s', '/c'])).toEqual({ t: '-> x', b: 'f 1', d: '= b' })
})

describe('refuses', () => {
  test.each<[string, TestLayer[], RegExp]>([
    [
      'a path through a file',
      [layerOf(file('a')), layerOf(file('a/b'))],
      /layer 2 .*: entry "a\/b" at offset 0: "a" on its path is a file, not a directory/,
    ],
    [
      'a path through a symlink to a file',
      [layerOf(file('a'), symlink('s', 'a'), file('s/b/c'))],
      /entry "s\/b\/c" at offset 1536: "a" on its path is a file/,
    ],
    [
      'symlinks in a circle',
      [layerOf(symlink('a', 'b'), symlink('b', 'a'), file('a/x'))],
      /too many symlinks/,
    ],
    [
      'a target of countless components',
      [layerOf(symlink('a', 'x/'.repeat(5000)), file('a/x'))],
      /too many symlinks/,
    ],
    ['a hard link to nothing', [layerOf(hardlink('a', 'b'))], /hard link's target "b" does not exist/],
    [
      'a hard link to what its own layer removed before',
      [layerOf(file('b')), layerOf(whiteout('.wh.b'), hardlink('a', 'b'))],
      /hard link's target "b" does not exist/,
    ],
    [
      'a hard link to itself',
      [layerOf(file('a'), hardlink('a', 'a'))],
      /hard link's target "a" does not exist/,
    ],
    [
      'a hard link to a directory',
      [layerOf(directory('d'), hardlink('a', 'd'))],
      /target "d" is a directory/,
    ],
    ['a hard link below nothing', [layerOf(file('b'), hardlink('a', 'x/b'))], /target "x\/b" does not exist/],
    ['a whiteout of nothing', [layerOf(whiteout('d/.wh.'))], /entry "d\/\.wh\." .* names nothing/],
    ['a whiteout of its directory', [layerOf(whiteout('d/.wh..'))], /names nothing that can be removed/],
    [
      'a whiteout of the directory above',
      [layerOf(whiteout('d/.wh...'))],
      /names nothing that can be removed/,
    ],
    ['a path of 70000 bytes', [layerOf(file('a/'.repeat(35000) + 'a'))], /a path of 70001 bytes/],
  ])('%s', async (_, layers, message) => {
    const reading = readLayers(...layers)
    await expect(reading).rejects.toThrow(message)
    await expect(reading).rejects.toBeInstanceOf(InputError)
  })
})
