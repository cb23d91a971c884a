/**
 * Any field of any structure is changed, its block's checksums made right: where `btrfs check` complains the checker
 * must, and where it does not the checker must not, but for the fields that are named here.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as format from '../../../src/btrfs/format.ts'
import { canMakeImages, makeImage } from '../../images/kernel-made.ts'
import { buildSample } from '../../images/sample.ts'
import { btrfsCheckSays } from '../../judges/btrfs-images.ts'
import { canBtrfsCheck, findings } from '../../judges/btrfs-check.ts'
import { faultsOf, faultTextsOf } from './faults.ts'
import { MutableImage, OPERATIONS, type Mutation } from './mutations.ts'

/** Faults in what `btrfs check` does not look at by default. Others in the same image may follow from them. */
const BEYOND_BTRFS_CHECK: readonly { fault: RegExp; why: string }[] = [
  {
    fault: /^tree block \d+ of .*, slot \d+, \(/,
    why: "what the kernel's tree checker demands of an item by itself",
  },
  { fault: /, chunk_tree_uuid at /, why: 'nobody relies on it, and all who write blocks put it there' },
  { fault: /, flags at .* expected WRITTEN/, why: 'a block without it was never finished' },
  { fault: /^tree block .*, (slot \d+|level|generation|owner) at /, why: 'the kernel refuses such blocks' },
  { fault: /^UUID tree, |, uuid at /, why: 'send and receive go by the UUID tree' },
  { fault: /^sys_chunk_array, /, why: 'whoever mounts goes by this copy of the system chunks' },
  {
    fault: /^compressed extent |, extent at 0, content/,
    why: 'what does not decompress to as much as it should cannot be read',
  },
  { fault: /^extent item of tree block \d+, generation/, why: 'only the lowmem mode compares it' },
]

/** What `btrfs check` says and the checker need not. */
const LOOSER: readonly { says: RegExp; why: string }[] = [
  { says: /qgroup|quota/i, why: 'quota groups are not checked' },
]

interface Subject {
  path: string
  image: MutableImage
}

describe.skipIf(!canBtrfsCheck())('a changed field', () => {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-mutations-'))
  const subjects: Subject[] = []

  beforeAll(async () => {
    const { image, btrfs } = await buildSample(folder)
    const path = join(folder, 'sample')
    execFileSync('dd', [
      `if=${image}`,
      `of=${path}`,
      'bs=1M',
      'conv=sparse',
      'status=none',
      'iflag=skip_bytes,count_bytes',
      `skip=${btrfs.start}`,
      `count=${btrfs.size}`,
    ])
    truncateSync(path, btrfs.size)
    subjects.push({ path, image: await MutableImage.open(path) })
    if (!canMakeImages()) return
    const kernels = await makeImage('subvolumes', folder)
    subjects.push({ path: kernels, image: await MutableImage.open(kernels) })
  })
  afterAll(() => {
    for (const { image } of subjects) image.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Compares the verdicts. */
  async function judge({ path, image }: Subject, mutation: Mutation): Promise<void> {
    await image.with(mutation, async () => {
      const faults = await faultTextsOf(image.source)
      const { isSound, output } = await btrfsCheckSays(path, ['--check-data-csum'])
      const complaints = findings(output)
      const { name } = mutation.field
      const isLooser = complaints.some((line) => LOOSER.some(({ says }) => says.test(line)))
      const isBeyond = faults.some((text) => BEYOND_BTRFS_CHECK.some(({ fault }) => fault.test(text)))
      if (!isSound || complaints.length > 0) {
        if (!isLooser) expect(faults, `${name}\n${output}`).not.toEqual([])
      } else if (!isBeyond) expect(faults, name).toEqual([])
    })
  }

  /** Kinds of fields, so that the rare ones are drawn as often as the others. */
  function byName({ image }: Subject): [string, typeof image.fields][] {
    const kinds = new Map<string, typeof image.fields>()
    for (const field of image.fields) {
      const of = /^(Header|Item|KeyPtr)/.test(field.name) ? `${field.name} of ${field.tree}` : field.name
      const fields = kinds.get(of)
      if (fields === undefined) kinds.set(of, [field])
      else fields.push(field)
    }
    return [...kinds]
  }

  test('is found as `btrfs check` finds it', async () => {
    const draws = fc.record({
      subject: fc.nat(),
      kind: fc.nat(),
      field: fc.nat(),
      operation: fc.constantFrom(...OPERATIONS),
      salt: fc.nat(1000),
    })
    const kinds = subjects.map(byName)
    await fc.assert(
      fc.asyncProperty(draws, async ({ subject, kind, field, operation, salt }) => {
        const of = subject % subjects.length
        const [, fields] = kinds[of][kind % kinds[of].length]
        await judge(subjects[of], { field: fields[field % fields.length], operation, salt })
      }),
      { numRuns: 60, endOnFailure: true },
    )
  })

  /** Counter-examples of old, in our own image. */
  const KNOWN: readonly [string, string, Mutation['operation'], bigint?, bigint?][] = [
    ['fsid of a device item', 'DevItem.fsid', 'bit'],
    ['UUID of a device in a chunk', 'Stripe.devUuid', 'ones'],
    ['huge number in a device item that nobody needs', 'DevItem.startOffset', 'ones'],
    [
      'second tree of free space',
      'Item.key.offset',
      'plus',
      format.ROOT_TREE_OBJECTID,
      format.FREE_SPACE_TREE_OBJECTID,
    ],
    [
      'root at the offset where searches begin',
      'Item.key.offset',
      'ones',
      format.ROOT_TREE_OBJECTID,
      format.DATA_RELOC_TREE_OBJECTID,
    ],
    ['root directory without its own name', 'Header.nritems', 'minus', format.DATA_RELOC_TREE_OBJECTID],
    ['generation of a tree block’s extent item', 'ExtentItem.generation', 'minus'],
    ['level of a tree block’s extent item', 'Item.key.offset', 'plus', format.EXTENT_TREE_OBJECTID],
    ['chunk on a device that there is not', 'Stripe.devid', 'plus'],
    ['deletion that began with leaves', 'RootItem.dropProgress.objectid', 'bit'],
  ]

  test.each(KNOWN)('%s', async (_, name, operation, tree, objectid) => {
    const { image } = subjects[0]
    const field = image.fields.findLast(
      (one) =>
        one.name === name &&
        (tree === undefined || one.tree === tree) &&
        (objectid === undefined || one.key?.objectid === objectid),
    )!
    let found: unknown[] = []
    await image.with({ field, operation, salt: 3 }, async () => {
      found = await faultTextsOf(image.source)
    })
    // A huge number where nobody looks is no fault.
    if (name === 'DevItem.startOffset') expect(found).toEqual([])
    else expect(found).not.toEqual([])
    expect(await faultTextsOf(image.source)).toEqual([])
  })

  test('one damage is few faults', async () => {
    const { image } = subjects[0]
    for (const [name, tree] of [
      ['Header.bytenr', format.EXTENT_TREE_OBJECTID],
      ['Header.nritems', format.EXTENT_TREE_OBJECTID],
      ['Header.generation', format.ROOT_TREE_OBJECTID],
      ['Header.bytenr', format.CSUM_TREE_OBJECTID],
      ['ChunkItem.length', format.CHUNK_TREE_OBJECTID],
    ] as const) {
      const field = image.fields.find((one) => one.name === name && one.tree === tree)!
      await image.with({ field, operation: 'zero', salt: 0 }, async () => {
        const faults = await faultsOf(image.source)
        expect(faults.length, name).toBeGreaterThan(0)
        expect(faults.length, JSON.stringify(faults)).toBeLessThan(12)
      })
    }
  })
})
