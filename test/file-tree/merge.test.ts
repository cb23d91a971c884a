import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SourceEntry } from '../../src/file-tree/entry.ts'
import type { MergeRule, Replacement } from '../../src/file-tree/merge.ts'
import type { DirectoryNode } from '../../src/file-tree/node.ts'
import { FileTree } from '../../src/file-tree/tree.ts'

const time = { sec: 0, nsec: 0 }
const metadata = { mode: 0o755, uid: 0, gid: 0, mtime: time, origin: { source: 'b.tar', offset: 512 } }
const nothing = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true as const, value: undefined }) }),
}

/** `d/` is a directory, `f` a file, `l -> t` a symlink, `h = t` a hard link. */
function entry(text: string): SourceEntry {
  const [path, arrow, target] = text.split(' ')
  if (arrow === '->') return { ...metadata, path, type: 'symlink', target }
  if (arrow === '=') return { ...metadata, path, type: 'hardlink', target }
  if (path.endsWith('/')) return { ...metadata, path: path.slice(0, -1), type: 'directory' }
  return { ...metadata, path, type: 'file', size: 0, content: nothing }
}

/** The tree, and what it has replaced. */
function newTree() {
  const replaced: Replacement[] = []
  const tree = new FileTree<string>({
    content: { store: ({ path }) => String(path), copy: (content) => Promise.resolve(content) },
    time,
    onReplace: (replacement) => void replaced.push(replacement),
  })
  return { tree, replaced }
}

async function addAll(tree: FileTree<string>, entries: string, to = ''): Promise<void> {
  for (const line of entries.split(', ')) if (line !== '') await tree.add(entry(line), to)
}

/** Two sources, the second with a rule. */
async function merged(base: string, overlay: string, merge: MergeRule, to = '') {
  const { tree, replaced } = newTree()
  tree.beginSource('follow')
  await addAll(tree, base)
  tree.beginSource(merge)
  await addAll(tree, overlay, to)
  return { paths: paths(tree.root), replaced }
}

function paths(directory: DirectoryNode<string>, prefix = ''): string[] {
  return [...directory.children].flatMap(([name, node]) => {
    const path = `${prefix}${name}`
    if (node.type === 'directory') return [`${path}/`, ...paths(node, `${path}/`)]
    return [node.type === 'symlink' ? `${path} -> ${node.target}` : path]
  })
}

describe('parents', () => {
  test.each([
    ['a symlink', 'usr/lib/, lib -> usr/lib, lib/x', ['usr/', 'usr/lib/', 'usr/lib/x', 'lib -> usr/lib']],
    [
      'one with directories that are missing',
      'usr/, l -> usr, l/a/b',
      ['usr/', 'usr/a/', 'usr/a/b', 'l -> usr'],
    ],
    ['an absolute one', 'a/, d/l -> /a, d/l/x', ['a/', 'a/x', 'd/', 'd/l -> /a']],
    ['one of a symlink', 'a/, b -> a, c -> b/., c/x', ['a/', 'a/x', 'b -> a', 'c -> b/.']],
    ['one that leads up, but never out', 'a/, a/l -> ../../.., a/l/x', ['a/', 'a/l -> ../../..', 'x']],
    ['one of a hard link', 'a/f, l -> a, g = l/f', ['a/', 'a/f', 'l -> a', 'g']],
  ])('go through %s', async (_, entries, expected) => {
    const { tree } = newTree()
    await addAll(tree, entries)
    expect(paths(tree.root)).toEqual(expected)
  })

  test.each([
    ['l -> none, l/x', '"l" is a symlink to "none", which does not exist'],
    ['f, l -> f, l/x', '"l" is a symlink to "f", which is not a directory'],
    ['f, l -> f/g, l/x', '"l" is a symlink to "f/g", which is not a directory'],
    ['a -> b, b -> a, a/x', 'too many symlinks'],
    ['a -> a/a, a/x', 'too many symlinks'],
  ])('%s', async (entries, message) => {
    const { tree } = newTree()
    await expect(addAll(tree, entries)).rejects.toThrow(message)
    await expect(addAll(tree, entries)).rejects.toThrow(/^b\.tar: entry "[al]\/x" at offset 512: /)
  })

  test('go through what leads there now', async () => {
    const { tree } = newTree()
    await addAll(tree, 'a/, b/, l -> a, l/x, l -> b, l/x, l/, l/x')
    expect(paths(tree.root)).toEqual(['a/', 'a/x', 'b/', 'b/x', 'l/', 'l/x'])
  })
})

describe('within a source', () => {
  test('a directory takes the place of a symlink', async () => {
    const { paths } = await merged('', 'usr/lib/, lib -> usr/lib, lib/, lib/x', 'follow')
    expect(paths).toEqual(['usr/', 'usr/lib/', 'lib/', 'lib/x'])
  })

  test('a file takes the place of a directory, under any rule', async () => {
    for (const rule of ['follow', 'refuse', 'replace'] as const) {
      const { paths, replaced } = await merged('', 'd/, d/x, d', rule)
      expect([paths, replaced]).toEqual([['d'], []])
    }
  })
})

describe('between sources', () => {
  const usr = 'usr/, usr/lib/, usr/lib/ld.so, lib -> usr/lib'

  test('"follow" goes through a symlink to a directory', async () => {
    const { paths, replaced } = await merged(usr, 'lib/, lib/modules/, lib/modules/x', 'follow')
    expect(paths).toEqual([
      'usr/',
      'usr/lib/',
      'usr/lib/ld.so',
      'usr/lib/modules/',
      'usr/lib/modules/x',
      'lib -> usr/lib',
    ])
    expect(replaced).toEqual([])
  })

  test('"follow" is for `to`, too', async () => {
    const { paths } = await merged(usr, 'modules/', 'follow', 'lib')
    expect(paths).toContain('usr/lib/modules/')
  })

  test('a root that is put where a symlink lies leaves it', async () => {
    const { tree } = newTree()
    await addAll(tree, usr)
    tree.beginSource('follow')
    await tree.add({ ...metadata, path: '', type: 'directory' }, 'lib')
    expect(paths(tree.root)).toContain('lib -> usr/lib')
  })

  test('"follow" replaces a symlink that leads to no directory', async () => {
    const { paths, replaced } = await merged('f, a -> f, b -> none', 'a/, b/', 'follow')
    expect(paths).toEqual(['f', 'a/', 'b/'])
    expect(replaced).toMatchObject([
      { path: 'a', type: 'symlink', by: 'directory' },
      { path: 'b', type: 'symlink', by: 'directory' },
    ])
  })

  test('"follow" keeps directories that are not empty', async () => {
    for (const other of ['d', 'd -> e', 'd = f']) {
      await expect(merged('f, d/x', `f, ${other}`, 'follow')).rejects.toThrow(
        'b.tar: entry "d" at offset 512: an earlier source has a directory there that is not empty',
      )
      const { paths, replaced } = await merged('f, d/', `f, ${other}`, 'follow')
      expect(paths).toHaveLength(2)
      expect(replaced.at(-1)).toMatchObject({ path: 'd', type: 'directory' })
    }
  })

  test('"replace" takes the place of anything', async () => {
    const { paths, replaced } = await merged(`${usr}, d/x, f`, 'lib/, d, f -> x', 'replace')
    expect(paths).toEqual(['usr/', 'usr/lib/', 'usr/lib/ld.so', 'lib/', 'd', 'f -> x'])
    expect(replaced.map(({ path, type, by }) => `${path} ${type} ${by}`)).toEqual([
      'lib symlink directory',
      'd directory file',
      'f file symlink',
    ])
  })

  test('"refuse" merges directories and nothing else', async () => {
    const { paths } = await merged('d/x, f', 'd/, d/y', 'refuse')
    expect(paths).toEqual(['d/', 'd/x', 'd/y', 'f'])
    for (const taken of ['f', 'f/', 'd', 'f -> x', 'd = f', 'd/x']) {
      await expect(merged('d/x, f', taken, 'refuse')).rejects.toThrow(
        /an earlier source has a (file|directory) there, and "merge" is "refuse"/,
      )
    }
  })

  test('a hard link to what an earlier source has brought is of the source that brings the link', async () => {
    const { paths, replaced } = await merged('f, g', 'g = f, g, g = f, g = f', 'follow')
    expect(paths).toEqual(['f', 'g'])
    expect(replaced).toMatchObject([{ path: 'g', type: 'file', by: 'hardlink' }])
  })

  test('what a source has brought itself, it replaces under any rule', async () => {
    const { paths } = await merged('d/x', 'f, f, f/, f -> d, g = f, g/', 'refuse')
    expect(paths).toEqual(['d/', 'd/x', 'f -> d', 'g/'])
  })
})

/** A path is followed as the kernel would in a chroot: a model that knows names and targets alone. */
test('no path leaves the tree, and none is lost', async () => {
  const name = fc.constantFrom('a', 'b', 'c')
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
  const target = fc
    .tuple(fc.constantFrom('', '/', '../', '../../../'), path)
    .map(([start, rest]) => `${start}${rest}`)
  const line = fc.oneof(
    path,
    path.map((p) => `${p}/`),
    fc.tuple(path, target).map(([p, t]) => `${p} -> ${t}`),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
      const { tree } = newTree()
      const model = new Map<string, string>([['', '/']])
      for (const each of lines) {
        const [given, , linkTarget] = each.split(' ')
        const real = resolve(model, given.replace(/\/$/, ''))
        const adding = addAll(tree, each)
        if (real === undefined) {
          await expect(adding).rejects.toThrow(/symlink|not a directory/)
          continue
        }
        await adding
        const parts = real.split('/')
        parts.forEach((_, i) => i > 0 && model.set(parts.slice(0, i).join('/'), '/'))
        const isDirectory = given.endsWith('/')
        if (!isDirectory || model.get(real) !== '/') {
          for (const other of [...model.keys()]) if (other.startsWith(`${real}/`)) model.delete(other)
          model.set(real, isDirectory ? '/' : (linkTarget ?? ''))
        }
      }
      const expected = [...model]
        .filter(([p]) => p !== '')
        .map(([p, what]) => (what === '/' ? `${p}/` : what === '' ? p : `${p} -> ${what}`))
      expect(paths(tree.root).sort()).toEqual(expected.sort())
    }),
    { numRuns: 1000 },
  )
})

/** The path without symlinks before its last name; undefined: there is none. */
function resolve(model: ReadonlyMap<string, string>, path: string): string | undefined {
  let here: string[] = []
  let links = 0
  // Names that came from a symlink have to exist.
  const left = path.split('/').map((name) => ({ name, mustExist: false }))
  while (left.length > 0) {
    const { name, mustExist } = left.shift()!
    if (name === '' || name === '.') continue
    if (name === '..') {
      here = here.slice(0, -1)
      continue
    }
    const at = [...here, name].join('/')
    const what = model.get(at)
    const isLast = left.length === 0
    if (what !== undefined && what !== '/' && what !== '' && !isLast) {
      if (++links > 40) return undefined
      if (what.startsWith('/')) here = []
      left.unshift(...what.split('/').map((part) => ({ name: part, mustExist: true })))
      continue
    }
    if (mustExist && what !== '/') return undefined
    if (what === '' && !isLast) return undefined
    here = [...here, name]
  }
  return here.join('/')
}
