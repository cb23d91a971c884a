import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_SYMLINKS } from '../../src/file-tree/path-walk.ts'
import { resolvePath, type ResolvePathOptions } from '../../src/file-tree/resolve.ts'
import { memorySource } from '../../src/lib/byte-source.ts'
import { NotFoundError } from '../../src/lib/errors.ts'
import { driveSync } from '../../src/lib/read-routine.ts'
import { MemoryReader, type MemoryNode } from './memory-reader.ts'

const FILE = new Uint8Array(1)
const TREE: MemoryNode = {
  a: { b: { c: FILE, up: '../../x' }, abs: '/a/b', self: '.', slash: 'b/' },
  x: { file: FILE, link: 'file' },
  'to-a': 'a',
  chain: 'to-a/abs',
  loop: 'loop',
  ping: 'pong',
  pong: 'ping',
  dangling: 'a/nothing',
  'file-link': 'x/file',
  empty: '',
  out: '../../../../x/file',
}

const nothing = memorySource(new Uint8Array(0))
const reader = new MemoryReader(TREE)
const resolve = (path: string, options?: ResolvePathOptions) =>
  driveSync(nothing, resolvePath(reader, path, options))

describe('a path', () => {
  test.each([
    ['', '/'],
    ['/', '/'],
    ['//', '/'],
    ['.', '/'],
    ['..', '/'],
    ['/../../a', '/a'],
    ['a/b/c', '/a/b/c'],
    ['/a//b/./c', '/a/b/c'],
    ['/a/b/..', '/a'],
    ['/a/b/', '/a/b'],
    ['to-a/b/c', '/a/b/c'],
    ['chain/c', '/a/b/c'],
    ['chain/..', '/a'],
    ['a/self/self/b', '/a/b'],
    ['a/slash', '/a/b'],
    ['a/b/up/link', '/x/file'],
    ['out', '/x/file'],
  ])('%j leads to %s', (path, expected) => {
    const found = resolve(path)
    expect(found.path).toBe(expected)
    expect(found.name).toBe(expected.slice(expected.lastIndexOf('/') + 1))
  })

  test('ends at a symlink or behind it, as is wanted', () => {
    expect(resolve('/to-a', { followLast: false })).toMatchObject({ path: '/to-a', type: 'symlink' })
    expect(resolve('/to-a')).toMatchObject({ path: '/a', type: 'directory' })
    expect(resolve('/to-a/', { followLast: false })).toMatchObject({ path: '/a' })
    expect(resolve('/chain/up', { followLast: false })).toMatchObject({ path: '/a/b/up' })
    expect(resolve('dangling', { followLast: false })).toMatchObject({ type: 'symlink' })
    expect(resolve('loop', { followLast: false })).toMatchObject({ type: 'symlink' })
  })

  test.each([
    ['/a/q/c', '"/a/q/c": "/a" has no "q"'],
    ['q', '"q": "/" has no "q"'],
    ['a/b/c/d', '"a/b/c/d": "/a/b/c" is not a directory'],
    ['a/b/c/', '"a/b/c/": "/a/b/c" is not a directory'],
    ['a/b/c/..', '"/a/b/c" is not a directory'],
    ['dangling', '"dangling": "/a" has no "nothing" (the symlink "/dangling" points to "a/nothing")'],
    ['file-link/more', '"/x/file" is not a directory (the symlink "/file-link" points to "x/file")'],
    ['loop', '"loop": goes through more than 40 symlinks'],
    ['ping/more', '"ping/more": goes through more than 40 symlinks'],
    ['empty', 'a symlink that points to nothing'],
    ['a\x01', String.raw`"/" has no "a\x01"`],
  ])('%j that leads nowhere: %s', (path, message) => {
    expect(() => resolve(path)).toThrow(NotFoundError)
    expect(() => resolve(path)).toThrow(message)
  })

  test('may go through as many symlinks as Linux follows', () => {
    const links: MemoryNode = { end: FILE }
    for (let i = 0; i <= MAX_SYMLINKS; i++) links[`l${i}`] = i === 0 ? 'end' : `l${i - 1}`
    const chain = new MemoryReader(links)
    const follow = (path: string) => driveSync(nothing, resolvePath(chain, path)).path
    expect(follow(`l${MAX_SYMLINKS - 1}`)).toBe('/end')
    expect(() => follow(`l${MAX_SYMLINKS}`)).toThrow('more than 40')
  })

  test('does not leave the directory it starts in', () => {
    const root = resolve('/a')
    expect(resolve('/b/c', { root }).path).toBe('/b/c')
    expect(resolve('../../b', { root }).path).toBe('/b')
    expect(() => resolve('/abs', { root })).toThrow('"/" has no "a"')
  })

  test('may be long', () => {
    expect(resolve('a/../'.repeat(200_000) + 'x').path).toBe('/x')
  })
})

test('leads where the system says', () => {
  const top = realpathSync(mkdtempSync(join(tmpdir(), 'diskwright-resolve-')))
  try {
    // Only relative symlinks, and none that leaves the top, where the system would go on.
    const names = fc.constantFrom('d', 'e', 'f', 'l', 'm', 'n')
    const tree: MemoryNode = {
      d: { e: { f: FILE, l: '../../l', m: '..' }, l: 'e', n: '../e/./d' },
      e: { d: { l: '../../d/l/f', f: FILE }, m: '../d/n' },
      f: FILE,
      l: 'd/e/m/l',
      m: 'm',
      n: 'e/m/l',
    }
    const make = (node: MemoryNode, path: string) => {
      if (typeof node === 'string') symlinkSync(node, path)
      else if (node instanceof Uint8Array) writeFileSync(path, node)
      else {
        mkdirSync(path, { recursive: true })
        for (const [name, child] of Object.entries(node)) make(child, join(path, name))
      }
    }
    make(tree, top)
    const own = new MemoryReader(tree)
    const system = (path: string) => {
      try {
        return realpathSync.native(`${top}/${path}`).slice(top.length) || '/'
      } catch {
        return undefined
      }
    }
    const ours = (path: string) => {
      try {
        return driveSync(nothing, resolvePath(own, path)).path
      } catch (error) {
        expect(error).toBeInstanceOf(NotFoundError)
        return undefined
      }
    }
    let found = 0
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 5 }), fc.boolean(), (path, slash) => {
        const text = path.join('/') + (slash ? '/' : '')
        const expected = system(text)
        if (expected !== undefined) found++
        expect(ours(text), text).toBe(expected)
      }),
      { numRuns: 1000 },
    )
    expect(found).toBeGreaterThan(50)
  } finally {
    rmSync(top, { recursive: true, force: true })
  }
})
