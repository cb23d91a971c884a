/** Snapshots share blocks: each block is checked once, and its faults are reported once. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkBtrfs } from '../../../src/btrfs/check/check.ts'
import { FIRST_FREE_OBJECTID, INODE_ITEM_KEY } from '../../../src/btrfs/format.ts'
import type { ByteSource } from '../../../src/lib/byte-source.ts'
import { toDisplay } from '../../../src/lib/byte-string.ts'
import { driveSync } from '../../../src/lib/read-routine.ts'
import { build, describeImage, text, type BtrfsOptions } from '../../images/build.ts'
import { canMakeImages, makeImage } from '../../images/kernel-made.ts'
import { btrfsCheckSays } from '../../judges/btrfs-images.ts'
import { canBtrfsCheck } from '../../judges/btrfs-check.ts'
import type { TarInput } from '../../tar/build-tar.ts'
import { faultsOf, faultTextsOf } from './faults.ts'
import { MutableImage, type Field, type Mutation } from './mutations.ts'

const SNAPSHOTS = 400
/** Of a subvolume that is one leaf: each snapshot has a copy of it. */
const SMALL_SNAPSHOTS = 5

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`)
const entries: TarInput[] = [
  ...names('many/file-', 1500).map((path): TarInput => ({ path, type: 'file', content: text(100) })),
  { path: 'large', type: 'file', content: text(6_000_000) },
  { path: 'small/file', type: 'file', content: 'small\n' },
]
const options: BtrfsOptions = {
  nodeSize: 4096,
  compression: 'zstd',
  subvolumes: [
    { name: '@', path: '/' },
    { name: '@small', path: '/small' },
    ...names('@-', SNAPSHOTS).map((name) => ({ name, snapshotOf: '@' })),
    ...names('@small-', SMALL_SNAPSHOTS).map((name) => ({ name, snapshotOf: '@small' })),
  ],
}

const folder = mkdtempSync(join(tmpdir(), 'diskwright-snapshots-'))
const path = join(folder, 'snapshots')
let image: MutableImage

beforeAll(async () => {
  const built = await build(folder, describeImage(folder, [{ entries }], options))
  const { start, size } = built.btrfs
  const range = ['iflag=skip_bytes,count_bytes', `skip=${start}`, `count=${size}`]
  execFileSync('dd', [`if=${built.image}`, `of=${path}`, 'bs=1M', 'conv=sparse', 'status=none', ...range])
  truncateSync(path, size)
  image = await MutableImage.open(path)
})
afterAll(() => {
  image.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The same source, and how many bytes are read of it. */
function counted(source: ByteSource): ByteSource & { bytes: number } {
  const counter = {
    size: source.size,
    bytes: 0,
    read(offset: number, length: number) {
      counter.bytes += length
      return source.read(offset, length)
    },
  }
  return counter
}

/** Bytes of all tree blocks, each in two copies. */
function metadataBytes(): number {
  return new Set(image.fields.map(({ bytenr }) => bytenr)).size * image.reader.superblock.nodesize * 2
}

const idOf = (path: string) =>
  BigInt(driveSync(image.source, image.reader.subvolumes()).find((one) => one.path === path)!.id)

/** The field of an inode item in a block that was first found in a tree. */
function inodeField(name: string, tree: bigint, inode: number): Field {
  return image.fields.find(
    (field) =>
      field.name === name &&
      field.tree === tree &&
      field.key?.type === INODE_ITEM_KEY &&
      field.key.objectid === BigInt(inode),
  )!
}

/** Changes all of these fields while `work` is done. */
async function withAll(
  mutations: readonly Mutation[],
  work: () => Promise<void>,
  target = image,
): Promise<void> {
  const [first, ...rest] = mutations
  if (first === undefined) return work()
  expect(await target.with(first, () => withAll(rest, work, target))).toBe(true)
}

const plusOne = (field: Field): Mutation => ({ field, operation: 'plus', salt: 0 })

describe('many snapshots of one subvolume', () => {
  test('are sound, and each block is read once', async () => {
    const source = counted(image.source)
    expect(await faultTextsOf(source, { quick: true })).toEqual([])
    // Blocks are read with what lies between them, and the superblock's mirrors besides.
    expect(source.bytes).toBeLessThan(1.5 * metadataBytes() + 2 ** 20)
    if (canBtrfsCheck()) expect((await btrfsCheckSays(path)).isSound).toBe(true)
  })

  test('share a fault in a shared block, which is reported once', async () => {
    const field = inodeField('InodeItem.nlink', idOf('@'), FIRST_FREE_OBJECTID + 700)
    await withAll([plusOne(field)], async () => {
      const source = counted(image.source)
      expect(await faultTextsOf(source, { quick: true })).toEqual([
        expect.stringMatching(
          /^inode 956 of tree 256 \(\/many\/file-\d+\), nlink .* expected 1, .* found 2$/,
        ),
      ])
      expect(source.bytes).toBeLessThan(10 * metadataBytes())
    })
  })

  test('share a block that cannot be read, which is reported once', async () => {
    const field = inodeField('InodeItem.nlink', idOf('@'), FIRST_FREE_OBJECTID + 700)
    const copies = image.reader.chunks.copies(field.bytenr, image.reader.superblock.nodesize)
    const damaged = counted({
      size: image.source.size,
      read(offset, length) {
        const bytes = image.source.readSync(offset, length).slice()
        for (const place of copies.map((copy) => copy + 1000)) {
          if (place >= offset && place < offset + length) bytes[place - offset] ^= 1
        }
        return bytes
      },
    })
    const faults = await faultsOf(damaged, { quick: true })
    expect(faults.map(({ offset }) => offset)).toEqual(copies)
    expect(damaged.bytes).toBeLessThan(10 * metadataBytes())
  })

  test('have faults of their own in blocks of their own', async () => {
    const trees = [...names('@small-', SMALL_SNAPSHOTS).map(idOf), idOf('@small')]
    const fields = trees.map((tree) => inodeField('InodeItem.nlink', tree, FIRST_FREE_OBJECTID + 1))
    expect(new Set(fields.map(({ bytenr }) => bytenr)).size).toBe(trees.length)
    const shared = inodeField('InodeItem.nlink', idOf('@'), FIRST_FREE_OBJECTID + 700)
    await withAll([...fields, shared].map(plusOne), async () => {
      const faults = await faultTextsOf(image.source)
      const expected = [
        ...trees.map((tree) => `inode 257 of tree ${tree} (/file)`),
        'inode 956 of tree 256 (/many',
      ]
      expect(faults).toHaveLength(expected.length)
      for (const start of expected) expect(faults.some((fault) => fault.startsWith(start))).toBe(true)
    })
  })

  test('take linear work when each has a fault of its own and shares all else', async () => {
    const trees = names('@-', 60).map(idOf)
    const fields = trees.map((tree, i) => {
      const pointers = image.fields.filter((one) => one.name === 'KeyPtr.generation' && one.tree === tree)
      return pointers[i % pointers.length]
    })
    await withAll(fields.map(plusOne), async () => {
      const source = counted(image.source)
      const faults = await faultTextsOf(source, { quick: true })
      for (const { bytenr } of fields) {
        expect(faults.some((fault) => fault.includes(`of block ${bytenr} says`))).toBe(true)
      }
      expect(source.bytes).toBeLessThan(7 * metadataBytes())
    })
  })
})

describe.skipIf(!canMakeImages())('snapshots between which files change', () => {
  let made: MutableImage
  beforeAll(async () => {
    made = await MutableImage.open(await makeImage('snapshots', folder))
  })
  afterAll(() => made.close())

  const blocks = () => new Set(made.fields.map(({ bytenr }) => bytenr)).size

  test('are sound, and are not read one by one', async () => {
    const source = counted(made.source)
    expect(await faultTextsOf(source, { quick: true })).toEqual([])
    expect(source.bytes).toBeLessThan(3 * 2 * blocks() * made.reader.superblock.nodesize)
  })

  test('have each a fault in blocks of their own, also where there are too many to name them all', async () => {
    const [, { root }] = driveSync(made.source, made.reader.subvolumes())
    const { ino } = driveSync(made.source, made.reader.list(root)).find(
      ({ name }) => toDisplay(name) === 'log',
    )!
    // Each snapshot has an inode item of its own.
    const fields = made.fields.filter(
      ({ name, key }) =>
        name === 'InodeItem.nlink' && key?.type === INODE_ITEM_KEY && key.objectid === BigInt(ino),
    )
    expect(fields.length).toBeGreaterThan(35)
    await withAll(
      fields.map(plusOne),
      async () => {
        const source = counted(made.source)
        const result = await checkBtrfs(source, { quick: true })
        const findings = result.findings.filter(({ severity }) => severity === 'error')
        expect(findings).toHaveLength(fields.length)
        const named = findings.filter(({ where }) => /^inode \d+ of tree \d+ \(\/log\), nlink$/.test(where))
        const others = findings.filter(({ where }) => /^tree \d+$/.test(where))
        expect(named.length).toBeGreaterThan(5)
        expect(others.length).toBeGreaterThan(0)
        expect(named.length + others.length).toBe(fields.length)
        expect(new Set(findings.map(({ where }) => where)).size).toBe(fields.length)
        expect(source.bytes).toBeLessThan(16 * blocks() * made.reader.superblock.nodesize)
      },
      made,
    )
  })
})
