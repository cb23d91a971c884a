/**
 * What readers pass over and a check must not: bits of the superblock, types of items, names that are there twice. Where
 * the kernel refuses to mount, the check must have found a fault.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as format from '../../../src/btrfs/format.ts'
import { toLatin1 } from '../../../src/lib/byte-string.ts'
import { UnsupportedError } from '../../../src/lib/errors.ts'
import { formatFinding } from '../../../src/lib/finding.ts'
import { viewOf } from '../../../src/lib/struct.ts'
import { build, describeImage, text } from '../../images/build.ts'
import { collidingNames } from '../../images/collisions.ts'
import { canMakeImages, makeImage } from '../../images/kernel-made.ts'
import { btrfsCheckSays } from '../../judges/btrfs-images.ts'
import { canBtrfsCheck } from '../../judges/btrfs-check.ts'
import { canJudgeWithKernel } from '../../judges/kernel-mount.ts'
import { withLoop, withMount } from '../../judges/mounted.ts'
import { faultTextsOf, findingsOf } from './faults.ts'
import { MutableImage } from './mutations.ts'

const [first, second] = collidingNames(1).map((name) => toLatin1(name))
const folder = mkdtempSync(join(tmpdir(), 'diskwright-strict-'))
const path = join(folder, 'file-system')
let image: MutableImage

beforeAll(async () => {
  const spec = describeImage(
    folder,
    [
      {
        entries: [
          { path: `d/${first}`, type: 'file', content: text(300_000) },
          { path: `d/${second}`, type: 'file', content: text(50, 2) },
        ],
      },
    ],
    // A UUID of its own: Linux refuses a seed device while another file system with its UUID is mounted.
    { compression: 'zstd', slack: '32MiB', uuid: '0c6f7d0e-6c53-4a57-9a43-7c3f5a3b1e52' },
  )
  const { image: disk, btrfs } = await build(folder, spec)
  writeFileSync(path, readFileSync(disk).subarray(btrfs.start, btrfs.start + btrfs.size))
  image = await MutableImage.open(path)
})
afterAll(() => {
  image.close()
  rmSync(folder, { recursive: true, force: true })
})

type FlagField = 'flags' | 'compatFlags' | 'compatRoFlags' | 'incompatFlags'
const FLAG_FIELDS: readonly FlagField[] = ['flags', 'compatFlags', 'compatRoFlags', 'incompatFlags']

const flip = (field: FlagField, bits: bigint) => (copy: Uint8Array) => {
  const { get, set } = format.Superblock.at[field]
  set(viewOf(copy), 0, get(viewOf(copy), 0) ^ bits)
}

/** The faults, and the refusal of a file system that cannot be checked. */
async function verdict(): Promise<string[]> {
  return faultTextsOf(image.source).catch((error: unknown) => {
    if (!(error instanceof UnsupportedError)) throw error
    return [error.message]
  })
}

async function kernelMounts(): Promise<boolean> {
  try {
    await withLoop(path, { start: 0, size: image.source.size }, true, (device) =>
      withMount(device, 'ro', folder, () => Promise.resolve()),
    )
    return true
  } catch {
    return false
  }
}

describe('bits of the superblock', () => {
  const { FREE_SPACE_TREE, FREE_SPACE_TREE_VALID, VERITY, BLOCK_GROUP_TREE } = format.FEATURE_COMPAT_RO
  const { COMPRESS_ZSTD, NO_HOLES, SKINNY_METADATA, METADATA_UUID, MIXED_GROUPS } = format.FEATURE_INCOMPAT
  /** Bits that may be as they are, or the other way round, without a fault. */
  const HARMLESS: Record<FlagField, bigint> = {
    flags: 0b11n | format.SUPER_FLAG.SEEDING | format.SUPER_FLAG_METADUMP,
    compatFlags: 0n,
    compatRoFlags: FREE_SPACE_TREE_VALID | VERITY,
    incompatFlags:
      format.FEATURE_INCOMPAT_KNOWN &
      ~(COMPRESS_ZSTD | NO_HOLES | SKINNY_METADATA | METADATA_UUID | MIXED_GROUPS),
  }

  test('none is unknown and passed over', async () => {
    for (const field of FLAG_FIELDS) {
      for (let bit = 0n; bit < 64n; bit++) {
        const flipped = 1n << bit
        if ((HARMLESS[field] & flipped) !== 0n) continue
        // Without the tree its root is one more; without NO_HOLES there may be no hole.
        if (field === 'compatRoFlags' && flipped === FREE_SPACE_TREE) continue
        if (field === 'incompatFlags' && (flipped & (NO_HOLES | METADATA_UUID)) !== 0n) continue
        await image.withSuperblock(flip(field, flipped), async () => {
          expect(await verdict(), `${field}, bit ${bit}`).not.toEqual([])
        })
      }
    }
    expect(await verdict()).toEqual([])
  })

  test.each<[string, FlagField, bigint, RegExp]>([
    [
      'an unfinished block group tree',
      'flags',
      format.SUPER_FLAG.CHANGING_BG_TREE,
      /found CHANGING_BG_TREE$/,
    ],
    ['an unfinished change of the fsid', 'flags', format.SUPER_FLAG.CHANGING_FSID_V2, /CHANGING_FSID_V2$/],
    ['an error of the kernel', 'flags', format.SUPER_FLAG.ERROR, /found ERROR$/],
    ['an unknown flag', 'flags', 1n << 50n, /superblock, flags .* found bit 50$/],
    ['an unknown feature', 'compatFlags', 1n << 3n, /superblock, compatFlags .* found bit 3$/],
    ['an unknown read-only feature', 'compatRoFlags', 1n << 9n, /superblock, compatRoFlags .* found bit 9$/],
    [
      'block groups in a tree of their own, without a valid free space tree',
      'compatRoFlags',
      BLOCK_GROUP_TREE | FREE_SPACE_TREE_VALID,
      /BLOCK_GROUP_TREE with NO_HOLES/,
    ],
    [
      'no COMPRESS_ZSTD',
      'incompatFlags',
      COMPRESS_ZSTD,
      /incompatFlags .* COMPRESS_ZSTD, which extents need/,
    ],
    ['an unknown incompatible feature', 'incompatFlags', 1n << 40n, /unsupported features: bit 40$/],
  ])('%s', async (_, field, bits, expected) => {
    await image.withSuperblock(flip(field, bits), async () => {
      expect(await verdict()).toContainEqual(expect.stringMatching(expected))
    })
  })

  test.each<[string, bigint, RegExp]>([
    ['METADUMP', format.SUPER_FLAG.METADUMP_V2, /no data could be checked/],
    ['SEEDING', format.SUPER_FLAG.SEEDING, /read-only/],
  ])('%s is a warning', async (_, bits, expected) => {
    await image.withSuperblock(flip('flags', bits), async () => {
      const findings = await findingsOf(image.source)
      expect(findings).toMatchObject([{ severity: 'warning', where: 'superblock, flags' }])
      expect(formatFinding(findings[0])).toMatch(expected)
    })
  })

  test.skipIf(!canJudgeWithKernel())('where the kernel does not mount, there is a fault', async () => {
    const bits = fc.record({ field: fc.constantFrom(...FLAG_FIELDS), bit: fc.nat(63) })
    await fc.assert(
      fc.asyncProperty(bits, async ({ field, bit }) => {
        await image.withSuperblock(flip(field, 1n << BigInt(bit)), async () => {
          if (!(await kernelMounts())) expect(await verdict(), `${field}, bit ${bit}`).not.toEqual([])
        })
      }),
      {
        numRuns: 40,
        examples: [
          [{ field: 'flags', bit: 32 }],
          [{ field: 'flags', bit: 38 }],
          [{ field: 'compatRoFlags', bit: 3 }],
        ],
      },
    )
  })
})

describe('types of items', () => {
  const trees = () => [...new Set(image.fields.map(({ tree }) => tree))]

  test('that no tree has', async () => {
    expect(trees().length).toBeGreaterThan(8)
    for (const tree of trees()) {
      const field = image.fields.findLast((one) => one.name === 'Item.key.type' && one.tree === tree)
      if (field === undefined) continue
      await image.with({ field, operation: 'ones', salt: 0 }, async () => {
        expect(await faultTextsOf(image.source), `tree ${tree}`).toContainEqual(
          expect.stringMatching(/, key type at offset .*: expected one that this tree has, found 255$/),
        )
      })
    }
  })
})

describe('one name twice in a directory', () => {
  test('is a fault, though all three items of each name agree', async () => {
    const [from, to] = [Buffer.from(second, 'latin1'), Buffer.from(first, 'latin1')]
    const rename = (block: Uint8Array) => {
      const bytes = Buffer.from(block.buffer, block.byteOffset, block.length)
      for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) to.copy(bytes, at)
    }
    await image.withBlocks(rename, async () => {
      const faults = await faultTextsOf(image.source)
      expect(faults).toHaveLength(1)
      expect(faults[0]).toMatch(
        /\(\/d\), entry ".*" at offset .*: expected one of the name, found it for \d+ and for/,
      )
      if (!canJudgeWithKernel()) return
      await withLoop(path, { start: 0, size: image.source.size }, true, (device) =>
        withMount(device, 'ro', folder, (top) => {
          expect(readdirSync(join(top, 'd'))).toEqual([first, first])
          return Promise.resolve()
        }),
      )
    })
  })
})

describe.skipIf(!canMakeImages() || !canBtrfsCheck())('what others leave', () => {
  test('a log is a warning', async () => {
    const findings = await findingsOf((await openMade('log')).source)
    expect(findings).toContainEqual(
      expect.objectContaining({ severity: 'warning', where: 'superblock, logRoot' }),
    )
  })

  test('free space items where there is no block group', async () => {
    const made = join(folder, 'mkfs')
    writeFileSync(made, '')
    truncateSync(made, 300 * 2 ** 20)
    execFileSync('mkfs.btrfs', ['-q', made])
    const other = await MutableImage.open(made)
    try {
      const hasLeftOver = other.fields.some(
        ({ tree, key }) => tree === format.FREE_SPACE_TREE_OBJECTID && key?.objectid === 1n << 20n,
      )
      const findings = await findingsOf(other.source)
      expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
      expect(findings).toHaveLength(hasLeftOver ? 1 : 0)
      if (hasLeftOver) expect(findings[0].message).toMatch(/^has items of 1048576 to \d+/)
      expect((await btrfsCheckSays(made)).isSound).toBe(true)
    } finally {
      other.close()
    }
  })

  async function openMade(name: 'log'): Promise<MutableImage> {
    return MutableImage.open(await makeImage(name, folder))
  }
})
