/** Names, links and attributes up to the last byte there is room for, and one past it. */
import { describe, expect, test } from 'vitest'
import { nameHash } from '../../src/btrfs/checksum.ts'
import { fromBytes, toLatin1 } from '../../src/lib/byte-string.ts'
import { collidingNames } from '../images/collisions.ts'
import { build, describeImage, inFolder, noise, type BtrfsOptions } from '../images/build.ts'
import { buildAndJudge } from '../images/judge.ts'
import type { TarInput } from '../tar/build-tar.ts'

const NODE_SIZES = [4096, 16384, 65536] as const
/** Without header and the item's own entry; then without the head of a directory entry. */
const roomOfLeaf = (nodeSize: number) => nodeSize - 101 - 25
const ENTRY_HEAD = 30

const file = (path: string, content = 'x', xattrs: TarInput['xattrs'] = []): TarInput => ({
  path,
  type: 'file',
  content,
  ...(xattrs.length > 0 && { xattrs }),
})

async function isRefused(entries: readonly TarInput[], options: BtrfsOptions, complaint: string | RegExp) {
  await inFolder(async (folder) => {
    await expect(build(folder, describeImage(folder, [{ entries }], options))).rejects.toThrow(complaint)
  })
}

describe('links to one inode', () => {
  // Names in two directories, so that there are two INODE_REF items; what they have no room for is in INODE_EXTREFs.
  const links = (count: number): TarInput[] => [
    file('f'),
    ...Array.from({ length: count - 1 }, (_, i): TarInput => {
      const path = `${i % 3 === 0 ? 'd' : 'e'}/${i}`
      return { path, type: 'hardlink', target: 'f' }
    }),
  ]

  // Each directory's INODE_REF item holds some 4000 of these names in a leaf of 64 KiB.
  test('more than INODE_REF items hold', async () => {
    await buildAndJudge(
      links(10_000),
      { nodeSize: 65536 },
      { exercise: true, check: { versions: 'newest', lowmem: false } },
      ({ btrfs }) => expect(btrfs.hardLinks).toBe(9999),
    )
  })

  test('as many as there can be', async () => {
    await inFolder(async (folder) => {
      const spec = describeImage(folder, [{ entries: links(65535) }], { nodeSize: 65536 })
      expect((await build(folder, spec)).btrfs.hardLinks).toBe(65534)
    })
  })

  test('one more', async () => {
    await isRefused(links(65536), {}, '"/f": 65536 hard links; BTRFS allows 65535')
  })
})

describe('names of one hash', () => {
  /** They stay of one hash with the same bytes behind them. */
  const names = (count: number, length: number) =>
    collidingNames(Math.ceil(Math.log2(count)))
      .slice(0, count)
      .map((name) => name.padEnd(length, 'p'))

  // 65410 bytes are 310 entries of 211 bytes to the last; the others leave less than an entry.
  test.each([
    [4096, 12, 94],
    [4096, 255, 13],
    [16384, 12, 387],
    [65536, 181, 310],
  ] as const)('in nodes of %i bytes, names of %i: %i', async (nodeSize, length, count) => {
    const more = names(count + 1, length)
    const entries = more.map((name) => file(`d/${name}`, name))
    expect(new Set(more.map(nameHash)).size).toBe(1)
    await isRefused(entries, { nodeSize }, '"/d": names that have one hash take more than a leaf')
    entries.pop()
    await buildAndJudge(entries, { nodeSize }, { exercise: true })
  })
})

describe.each(NODE_SIZES)('attributes in nodes of %i bytes', (nodeSize) => {
  const room = roomOfLeaf(nodeSize) - ENTRY_HEAD

  test('whose value is as long as a leaf has room for, and one byte more', async () => {
    const entryOf = (name: string, more = 0) =>
      file(`f${name.length}`, 'x', [{ name, value: noise(room - name.length + more) }])
    const all = [entryOf('user.a'), entryOf(`user.${'n'.repeat(250)}`)]
    await buildAndJudge(all, { nodeSize }, { exercise: true })
    await isRefused([entryOf('user.a', 1)], { nodeSize }, `${room - 5} bytes; ${room - 6} are allowed`)
  })

  test('of one hash, as many as a leaf has room for, and one byte more', async () => {
    const names = collidingNames(2).map((name) => `user.${name}`)
    expect(new Set(names.map(nameHash)).size).toBe(1)
    const left = roomOfLeaf(nodeSize) - names.length * (ENTRY_HEAD + names[0].length)
    const quarter = Math.floor(left / 4)
    const entryOf = (more: number) => {
      const lengths = [quarter, quarter, quarter, left - 3 * quarter + more]
      return file(
        'f',
        'x',
        names.map((name, i) => ({ name, value: noise(lengths[i], i) })),
      )
    }
    await buildAndJudge([entryOf(0)], { nodeSize }, { exercise: true })
    const complaint = '"/f": xattrs whose names have one hash take more than a leaf'
    await isRefused([entryOf(1)], { nodeSize }, complaint)
  })
})

describe('a directory', () => {
  // Some fifty leaves of 64 KiB, below one node.
  test('of 3000 names of 255 bytes', async () => {
    const entries = Array.from({ length: 3000 }, (_, i) => file(`d/${String(i).padStart(255, '\xe9')}`, ''))
    await buildAndJudge(entries, { nodeSize: 65536 }, { check: { versions: 'newest' } })
  })

  test('that has every byte as a name', async () => {
    const names = Array.from({ length: 256 }, (_, byte) => fromBytes(Uint8Array.of(byte)))
    const entries = names
      .filter((name) => !['\0', '/', '.'].includes(toLatin1(name)))
      .map((name) => file(`d/${name}`, toLatin1(name)))
    await buildAndJudge(entries, {}, { exercise: true })
  })
})
