import { toLatin1 } from '../../src/lib/byte-string.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SourceEntry, Timestamp } from '../../src/file-tree/entry.ts'
import { FileTree, type DirectoryNode, type TreeNode } from '../../src/file-tree/tree.ts'
import { InputError } from '../../src/lib/errors.ts'
import type { StoragePlan, SubvolumePlan } from '../../src/spec/plan/plan.ts'

const zstd = (level: number) => ({ algorithm: 'zstd' as const, level })
const cow: StoragePlan = { nodatacow: false, compression: undefined }
const nocow: StoragePlan = { nodatacow: true, compression: undefined }
const subvolume = (
  name: string,
  path: string | undefined,
  storage: StoragePlan,
  id: number,
): SubvolumePlan => ({
  id,
  name,
  parent: 5,
  directory: name,
  path,
  uuid: '',
  readOnly: false,
  isDefault: id === 5,
  otime: { sec: 0, nsec: 0 },
  property: undefined,
  snapshotOf: undefined,
  contentOf: id,
  ...storage,
})

/** Content is told by a word: what was stored, and how. */
function newTree({
  subvolumes = [subvolume('', '', cow, 5)],
  paths = {},
}: { subvolumes?: SubvolumePlan[]; paths?: Record<string, StoragePlan> } = {}) {
  const stored: string[] = []
  const storageText = ({ nodatacow, compression }: StoragePlan) =>
    nodatacow ? 'nocow' : `level ${compression?.level ?? 0}`
  const tree = new FileTree<string>({
    content: {
      store: (entry, storage) => {
        stored.push(`${entry.path} ${storageText(storage)}`)
        return Promise.resolve(toLatin1(entry.path))
      },
      copy: (content, storage) => {
        stored.push(`copy of ${content} ${storageText(storage)}`)
        return Promise.resolve(`copy of ${content}`)
      },
    },
    time: { sec: 4711, nsec: 0 },
    subvolumes,
    pathStorage: new Map(Object.entries(paths)),
  })
  return { tree, stored }
}

const noContent = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('was read')) }) }
const origin = { source: 'a.tar', offset: 512 }
const base = (path: string, sec: number) => ({
  path,
  origin,
  mode: 0o640,
  uid: 1,
  gid: 2,
  mtime: { sec, nsec: 0 } satisfies Timestamp,
})
const file = (path: string, sec = 1): SourceEntry => ({
  ...base(path, sec),
  type: 'file',
  size: 1,
  content: noContent,
})
const directory = (path: string, sec = 1): SourceEntry => ({ ...base(path, sec), type: 'directory' })
const symlink = (path: string, target = 't'): SourceEntry => ({ ...base(path, 1), type: 'symlink', target })
const hardlink = (path: string, target: string): SourceEntry => ({
  ...base(path, 9),
  type: 'hardlink',
  target,
})
const fifo = (path: string): SourceEntry => ({ ...base(path, 1), type: 'fifo' })
const device = (path: string): SourceEntry => ({ ...base(path, 1), type: 'block', major: 3, minor: 4 })

/** Fails with a promise, however the tree fails. */
async function add(tree: FileTree<string>, entry: SourceEntry, to?: string): Promise<void> {
  await tree.add(entry, to)
}

async function addAll(tree: FileTree<string>, entries: SourceEntry[], to?: string): Promise<void> {
  for (const entry of entries) await add(tree, entry, to)
}

function nodeAt(tree: FileTree<string>, path: string): TreeNode<string> | undefined {
  let node: TreeNode<string> | undefined = tree.root
  for (const name of path.split('/')) node = node?.type === 'directory' ? node.children.get(name) : undefined
  return node
}

/** Every path below the root with its type; a file's content after it. */
function listing(directory: DirectoryNode<string>, prefix = ''): string[] {
  return [...directory.children].flatMap(([name, node]) => {
    const line = `${prefix}${name}: ${node.type}${node.type === 'file' ? ` ${node.content}` : ''}`
    return node.type === 'directory' ? [line, ...listing(node, `${prefix}${name}/`)] : [line]
  })
}

describe('an entry of a path that is taken', () => {
  test('a directory for a directory sets its metadata and leaves what is in it', async () => {
    const { tree } = newTree()
    await addAll(tree, [directory('d', 1), file('d/f'), directory('d', 2)])
    expect(listing(tree.root)).toEqual(['d: directory', 'd/f: file d/f'])
    expect(nodeAt(tree, 'd')?.metadata.mtime.sec).toBe(2)
  })

  test('a directory entry takes away attributes that the earlier one had', async () => {
    const { tree } = newTree()
    const xattrs = [{ name: 'user.a', value: new Uint8Array(1) }]
    await addAll(tree, [{ ...directory('d'), xattrs }, directory('d', 2)])
    expect(nodeAt(tree, 'd')?.metadata.xattrs).toBeUndefined()
  })

  const kinds: Record<string, SourceEntry> = {
    file: file('x', 2),
    directory: directory('x', 2),
    symlink: symlink('x'),
    fifo: fifo('x'),
    block: device('x'),
  }
  const pairs = Object.keys(kinds).flatMap((a) => Object.keys(kinds).map((b) => [a, b] as const))
  test.each(pairs.filter(([a, b]) => a !== 'directory' || b !== 'directory'))(
    'a %s is replaced by a %s',
    async (first, second) => {
      const { tree } = newTree()
      await addAll(tree, [kinds[first], file('other'), kinds[second]])
      expect(nodeAt(tree, 'x')?.type).toBe(second)
      expect(tree.root.children.size).toBe(2)
    },
  )

  test('a file replaces a directory of any depth', async () => {
    const { tree } = newTree()
    await addAll(tree, [directory(Array.from({ length: 30_000 }, () => 'd').join('/')), file('d')])
    expect(listing(tree.root)).toEqual(['d: file d'])
  })

  test('a file replaces a directory with all that is in it', async () => {
    const { tree } = newTree()
    await addAll(tree, [file('d/e/f'), file('d/g'), file('d')])
    expect(listing(tree.root)).toEqual(['d: file d'])
  })

  test('a directory for a file is empty, and can be filled', async () => {
    const { tree } = newTree()
    await addAll(tree, [file('d'), directory('d'), file('d/f')])
    expect(listing(tree.root)).toEqual(['d: directory', 'd/f: file d/f'])
  })

  test('a new file does not change the other names of the old one', async () => {
    const { tree } = newTree()
    await addAll(tree, [file('a'), hardlink('b', 'a'), file('a', 5)])
    expect(nodeAt(tree, 'a')?.id).not.toBe(nodeAt(tree, 'b')?.id)
    expect(nodeAt(tree, 'b')?.metadata.mtime.sec).toBe(1)
    expect(nodeAt(tree, 'a')?.metadata.mtime.sec).toBe(5)
  })

  test('the root takes metadata and nothing else', async () => {
    const { tree } = newTree()
    await addAll(tree, [file('f'), directory('', 77)])
    expect(tree.root.metadata).toMatchObject({ mode: 0o640, mtime: { sec: 77 } })
    expect(listing(tree.root)).toEqual(['f: file f'])
    await expect(add(tree, symlink(''))).rejects.toThrow(/a\.tar.*the root can only be a directory/)
  })
})

describe('parents', () => {
  test('that no entry describes are plain', async () => {
    const { tree } = newTree()
    await add(tree, file('a/b/c'))
    const implied = { mode: 0o755, uid: 0, gid: 0, mtime: { sec: 4711, nsec: 0 } }
    expect(nodeAt(tree, 'a')?.metadata).toEqual(implied)
    expect(nodeAt(tree, 'a/b')?.metadata).toEqual(implied)
    await add(tree, directory('a/b', 8))
    expect(nodeAt(tree, 'a/b')?.metadata.mtime.sec).toBe(8)
    expect(nodeAt(tree, 'a/b/c')?.type).toBe('file')
  })

  test.each(['file', 'fifo'])('that are a %s are an error', async (kind) => {
    const { tree } = newTree()
    const entry = { file: file('a/x'), fifo: fifo('a/x') }[kind]!
    await add(tree, entry)
    for (const path of ['a/x/y', 'a/x/y/z']) {
      const error: unknown = await add(tree, file(path)).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(InputError)
      expect((error as Error).message).toBe(
        `a.tar: entry "${path}" at offset 512: "a/x" is a ${kind}, not a directory`,
      )
    }
    await expect(add(tree, directory('a/x/y'))).rejects.toThrow(`"a/x" is a ${kind}`)
    await expect(add(tree, hardlink('a/x/y', 'a/x'))).rejects.toThrow(`"a/x" is a ${kind}`)
  })

  test.each(['a/b', 'a'])('replaced by a file (%s) hold nothing more', async (path) => {
    const { tree } = newTree()
    await addAll(tree, [file('a/b/c'), file('a/b/d')])
    await add(tree, file(path))
    await expect(add(tree, file('a/b/e'))).rejects.toThrow(`"${path}" is a file, not a directory`)
    await add(tree, directory(path))
    await add(tree, file('a/b/f'))
    expect(nodeAt(tree, 'a/b/c')).toBeUndefined()
    expect(nodeAt(tree, 'a/b/f')?.type).toBe('file')
  })

  test('of a source with a path of its own', async () => {
    const { tree } = newTree()
    await addAll(tree, [directory('', 5), file('f'), hardlink('g', 'f')], 'boot/firmware')
    expect(listing(tree.root)).toEqual([
      'boot: directory',
      'boot/firmware: directory',
      'boot/firmware/f: file f',
      'boot/firmware/g: file f',
    ])
    expect(nodeAt(tree, 'boot/firmware')?.metadata.mtime.sec).toBe(5)
  })
})

describe('a hard link', () => {
  test('is one node with all its names, however it is told', async () => {
    const { tree, stored } = newTree()
    await addAll(tree, [file('a'), hardlink('d/b', 'a'), hardlink('c', 'd/b'), hardlink('e', 'a')])
    const node = nodeAt(tree, 'a')!
    for (const path of ['d/b', 'c', 'e']) expect(nodeAt(tree, path)).toEqual(node)
    expect(node).toMatchObject({ hardLinked: true, metadata: { mtime: { sec: 1 } } })
    expect(stored).toEqual(['a level 0'])
  })

  test.each([symlink('a'), fifo('a'), device('a')])('leads to a $type as well', async (entry) => {
    const { tree } = newTree()
    await addAll(tree, [entry, hardlink('b', 'a')])
    expect(nodeAt(tree, 'b')).toEqual(nodeAt(tree, 'a'))
  })

  test('to itself changes nothing', async () => {
    const { tree, stored } = newTree()
    await addAll(tree, [file('a'), hardlink('a', 'a')])
    expect(listing(tree.root)).toEqual(['a: file a'])
    expect(stored).toEqual(['a level 0'])
  })

  test('leads to what has its target path now', async () => {
    const { tree } = newTree()
    await addAll(tree, [file('a', 1), file('a', 2), hardlink('b', 'a'), file('a', 3)])
    expect(nodeAt(tree, 'b')?.metadata.mtime.sec).toBe(2)
  })

  test('replaces what has its own path', async () => {
    const { tree } = newTree()
    await addAll(tree, [file('a'), file('d/f'), hardlink('d', 'a')])
    expect(listing(tree.root)).toEqual(['a: file a', 'd: file a'])
  })

  test.each([
    ['nothing', 'none', '"none" does not exist'],
    ['nothing in a directory', 'd/none', '"d/none" does not exist'],
    ['below a file', 'f/none', '"f/none" does not exist'],
    ['nothing behind a symlink', 'l/h', '"d/h" does not exist'],
    ['a directory', 'd', '"d" is a directory'],
    ['the root', '', '"" is a directory'],
  ])('to %s is an error', async (_, target, complaint) => {
    const { tree } = newTree()
    await addAll(tree, [file('f'), file('d/g'), symlink('l', 'd')])
    const link = add(tree, hardlink('link', target))
    await expect(link).rejects.toThrow(
      `a.tar: entry "link" at offset 512: the hard link's target ${complaint}`,
    )
    expect(nodeAt(tree, 'link')).toBeUndefined()
  })

  test('to what was replaced by a directory is an error', async () => {
    const { tree } = newTree()
    await addAll(tree, [file('a'), directory('a')])
    await expect(add(tree, hardlink('b', 'a'))).rejects.toThrow('is a directory')
  })
})

describe('subvolumes', () => {
  const top = subvolume('', undefined, cow, 5)
  const root = subvolume('@', '', { nodatacow: false, compression: zstd(3) }, 256)
  const boot = subvolume('@boot', 'boot', nocow, 257)
  const deep = subvolume('@deep', 'var/lib/deep', { nodatacow: false, compression: zstd(9) }, 258)
  const spare = subvolume('@spare', undefined, cow, 259)
  const vm = subvolume('@vm', 'vm', nocow, 260)
  const subvolumes = [top, root, boot, deep, spare, vm]

  test('have their roots, whether or not a source describes them', () => {
    const { tree } = newTree({ subvolumes })
    expect(listing(tree.root)).toEqual([
      'boot: directory',
      'var: directory',
      'var/lib: directory',
      'var/lib/deep: directory',
      'vm: directory',
    ])
    expect([...tree.subvolumeRoots.keys()]).toEqual([root, boot, deep, vm])
    for (const [path, plan] of [
      ['boot', boot],
      ['var/lib/deep', deep],
    ] as const) {
      expect(tree.subvolumeRoots.get(plan)).toBe(nodeAt(tree, path))
    }
    expect(tree.subvolumeRoots.get(root)).toBe(tree.root)
  })

  test('cannot be replaced, nor what they lie in', async () => {
    const { tree } = newTree({ subvolumes })
    for (const path of ['boot', 'var', 'var/lib', 'var/lib/deep']) {
      for (const entry of [file(path), symlink(path), fifo(path)]) {
        await expect(add(tree, entry)).rejects.toThrow(/is the root of subvolume "@(boot|deep)"/)
      }
    }
    await add(tree, file('f'))
    await expect(add(tree, hardlink('boot', 'f'))).rejects.toThrow('is the root of subvolume "@boot"')
    await add(tree, directory('boot', 3))
    expect(tree.subvolumeRoots.get(boot)?.metadata.mtime.sec).toBe(3)
  })

  test('decide how files are stored, down to the next rule', async () => {
    const paths = {
      'var/log': nocow,
      'var/lib/deep/data/db': nocow,
      'var/log/one': { nodatacow: false, compression: zstd(1) },
    }
    const { tree, stored } = newTree({ subvolumes, paths })
    const names = [
      'f',
      'boot/f',
      'boot/d/e/f',
      'var/f',
      'var/log/d/f',
      'var/log/one',
      'var/log/oneself',
      'var/logs/f',
      'var/lib/deep/f',
      'var/lib/deep/data/f',
      'var/lib/deep/data/db/f',
    ]
    await addAll(
      tree,
      names.map((name) => file(name)),
    )
    expect(stored).toEqual([
      'f level 3',
      'boot/f nocow',
      'boot/d/e/f nocow',
      'var/f level 3',
      'var/log/d/f nocow',
      'var/log/one level 1',
      'var/log/oneself nocow',
      'var/logs/f level 3',
      'var/lib/deep/f level 9',
      'var/lib/deep/data/f level 9',
      'var/lib/deep/data/db/f nocow',
    ])
    expect(nodeAt(tree, 'var/log/d')).toMatchObject({ storage: nocow })
  })

  test('keep the storage of a path that came back as a directory', async () => {
    const { tree, stored } = newTree({ subvolumes, paths: { d: nocow } })
    await addAll(tree, [file('d'), directory('d'), file('d/f')])
    expect(stored).toEqual(['d nocow', 'd/f nocow'])
  })

  test('share a hard-linked node where they store alike', async () => {
    const { tree, stored } = newTree({ subvolumes })
    await addAll(tree, [file('a'), hardlink('var/lib/deep/b', 'a'), hardlink('c', 'var/lib/deep/b')])
    expect(nodeAt(tree, 'var/lib/deep/b')).toEqual(nodeAt(tree, 'a'))
    expect(nodeAt(tree, 'c')).toEqual(nodeAt(tree, 'a'))
    expect(stored).toEqual(['a level 3'])
  })

  test('have one copy each of a hard link that they store in another way', async () => {
    const { tree, stored } = newTree({ subvolumes })
    await addAll(tree, [file('a'), hardlink('boot/b', 'a'), hardlink('boot/d/c', 'a'), hardlink('d', 'a')])
    const copy = nodeAt(tree, 'boot/b')!
    expect(copy.id).not.toBe(nodeAt(tree, 'a')?.id)
    expect(copy).toMatchObject({ type: 'file', hardLinked: true, storage: boot, content: 'copy of a' })
    expect(nodeAt(tree, 'boot/d/c')).toEqual(copy)
    expect(nodeAt(tree, 'd')).toEqual(nodeAt(tree, 'a'))
    expect(stored).toEqual(['a level 3', 'copy of a nocow'])
  })

  test('know a hard link again that comes back by way of a copy', async () => {
    const { tree, stored } = newTree({ subvolumes })
    await addAll(tree, [file('a'), hardlink('boot/b', 'a'), hardlink('c', 'boot/b'), hardlink('boot/d', 'c')])
    expect(nodeAt(tree, 'c')).toEqual(nodeAt(tree, 'a'))
    expect(nodeAt(tree, 'boot/d')).toEqual(nodeAt(tree, 'boot/b'))
    expect(stored).toEqual(['a level 3', 'copy of a nocow'])
  })

  test('share the copy where they store it alike', async () => {
    const { tree, stored } = newTree({ subvolumes })
    await addAll(tree, [
      file('a'),
      hardlink('boot/b', 'a'),
      hardlink('vm/c', 'a'),
      hardlink('vm/d', 'boot/b'),
    ])
    expect(nodeAt(tree, 'vm/c')).toEqual(nodeAt(tree, 'boot/b'))
    expect(nodeAt(tree, 'vm/d')).toEqual(nodeAt(tree, 'boot/b'))
    expect(stored).toEqual(['a level 3', 'copy of a nocow'])
  })

  test('have one inode for all names of a hard link, whatever the rules for their paths', async () => {
    const paths = { 'var/lib/deep/nocow': nocow, n: nocow }
    for (const order of [
      ['var/lib/deep/b', 'var/lib/deep/nocow/c', 'n/d'],
      ['var/lib/deep/nocow/c', 'var/lib/deep/b', 'n/d'],
    ]) {
      const { tree } = newTree({ subvolumes, paths })
      await addAll(tree, [file('a'), ...order.map((path) => hardlink(path, 'a'))])
      expect(nodeAt(tree, 'var/lib/deep/nocow/c')).toEqual(nodeAt(tree, 'var/lib/deep/b'))
      expect(nodeAt(tree, 'n/d')).toEqual(nodeAt(tree, 'a'))
    }
  })

  test('share hard links to what has no content, always', async () => {
    const { tree, stored } = newTree({ subvolumes })
    await addAll(tree, [symlink('a'), hardlink('boot/b', 'a')])
    expect(nodeAt(tree, 'boot/b')).toEqual(nodeAt(tree, 'a'))
    expect(stored).toEqual([])
  })
})

describe('a tree goes on from the parent of the last entry', () => {
  const names = fc.constantFrom('a', 'b', 'ab')
  const path = fc.array(names, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
  const target = fc.oneof(path, fc.constantFrom('..', '/a', '../b', '/b/a', '.'))
  const entry = fc.oneof(
    path.map((at) => directory(at)),
    path.map((at) => file(at)),
    fc.tuple(path, target).map(([at, to]) => symlink(at, to)),
    fc.tuple(path, path).map(([at, to]) => hardlink(at, to)),
  )

  /** What adding each entry gives: an error, or nothing. */
  async function addEach(tree: FileTree<string>, entries: SourceEntry[], before: () => Promise<void>) {
    const results: string[] = []
    for (const each of entries) {
      await before()
      const result = await add(tree, each).catch((error: Error) => error.message)
      results.push(result ?? 'added')
    }
    return results
  }

  test('with the same result as from the root', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 30 }), async (entries) => {
        const { tree } = newTree()
        const results = await addEach(tree, entries, () => Promise.resolve())
        const { tree: fromRoot } = newTree()
        const expected = await addEach(fromRoot, entries, () => add(fromRoot, file('top')))
        expect(results).toEqual(expected)
        const others = listing(fromRoot.root).filter((line) => line !== 'top: file top')
        expect(listing(tree.root)).toEqual(others)
      }),
      { numRuns: 1000 },
    )
  })
})
