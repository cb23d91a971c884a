/** Changes of names, done one by one to a tree, make another one of it, whatever both are. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyCommand, type ChangeCommand } from '../../../src/btrfs/send/apply/apply.ts'
import { SendTree } from '../../../src/btrfs/send/apply/tree.ts'
import { ROOT_INO, type NamedInode } from '../../../src/btrfs/send/write/names.ts'
import { NamePlan } from '../../../src/btrfs/send/write/plan-names.ts'
import type { ByteString } from '../../../src/lib/byte-string.ts'

const NAMES = ['a', 'b', 'c', 'o257-0', 'o258-1']

/** What is put where: each directory or file lies in the root or in a directory before it. */
const steps = fc.array(
  fc.record({
    isDirectory: fc.boolean(),
    parent: fc.nat(20),
    name: fc.constantFrom(...NAMES),
    link: fc.nat(20),
  }),
  { maxLength: 14 },
)

/** @param numbers of the inodes, in the order of the steps */
function treeOf(all: readonly Step[], numbers: readonly number[]): Map<number, NamedInode> {
  const inodes = new Map<number, NamedInode>([
    [ROOT_INO, { type: 'directory', names: [], children: new Map() }],
  ])
  const directories = [ROOT_INO]
  for (const [i, { isDirectory, parent, name, link }] of all.entries()) {
    const ino = numbers[i]
    const directory = directories[parent % directories.length]
    const { children } = inodes.get(directory)!
    if (children.has(name)) continue
    // Some names are links to a file that is there.
    const files = [...inodes].filter(([, { type }]) => type === 'file').map(([ino]) => ino)
    const existing = !isDirectory && link % 3 === 0 ? files[link % Math.max(1, files.length)] : undefined
    if (existing !== undefined) inodes.get(existing)!.names.push({ directory, name })
    else {
      inodes.set(ino, {
        type: isDirectory ? 'directory' : 'file',
        names: [{ directory, name }],
        children: new Map(),
      })
      if (isDirectory) directories.push(ino)
    }
    children.set(name, existing ?? ino)
  }
  return inodes
}

interface Step {
  isDirectory: boolean
  parent: number
  name: string
  link: number
}

const numbers = fc.uniqueArray(fc.integer({ min: 257, max: 280 }), { minLength: 14, maxLength: 14 })
const NO_SOURCE = () => {
  throw new Error('no command clones')
}

/** The paths of a tree; of files with the number of what they are. */
function pathsOf(inodes: ReadonlyMap<number, NamedInode>): Map<string, string> {
  const paths = new Map<string, string>()
  const walk = (ino: number, path: string) => {
    for (const [name, child] of inodes.get(ino)!.children) {
      const below = `${path}/${String(name)}`
      paths.set(below, `${inodes.get(child)!.type} ${child}`)
      walk(child, below)
    }
  }
  walk(ROOT_INO, '')
  return paths
}

test('the changes make the second tree of the first one', () => {
  const property = fc.property(
    steps,
    numbers,
    steps,
    numbers,
    (before, beforeNumbers, after, afterNumbers) => {
      const parent = treeOf(before, beforeNumbers)
      const sent = treeOf(after, afterNumbers)
      const matches = new Map<number, number>()
      for (const [ino, { type }] of sent) if (parent.get(ino)?.type === type) matches.set(ino, ino)

      const tree = new SendTree()
      const inos = new Map<number, number>([[tree.root.id, ROOT_INO]])
      const run = (command: ChangeCommand) =>
        applyCommand(command, { tree, kept: undefined, sourceOf: NO_SOURCE, clones: { left: 0 } })
      const create = (ino: number, path: ByteString, type: string) => {
        run({ name: type === 'directory' ? 'mkdir' : 'mkfile', path })
        inos.set(tree.find(path).id, ino)
      }
      const make = (names: NamePlan, inodes: ReadonlyMap<number, NamedInode>) => {
        for (const change of names.changes()) {
          if (change.kind === 'create') create(change.ino, change.path, inodes.get(change.ino)!.type)
          else if (change.kind === 'rename') run({ name: 'rename', path: change.path, pathTo: change.to })
          else if (change.kind === 'link') run({ name: 'link', path: change.path, pathLink: change.existing })
          else run({ name: change.kind, path: change.path })
        }
      }
      const found = () => {
        const paths = new Map<string, string>()
        const walk = (id: number, path: string) => {
          for (const [name, child] of tree.get(id).children) {
            const below = `${path}/${String(name)}`
            paths.set(below, `${tree.get(child).type} ${inos.get(child)}`)
            walk(child, below)
          }
        }
        walk(tree.root.id, '')
        return paths
      }
      make(new NamePlan({ sent: parent, parent: undefined, matches: new Map() }), parent)
      expect(found()).toEqual(pathsOf(parent))
      const plan = new NamePlan({ sent, parent, matches })
      make(plan, sent)
      expect(found()).toEqual(pathsOf(sent))
      for (const ino of sent.keys()) expect(inos.get(tree.find(plan.pathOf(ino)).id)).toBe(ino)
    },
  )
  fc.assert(property, { numRuns: 3000 })
})
