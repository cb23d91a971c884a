import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Header, Item, KeyPtr, maxItemSize } from '../../src/btrfs/format.ts'
import {
  fillTree,
  structItem,
  TreeBuilder,
  type TreeItem,
  type BuiltRoot,
} from '../../src/btrfs/write/tree.ts'
import { LeafCounter, treeLevels, treeSize } from '../../src/btrfs/write/tree-size.ts'
import { u64 } from '../../src/lib/struct.ts'
import { walkTree } from './walk-tree.ts'

const OWNER = 0xffff_ffff_ffff_fff7n

interface Built {
  root: BuiltRoot
  blocks: Map<number, Uint8Array>
  /** In the order of allocation. */
  levels: number[]
}

function build(items: Iterable<TreeItem>, nodeSize: number): Built {
  const blocks = new Map<number, Uint8Array>()
  const levels: number[] = []
  const context = {
    nodeSize,
    generation: 7,
    fsid: new Uint8Array(16).fill(1),
    chunkTreeUuid: new Uint8Array(16).fill(2),
  }
  const tree = new TreeBuilder(OWNER, context, (level) => 2 ** 20 + levels.push(level) * nodeSize)
  let taken = 0
  const takeAll = () => {
    for (let built = tree.take(); built !== undefined; built = tree.take()) {
      const { bytenr, block } = built
      const isAllocated = bytenr === 2 ** 20 + ++taken * nodeSize
      if (block.length !== nodeSize || !isAllocated)
        expect.fail(`a block of ${block.length} bytes at ${bytenr}`)
      blocks.set(bytenr, block.slice())
      tree.giveBack(block)
    }
  }
  const adding = fillTree(tree, items)
  while (adding.next().done !== true) takeAll()
  const root = tree.finish()
  takeAll()
  return { root, blocks, levels }
}

/** Items whose data are known by their place in the tree. */
function itemsOf(sizes: readonly number[]): TreeItem[] {
  return sizes.map((size, i) => ({
    objectid: Math.floor(i / 7),
    type: 1 + (i % 7),
    offset: i % 3 === 0 ? 2n ** 64n - 1n : i,
    size,
    write: (block, at) => void new Uint8Array(block.buffer, at, size).fill(dataByte(i)),
  }))
}
const dataByte = (i: number) => (i % 255) + 1

/** Builds, walks, and compares with what went in and with the plan. Returns the number of levels. */
function judge(sizes: readonly number[], nodeSize: number): number {
  const items = itemsOf(sizes)
  const { root, blocks, levels } = build(items, nodeSize)
  const walked = walkTree(root, OWNER, (bytenr) => blocks.get(bytenr))
  expect(walked.items.length).toBe(items.length)
  walked.items.forEach(({ key, data }, i) => {
    const { objectid, type, offset, size } = items[i]
    const expected = { objectid: BigInt(objectid), type, offset: BigInt(offset) }
    if (key.objectid !== expected.objectid || key.type !== type || key.offset !== expected.offset) {
      expect(key).toEqual(expected)
    }
    const wrong = data.length !== size || data.some((byte) => byte !== dataByte(i))
    if (wrong) expect.fail(`item ${i} of ${size} bytes has other data`)
  })
  expect(walked.blocks).toBe(blocks.size)
  expect(root.blocks).toBe(blocks.size)
  expect(root.level).toBe(levels.at(-1))
  const { leaves } = new LeafCounter(nodeSize).addAll(items)
  expect([...treeLevels(leaves, nodeSize)]).toEqual(levels)
  expect(treeSize(leaves, nodeSize)).toEqual({ blocks: root.blocks, level: root.level })
  return root.level + 1
}

const NODE_SIZES = [4096, 8192, 16384, 32768, 65536]
const pointersIn = (nodeSize: number) => Math.floor((nodeSize - Header.size) / KeyPtr.size)
const emptyItemsIn = (nodeSize: number) => Math.floor((nodeSize - Header.size) / Item.size)

describe('the bulk loader', () => {
  test('agrees with a walk and with its plan', () => {
    const someSizes = (nodeSize: number) => {
      const largest = maxItemSize(nodeSize)
      const size = fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
        { weight: 2, arbitrary: fc.integer({ min: 0, max: largest }) },
        { weight: 1, arbitrary: fc.constantFrom(0, 1, largest - 1, largest) },
      )
      return fc.array(size, { maxLength: 400, size: 'max' })
    }
    const cases = fc
      .constantFrom(...NODE_SIZES)
      .chain((nodeSize) => fc.record({ nodeSize: fc.constant(nodeSize), sizes: someSizes(nodeSize) }))
    fc.assert(
      fc.property(cases, ({ nodeSize, sizes }) => void judge(sizes, nodeSize)),
      { numRuns: 60 },
    )
  })

  test('an empty tree is an empty leaf', () => {
    expect(judge([], 16384)).toBe(1)
  })

  test.each(NODE_SIZES)('a leaf of %i bytes is filled to the last byte, and not beyond', (nodeSize) => {
    const whole = maxItemSize(nodeSize)
    expect(judge([whole], nodeSize)).toBe(1)
    expect(judge([whole, 0], nodeSize)).toBe(2)
    const rest = whole - Item.size - 100
    expect(judge([100, rest], nodeSize)).toBe(1)
    expect(judge([100, rest + 1], nodeSize)).toBe(2)
    expect(judge(new Array<number>(emptyItemsIn(nodeSize)).fill(0), nodeSize)).toBe(1)
    expect(judge(new Array<number>(emptyItemsIn(nodeSize) + 1).fill(0), nodeSize)).toBe(2)
  })

  test('nodes are filled to the last pointer, and not beyond', () => {
    const nodeSize = 4096
    const leafful = maxItemSize(nodeSize)
    const pointers = pointersIn(nodeSize)
    const leaves = (count: number) => new Array<number>(count).fill(leafful)
    const shapes: [number, number][] = [
      [pointers - 1, 2],
      [pointers, 2],
      [pointers + 1, 3],
      [2 * pointers, 3],
      [2 * pointers + 1, 3],
      [pointers ** 2, 3],
      [pointers ** 2 + 1, 4],
    ]
    for (const [count, levels] of shapes)
      expect([count, judge(leaves(count), nodeSize)]).toEqual([count, levels])
  })

  test('writes children before their parents, and the root last', () => {
    const { levels } = build(itemsOf(new Array<number>(40_000).fill(30)), 4096)
    const open: number[] = []
    for (const level of levels) {
      if (level > 0) {
        expect(open[level - 1]).toBeGreaterThan(0)
        open[level - 1] = 0
      }
      open[level] = (open[level] ?? 0) + 1
    }
    expect(open.slice(0, -1).every((count) => count === 0)).toBe(true)
    expect(open.at(-1)).toBe(1)
  })

  const at = (objectid: number | bigint, type: number, offset: number | bigint) =>
    structItem({ objectid, type, offset }, u64, 1)
  test.each([
    ['twice', at(5, 1, 0), at(5, 1, 0)],
    ['with a smaller offset', at(5, 1, 2), at(5, 1, 1)],
    ['with a smaller type', at(5, 2, 0), at(5, 1, 9)],
    ['with a smaller object id', at(2n ** 64n - 2n, 1, 0), at(6, 1, 0)],
    ['with a smaller offset of another kind', at(5, 1, 2n ** 63n), at(5, 1, 7)],
  ])('refuses a key %s', (_, first, second) => {
    expect(() => build([first, second], 4096)).toThrow(/tree \d+: key \(\d+ \d+ \d+\) after/)
    if (first !== second && first.offset !== second.offset)
      expect(() => build([second, first], 4096)).not.toThrow()
  })

  test.each(NODE_SIZES)('refuses an item that is longer than a leaf of %i bytes', (nodeSize) => {
    const [item] = itemsOf([maxItemSize(nodeSize) + 1])
    expect(() => build([item], nodeSize)).toThrow(`a leaf holds ${nodeSize - 101 - 25}`)
  })
})
