import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SourceEntry } from '../../src/file-tree/entry.ts'
import { EntryRules } from '../../src/file-tree/entry-rules.ts'
import { FileTree, type DirectoryNode, type TreeNode } from '../../src/file-tree/tree.ts'
import { fromText } from '../../src/lib/byte-string.ts'
import { matchesGlob, parseGlob } from '../../src/file-tree/glob.ts'
import type { EntryRulePlan, SubvolumePlan } from '../../src/spec/plan/plan.ts'

const nothing = { storage: {}, flags: [], xattrs: new Map(), exclude: false }
type Change = Partial<Omit<EntryRulePlan, 'index' | 'for'>>
const path = (path: string, change: Change) => ({ ...nothing, for: { path: path.slice(1) }, ...change })
const glob = (glob: string, change: Change) => ({ ...nothing, for: { glob }, ...change })
const rulesOf = (...rules: Omit<EntryRulePlan, 'index'>[]) =>
  new EntryRules(rules.map((rule, index) => ({ index, ...rule })))

const TOP: SubvolumePlan = {
  id: 5,
  name: '',
  parent: 5,
  directory: '',
  path: '',
  uuid: '',
  readOnly: false,
  isDefault: true,
  otime: { sec: 0, nsec: 0 },
  property: undefined,
  snapshotOf: undefined,
  contentOf: 5,
  nodatacow: false,
  compression: { algorithm: 'zstd', level: 3 },
}

function treeWith(rules: EntryRules, problemOf?: (entry: SourceEntry) => string | undefined) {
  return new FileTree<string>({
    content: {
      store: (_, { nodatacow, compression }) =>
        Promise.resolve(nodatacow ? 'nocow' : (compression?.algorithm ?? 'plain')),
      copy: (content) => Promise.resolve(content),
    },
    time: { sec: 7, nsec: 0 },
    subvolumes: [TOP],
    rules,
    ...(problemOf && { problemOf }),
  })
}

const base = (path: string) => ({
  path,
  origin: { source: 'a.tar', offset: 512 },
  mode: 0o640,
  uid: 1,
  gid: 2,
  mtime: { sec: 1, nsec: 0 },
})
const content = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('was read')) }) }
const file = (path: string, more: Partial<SourceEntry> = {}) =>
  ({ ...base(path), type: 'file', size: 1, content, ...more }) as SourceEntry
const directory = (path: string): SourceEntry => ({ ...base(path), type: 'directory' })
const symlink = (path: string): SourceEntry => ({ ...base(path), type: 'symlink', target: 't' })
const hardlink = (path: string, target: string): SourceEntry => ({ ...base(path), type: 'hardlink', target })
const xattr = (name: string, ...value: number[]) => ({ name, value: Uint8Array.from(value) })

/** Fails with a promise, however the tree fails. */
async function add(tree: FileTree<string>, entry: SourceEntry, to?: string): Promise<void> {
  await tree.add(entry, to)
}

function at(tree: FileTree<string>, path: string): TreeNode<string> {
  return path.split('/').reduce<TreeNode<string>>((node, name) => {
    const child = (node as DirectoryNode<string>).children.get(name)
    if (child === undefined) throw new Error(`there is no ${path}`)
    return child
  }, tree.root)
}

/** All paths of a tree, in the order of the walk. */
function pathsOf(directory: DirectoryNode<string>, above = ''): string[] {
  return [...directory.children].flatMap(([name, node]) => [
    `${above}${name}`,
    ...(node.type === 'directory' ? pathsOf(node, `${above}${name}/`) : []),
  ])
}

describe('what rules change', () => {
  test('paths are for all below, patterns for what matches; implied directories, too', async () => {
    const tree = treeWith(
      rulesOf(
        path('/a', { uid: 10 }),
        glob('/a/*/c', { gid: 20 }),
        path('/a/b/c/d', { uid: 11, mode: 0o700 }),
      ),
    )
    await add(tree, file('a/b/c/d/e'))
    await add(tree, file('b'))
    expect(at(tree, 'a').metadata).toMatchObject({ uid: 10, gid: 0, mode: 0o755, mtime: { sec: 7 } })
    expect(at(tree, 'a/b').metadata).toMatchObject({ uid: 10, gid: 0 })
    expect(at(tree, 'a/b/c').metadata).toMatchObject({ uid: 10, gid: 20 })
    expect(at(tree, 'a/b/c/d').metadata).toMatchObject({ uid: 11, gid: 0, mode: 0o700 })
    expect(at(tree, 'a/b/c/d/e').metadata).toMatchObject({ uid: 11, gid: 2, mode: 0o700 })
    expect(at(tree, 'b').metadata).toMatchObject({ uid: 1, gid: 2, mode: 0o640 })
    await add(tree, directory('a/b/c'))
    expect(at(tree, 'a/b/c').metadata).toMatchObject({ uid: 10, gid: 20, mode: 0o640, mtime: { sec: 1 } })
  })

  test('the root', async () => {
    const tree = treeWith(rulesOf(path('/', { uid: 3 }), glob('/**', { gid: 4 })))
    expect(tree.root.metadata).toMatchObject({ uid: 3, gid: 0 })
    await add(tree, directory(''))
    await add(tree, file('a'), 'to')
    expect(tree.root.metadata).toMatchObject({ uid: 3, gid: 2 })
    expect(at(tree, 'to').metadata).toMatchObject({ uid: 3, gid: 4 })
    expect(at(tree, 'to/a').metadata).toMatchObject({ uid: 3, gid: 4 })
  })

  test('later rules go over earlier ones, flags add up', async () => {
    const tree = treeWith(
      rulesOf(
        glob('/**', { uid: 1, mode: 0o600, flags: ['nodump'] }),
        path('/a', { uid: 2, flags: ['append'] }),
        glob('/*', { uid: 3 }),
      ),
    )
    await add(tree, file('a/b'))
    await add(tree, symlink('s'))
    expect(at(tree, 'a').metadata).toMatchObject({ uid: 3, mode: 0o600, flags: ['append', 'nodump'] })
    expect(at(tree, 'a/b').metadata).toMatchObject({ uid: 2, mode: 0o600 })
    const { mode, uid, flags } = at(tree, 's').metadata
    expect({ mode, uid, flags }).toEqual({ mode: 0o640, uid: 3, flags: undefined })
  })

  test('xattrs are set, replaced and removed', async () => {
    const xattrs = new Map([
      ['user.a', Uint8Array.of(9)],
      ['user.b', undefined],
      ['user.c', Uint8Array.of()],
    ])
    const tree = treeWith(rulesOf(path('/f', { xattrs })))
    await add(tree, file('f', { xattrs: [xattr('user.a', 1), xattr('user.b', 2), xattr('user.d', 3)] }))
    expect(at(tree, 'f').metadata.xattrs).toEqual([xattr('user.d', 3), xattr('user.a', 9), xattr('user.c')])
  })

  test('a mode goes into the ACL', async () => {
    const acl = (user: number, group: number, mask: number, other: number) =>
      xattr(
        'system.posix_acl_access',
        ...[2, 0, 0, 0, 1, 0, user, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0xe8, 3, 0, 0],
        ...[4, 0, group, 0, 255, 255, 255, 255, 16, 0, mask, 0, 255, 255, 255, 255],
        ...[32, 0, other, 0, 255, 255, 255, 255],
      )
    const tree = treeWith(rulesOf(path('/f', { mode: 0o4751 })))
    const before = acl(6, 4, 4, 4)
    await add(tree, file('f', { xattrs: [before] }))
    expect(at(tree, 'f').metadata.xattrs).toEqual([acl(7, 4, 5, 1)])
    expect(before).toEqual(acl(6, 4, 4, 4))
  })

  test('storage: no copy on write wins, directories hand it on', async () => {
    const tree = treeWith(
      rulesOf(
        glob('/db/*', { storage: { nodatacow: true } }),
        glob('/db/log', { storage: { nodatacow: false, compression: { algorithm: 'zlib', level: 9 } } }),
        glob('/**/x', { storage: { compression: 'none' } }),
      ),
    )
    for (const path of ['db/data', 'db/log', 'db/x', 'x', 'db/sub/file']) await add(tree, file(path))
    const contentOf = (path: string) => (at(tree, path) as { content?: string }).content
    expect(contentOf('db/data')).toBe('nocow')
    expect(contentOf('db/log')).toBe('zlib')
    expect(contentOf('db/x')).toBe('nocow')
    expect(contentOf('x')).toBe('plain')
    expect(contentOf('db/sub/file')).toBe('zstd')
    expect(at(tree, 'db/sub')).toMatchObject({ nodatacow: true })
    expect(at(tree, 'db')).toMatchObject({ nodatacow: false })
  })

  test('what is left out leaves no trace', async () => {
    const tree = treeWith(rulesOf(path('/a/b', { exclude: true }), glob('/**/*.o', { exclude: true })))
    for (const path of ['a/b', 'a/b/c', 'd/e.o', 'f.o/g', 'a/bc', 'e.oo']) await add(tree, file(path))
    expect(pathsOf(tree.root)).toEqual(['a', 'a/bc', 'e.oo'])
    await expect(add(tree, hardlink('x', 'a/b/c'))).rejects.toThrow(
      'a.tar: entry "x" at offset 512: the hard link\'s target "a/b/c" is left out by a rule',
    )
    await expect(add(tree, hardlink('x', 'nowhere'))).rejects.toThrow('does not exist')
    await add(tree, hardlink('y.o', 'a/b/c'))
  })

  test('a hard link has what its inode has', async () => {
    const tree = treeWith(
      rulesOf(
        path('/a', { uid: 5, xattrs: new Map([['user.a', Uint8Array.of(1)]]) }),
        path('/same', { uid: 5, flags: [], xattrs: new Map([['user.a', Uint8Array.of(1)]]) }),
        path('/other', { uid: 6 }),
        path('/mode', { mode: 0o600 }),
        path('/flag', { flags: ['sync'] }),
        path('/x', { xattrs: new Map([['user.a', undefined]]) }),
      ),
    )
    await add(tree, file('a'))
    await add(tree, hardlink('plain', 'a'))
    await add(tree, hardlink('same', 'a'))
    expect(at(tree, 'plain')).toEqual(at(tree, 'a'))
    for (const [name, what] of [
      ['other', 'uid 6'],
      ['mode', 'mode 0600'],
      ['flag', 'the flag sync'],
      ['x', 'no xattr "user.a"'],
    ]) {
      await expect(add(tree, hardlink(name, 'a'))).rejects.toThrow(
        `entry "${name}" at offset 512: a rule gives it ${what}, but it is a hard link to "a"`,
      )
    }
  })

  test('limits hold after the rules', async () => {
    const problemOf = ({ uid }: SourceEntry) => (uid === 1 ? 'uid 1' : undefined)
    const tree = treeWith(rulesOf(path('/good', { uid: 2 }), path('/out', { exclude: true })), problemOf)
    await add(tree, file('good'))
    await add(tree, file('out'))
    await expect(add(tree, file('bad'))).rejects.toThrow('a.tar: entry "bad" at offset 512: uid 1')
  })

  test('rules that are for nothing are known', async () => {
    const rules = rulesOf(
      path('/a', { uid: 1 }),
      path('/a/b', { uid: 1 }),
      glob('/*', { uid: 1 }),
      glob('/*/x', { uid: 1 }),
      path('/out', { exclude: true }),
      path('/not', { exclude: true }),
    )
    const tree = treeWith(rules)
    await add(tree, file('a/c'))
    await add(tree, file('out/file'))
    expect(rules.unused().map(({ index }) => index)).toEqual([1, 3, 5])
  })
})

describe('any patterns and paths', () => {
  const name = fc.constantFrom('a', 'b', 'ab', 'ba', '\u00e4')
  const part = fc.constantFrom('a', 'b', 'ab', '*', '?', 'a*', '*b', '[a]', '[!a]', '**', '**')
  const paths = fc.array(fc.array(name, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 })
  const patterns = fc.array(fc.array(part, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 })

  test('directory by directory as over the whole path', () => {
    fc.assert(
      fc.property(paths, patterns, (paths, patterns) => {
        const globs = patterns.map((parts) => `/${parts.join('/')}`)
        const rules = rulesOf(...globs.map((pattern, i) => glob(pattern, { uid: i, mode: i })))
        for (const names of paths.map((path) => path.map(fromText))) {
          let { scope } = rules
          for (const name of names.slice(0, -1)) scope = scope.below(name)
          const expected = globs.findLastIndex((glob) => matchesGlob(parseGlob(glob), names))
          expect(scope.changesOf(names.at(-1)!)?.uid ?? -1).toBe(expected)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('where no rule can match any more, nothing is looked at', () => {
    const rules = rulesOf(
      glob('/etc/*.conf', { uid: 1 }),
      glob('/**/x', { uid: 2 }),
      path('/var', { uid: 3 }),
    )
    const nix = rules.scope.below('nix')
    expect(nix.below('store')).toBe(nix)
    expect(nix.below('store').below('anything')).toBe(nix)
  })
})
