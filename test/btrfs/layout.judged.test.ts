/** Where everything lies, in every shape: copies of data, mixed block groups, a tree of block groups, all sizes. */
import { copyFileSync, mkdtempSync, rmdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buildImage } from 'diskwright'
import { build, describeImage, inFolder, noise, text, type BtrfsOptions } from '../images/build.ts'
import { buildAndJudge } from '../images/judge.ts'
import { canBtrfsCheck, btrfsCheck } from '../judges/btrfs-check.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { attachLoop, detachLoop } from '../judges/loop-device.ts'
import type { Partition } from '../judges/partition.ts'
import { mustRun, requireJudge, runTool } from '../judges/run-tool.ts'
import { sfdiskJson } from '../judges/sfdisk.ts'
import type { TarInput } from '../tar/build-tar.ts'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB
const canMount = canJudgeWithKernel()
const canCheck = canBtrfsCheck()

const file = (path: string, content: Uint8Array): TarInput => ({ path, type: 'file', content })
/** A bit of everything, in a few chunks where those are small. */
const entries = [
  file('noise', noise(7 * MIB + 5)),
  file('twin', noise(7 * MIB + 5)),
  file('text', text(3 * MIB)),
  file('small', text(100)),
  ...Array.from({ length: 200 }, (_, i) => file(`some/${i}`, noise(2049 + 37 * i, i))),
]

const dump = async (image: string, { start, size }: Partition, ...args: string[]) => {
  const device = await attachLoop(image, { start, size }, { readonly: true })
  try {
    return (await mustRun('btrfs', ['inspect-internal', ...args, device])).stdout
  } finally {
    await detachLoop(device)
  }
}

describe('block groups', () => {
  test.each<[string, BtrfsOptions]>([
    ['two copies of data', { profiles: { data: 'dup' }, compression: 'zstd' }],
    ['two copies of data that are not compressed', { profiles: { data: 'dup' } }],
    ['data and metadata mixed', { mixed: true, compression: 'zstd' }],
    ['one copy of all, mixed', { mixed: true, profiles: { system: 'single', data: 'single' } }],
    ['a tree of block groups', { blockGroupTree: true }],
    ['a tree of block groups, mixed', { blockGroupTree: true, mixed: true }],
  ])('%s', async (_, options) => {
    await buildAndJudge(entries, options, { exercise: true }, async ({ image, btrfs }) => {
      if (!canMount) return
      const superblock = await dump(image, btrfs, 'dump-super')
      expect(superblock.includes('MIXED_GROUPS')).toBe(options.mixed === true)
      expect(superblock.includes('BLOCK_GROUP_TREE')).toBe(options.blockGroupTree === true)
      const chunks = await dump(image, btrfs, 'dump-tree', '-t', 'chunk')
      const types = new Set([...chunks.matchAll(/ type (\S+)/g)].map(([, type]) => type))
      expect(types.has('DATA|METADATA|DUP') || types.has('DATA|METADATA|single')).toBe(options.mixed === true)
      expect(types.has('DATA|DUP')).toBe(options.profiles?.data === 'dup' && options.mixed !== true)
    })
  })

  test('a second copy costs next to nothing in a compressed image', async () => {
    await inFolder(async (folder) => {
      const sizes = []
      for (const data of ['single', 'dup'] as const) {
        const spec = describeImage(folder, [{ entries }], { profiles: { data }, compression: 'zstd' })
        const output = join(folder, `${data}.img.zst`)
        await buildImage(spec, { output, baseDirectory: folder })
        sizes.push(statSync(output).size)
      }
      expect(sizes[1]).toBeLessThan(1.02 * sizes[0])
      const dup = await build(folder, describeImage(folder, [{ entries }], { profiles: { data: 'dup' } }))
      await mustRun('zstd', ['-dqf', join(folder, 'dup.img.zst'), '-o', join(folder, 'again.img')])
      expect(statSync(join(folder, 'again.img')).size).toBeGreaterThan(dup.btrfs.bytesStored)
    })
  })
})

/** Mounts a file system for writing, and gives its place to `work`. */
async function withMount<T>(device: string, work: (mountPoint: string) => Promise<T>): Promise<T> {
  const mountPoint = mkdtempSync(join(tmpdir(), 'layout-mount-'))
  try {
    await mustRun('mount', ['-t', 'btrfs', '-o', 'rw,subvolid=5', device, mountPoint])
    try {
      return await work(mountPoint)
    } finally {
      await mustRun('umount', [mountPoint])
    }
  } finally {
    rmdirSync(mountPoint)
  }
}

describe.skipIf(!canMount || !canCheck)('a file system without slack', () => {
  test.each<BtrfsOptions>([
    {},
    { nodeSize: 65536 },
    { nodeSize: 4096, profiles: { metadata: 'single', system: 'single' } },
    { mixed: true },
    { blockGroupTree: true },
  ])('is not broken by being mounted for writing, and grows (%j)', async (options) => {
    await inFolder(async (folder) => {
      for (const content of [[], entries]) {
        const spec = describeImage(folder, [{ entries: content }], { ...options, slack: 0 })
        const { image, btrfs } = await build(folder, spec)
        const grown = { start: btrfs.start, size: btrfs.size + GIB }
        const device = await attachLoop(image, grown)
        try {
          await withMount(device, async (top) => {
            // There may be no room for it, but the file system must stay what it is.
            await runTool('touch', [join(top, 'new')])
            await mustRun('sync', ['-f', top])
            await mustRun('truncate', ['--size', String(grown.start + grown.size), image])
            await mustRun('losetup', ['--set-capacity', device])
            await mustRun('btrfs', ['filesystem', 'resize', 'max', top])
            await mustRun('dd', ['if=/dev/urandom', `of=${top}/newer`, 'bs=1M', 'count=20', 'conv=fsync'])
          })
        } finally {
          await detachLoop(device)
        }
        await btrfsCheck(image, grown, { versions: 'newest' })
        await mustRun('rm', [image])
      }
    })
  })
})

describe.skipIf(!canMount || !canCheck)('superblocks and growth', () => {
  test.runIf(requireJudge('btrfs-select-super'))(
    'all three are sound beyond 256 GiB, and each can stand in for the first',
    async () => {
      await inFolder(async (folder) => {
        const spec = describeImage(folder, [{ entries: [file('f', text(MIB))] }], { size: '300GiB' })
        const { image, btrfs } = await build(folder, spec)
        expect(btrfs.size).toBe(300 * GIB)
        const supers = await dump(image, btrfs, 'dump-super', '-a')
        expect(supers.match(/\[match\]/g)?.length).toBe(9)
        expect(supers).toMatch(/bytenr\s+274877906944/)
        const device = await attachLoop(image, btrfs)
        try {
          const recovering = await runTool('btrfs', ['rescue', 'super-recover', '-v', device])
          expect(recovering.stdout + recovering.stderr).toContain('All supers are valid, no need to recover')
          for (const copy of ['1', '2']) {
            await mustRun('dd', [
              'if=/dev/zero',
              `of=${device}`,
              'bs=4096',
              'seek=16',
              'count=1',
              'conv=fsync',
            ])
            await mustRun('btrfs-select-super', ['-s', copy, device])
            await mustRun('btrfs', ['check', '--readonly', device])
          }
        } finally {
          await detachLoop(device)
        }
      })
    },
  )

  test.runIf(requireJudge('sfdisk'))(
    'the partition grows with the disk, and the file system with it',
    async () => {
      await inFolder(async (folder) => {
        const spec = describeImage(folder, [{ entries }], { subvolumes: [{ name: '@', path: '/' }] })
        spec.partitions.unshift({ type: 'fat32', size: '64MiB' })
        const { image, btrfs } = await build(folder, spec)
        copyFileSync(image, `${image}.grown`)
        await mustRun('truncate', ['--size', '+1G', `${image}.grown`])
        await mustRun('sfdisk', ['--quiet', '--no-reread', '--no-tell-kernel', '-N', '2', `${image}.grown`], {
          input: ', +\n',
        })
        const { partitions } = await sfdiskJson(`${image}.grown`)
        const grown = { start: partitions[1].start * 512, size: partitions[1].size * 512 }
        expect(grown.start).toBe(btrfs.start)
        expect(grown.size).toBeGreaterThanOrEqual(btrfs.size + GIB - MIB)
        const device = await attachLoop(`${image}.grown`, grown)
        try {
          await withMount(device, async (top) => {
            await mustRun('btrfs', ['filesystem', 'resize', 'max', top])
            await mustRun('dd', ['if=/dev/urandom', `of=${top}/new`, 'bs=1M', 'count=300', 'conv=fsync'])
            await mustRun('btrfs', ['balance', 'start', '--full-balance', top])
          })
        } finally {
          await detachLoop(device)
        }
        await btrfsCheck(`${image}.grown`, grown, { versions: 'newest' })
      })
    },
  )
})
