/** NARs against `nix-store --dump` and `--restore`. */
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { narString } from '../../../src/sources/nix/nar-format.ts'
import { writeNar } from './write-nar.ts'
import { readNarEntries } from '../../../src/sources/nix/nar-reader.ts'
import { readStoreTree } from '../../../src/sources/nix/store-tree.ts'
import { inFolder, noise } from '../../images/build.ts'
import { canJudgeStores, dumpNar, restoreNar } from '../../judges/nix-store.ts'
import { collect, inPieces, join as joined } from '../../tar/collect.ts'

type Tree =
  | { type: 'file'; length: number; isExecutable: boolean }
  | { type: 'symlink'; target: string }
  | { type: 'directory'; children: Map<string, Tree> }

/** Bytes of names: what a file system takes, but kept short. */
const name = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .filter((bytes) => !bytes.includes(0) && !bytes.includes(0x2f))
  .map((bytes) => Buffer.from(bytes).toString('latin1'))
  .filter((text) => text !== '.' && text !== '..')

const tree = fc.letrec<{ node: Tree; directory: Tree; file: Tree; symlink: Tree }>((tie) => ({
  node: fc.oneof({ maxDepth: 4, withCrossShrink: true }, tie('file'), tie('symlink'), tie('directory')),
  file: fc.record({
    type: fc.constant('file' as const),
    length: fc.oneof(fc.nat(40), fc.constantFrom(4096, 50_001)),
    isExecutable: fc.boolean(),
  }),
  symlink: fc.record({ type: fc.constant('symlink' as const), target: name }),
  directory: fc.record({
    type: fc.constant('directory' as const),
    children: fc
      .array(fc.tuple(name, tie('node')), { maxLength: 6, depthIdentifier: 'tree' })
      .map((children) => new Map(children)),
  }),
})).node

function make(path: Buffer, node: Tree): void {
  if (node.type === 'symlink') symlinkSync(Buffer.from(node.target, 'latin1'), path)
  else if (node.type === 'file') {
    writeFileSync(path, noise(node.length, node.length))
    chmodSync(path, node.isExecutable ? 0o755 : 0o644)
  } else {
    mkdirSync(path)
    for (const [name, child] of node.children) {
      make(Buffer.concat([path, Buffer.from('/'), Buffer.from(name, 'latin1')]), child)
    }
  }
}

const place = { source: 'store', entry: '/nix/store/x' }

describe.skipIf(!canJudgeStores())('NARs', () => {
  test('of any tree are those of nix-store --dump; what is read of them is the tree', () =>
    inFolder(async (folder) => {
      const root = join(folder, 'root')
      const check = async (node: Tree, size: number) => {
        make(Buffer.from(root), node)
        try {
          const expected = new Uint8Array(await dumpNar(root))
          const entries = await collect(readStoreTree(root, place))
          expect(await joined(writeNar(readStoreTree(root, place)))).toEqual(expected)
          const read = await collect(readNarEntries(inPieces(expected, size), 'nar'))
          expect(read.map((entry) => ({ repeatable: true, ...entry }))).toEqual(
            entries.map((entry) => ({ repeatable: true, ...entry })),
          )
          // Written again from what was read, and without a look at any content.
          expect(await joined(writeNar(readNarEntries(inPieces(expected, size), 'nar')))).toEqual(expected)
          let count = 0
          for await (const { path } of readNarEntries(inPieces(expected, size), 'nar')) {
            expect(path).toBe(entries[count++].path)
          }
          expect(count).toBe(entries.length)
        } finally {
          rmSync(root, { recursive: true })
        }
      }
      await fc.assert(fc.asyncProperty(tree, fc.constantFrom(13, 4099, 65_536), check), { numRuns: 30 })
    }))

  test('Nix restores what is written', () =>
    inFolder(async (folder) => {
      const root = join(folder, 'root')
      mkdirSync(join(root, 'a/b'), { recursive: true })
      writeFileSync(join(root, 'a/b/tool'), noise(100_003))
      chmodSync(join(root, 'a/b/tool'), 0o755)
      writeFileSync(join(root, 'a-b'), '')
      symlinkSync('nowhere', join(root, 'a.c'))
      await restoreNar(await joined(writeNar(readStoreTree(root, place))), join(folder, 'restored'))
      expect(await dumpNar(join(folder, 'restored'))).toEqual(await dumpNar(root))
    }))

  test('what Nix refuses is refused', () =>
    inFolder(async (folder) => {
      const file = (text: string) => ['(', 'type', 'regular', 'contents', text, ')']
      const entry = (name: string, node = file('x')) => ['entry', '(', 'name', name, 'node', ...node, ')']
      const directory = (...entries: string[][]) => ['(', 'type', 'directory', ...entries.flat(), ')']
      const wrong: Record<string, string[]> = {
        'no magic': ['nix-archive-2', ...file('')],
        'a type that is none': ['nix-archive-1', '(', 'type', 'fifo', ')'],
        'a name that ascends': ['nix-archive-1', ...directory(entry('..'))],
        'a name with a slash': ['nix-archive-1', ...directory(entry('a/b'))],
        'an empty name': ['nix-archive-1', ...directory(entry(''))],
        'a name with a NUL': ['nix-archive-1', ...directory(entry('a\0'))],
        'a name twice': ['nix-archive-1', ...directory(entry('a'), entry('a'))],
        'an executable that is more': [
          ...['nix-archive-1', '(', 'type', 'regular', 'executable', 'yes', 'contents', 'x', ')'],
        ],
        'no end': ['nix-archive-1', ...directory(entry('a')).slice(0, -1)],
      }
      const accepted: string[] = []
      for (const [what, strings] of Object.entries(wrong)) {
        const nar = Buffer.from(strings.map((each) => narString(each) as string).join(''), 'latin1')
        await restoreNar(nar, join(folder, what)).then(
          () => accepted.push(what),
          (error: Error) => expect(error.message, what).toContain('error:'),
        )
        await expect(collect(readNarEntries(inPieces(nar, 100), 'x.nar')), what).rejects.toThrow(
          /^x\.nar.*at offset \d+: /,
        )
      }
      expect(accepted).toEqual([])
    }))
})
