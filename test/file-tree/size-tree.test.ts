import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type SizeNode, SizeTree } from '../../src/file-tree/size-tree.ts'

const sizesOf = (bytes: number) => ({ apparentBytes: 2 * bytes, contentBytes: 2 * bytes, storedBytes: bytes })

/** Directories, each in one that came before it, and files in them. */
const trees = fc.record({
  parents: fc.array(fc.nat(), { maxLength: 40 }),
  files: fc.array(fc.record({ folder: fc.nat(), bytes: fc.nat(1_000_000) }), { maxLength: 80 }),
})

describe('a tree of sizes', () => {
  test('adds up whatever is put into it, largest first', () => {
    fc.assert(
      fc.property(trees, ({ parents, files }) => {
        const tree = new SizeTree()
        for (const [i, parent] of parents.entries()) {
          const row = tree.newDirectory()
          tree.place(row, parent % (i + 1), `d${row}`)
        }
        for (const [i, { folder, bytes }] of files.entries()) {
          tree.addFile(folder % (parents.length + 1), () => `f${i}`, sizesOf(bytes))
        }
        const top = tree.toTree()
        const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
        expect(top).toMatchObject({ files: files.length, ...sizesOf(total) })
        const visit = (node: SizeNode) => {
          const children = node.children ?? []
          const below = children.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
          expect(below).toBeLessThanOrEqual(node.storedBytes)
          const sizes = children.map(({ storedBytes }) => storedBytes)
          expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
          // What is left out is small.
          for (const { storedBytes } of children) expect(storedBytes).toBeGreaterThanOrEqual(total / 5000)
          children.forEach(visit)
        }
        visit(top)
        const largest = tree.largestFiles(5).map(({ storedBytes }) => storedBytes)
        const expected = files.map(({ bytes }) => bytes).filter((bytes) => bytes > 0)
        expect(largest).toEqual(expected.sort((a, b) => b - a).slice(0, 5))
      }),
      { numRuns: 200 },
    )
  })

  test('leaves out directories that lie nowhere, or in themselves', () => {
    const tree = new SizeTree()
    const [lost, a, b, found] = Array.from({ length: 4 }, () => tree.newDirectory())
    tree.place(a, b, 'a')
    tree.place(b, a, 'b')
    tree.place(found, 0, 'found')
    for (const row of [lost, a, b, found]) tree.addFile(row, () => 'file', sizesOf(100))
    expect(tree.toTree()).toMatchObject({ files: 1, storedBytes: 100, children: [{ name: 'found' }] })
    expect(tree.largestFiles(10).map(({ path }) => path)).toEqual(['/found/file'])
  })

  test('is neither too deep for JSON nor too long for a page', () => {
    const tree = new SizeTree()
    let parent = 0
    for (let depth = 0; depth < 20_000; depth++) {
      const row = tree.newDirectory()
      tree.place(row, parent, 'd')
      parent = row
    }
    tree.addFile(parent, () => 'deep', sizesOf(1000))
    for (let i = 0; i < 20_000; i++) tree.addFile(0, () => `${i}`, sizesOf(1))
    const text = JSON.stringify(tree.toTree())
    expect(text.length).toBeLessThan(200_000)
    expect(JSON.parse(text)).toMatchObject({ files: 20_001, storedBytes: 21_000 })
  })

  test('shows names that no terminal should see, and says where subvolumes begin', () => {
    const tree = new SizeTree()
    const row = tree.newDirectory()
    tree.beginSubvolume(0, 5)
    tree.beginSubvolume(row, 256)
    tree.place(row, 0, 'a\x1b[31m\xff')
    tree.addFile(row, () => 'x\n', sizesOf(10))
    expect(tree.toTree()).toMatchObject({
      subvolume: 5,
      children: [{ name: 'a\\x1b[31m\\xff', subvolume: 256, children: [{ name: 'x\\x0a', type: 'file' }] }],
    })
  })
})
