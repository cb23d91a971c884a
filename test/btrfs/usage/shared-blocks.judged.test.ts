/** Blocks that subvolumes share are scanned once, and every subvolume has the numbers that it has when scanned alone. */
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { BtrfsReader } from '../../../src/btrfs/read/open.ts'
import { DirectoryRows } from '../../../src/btrfs/usage/directory-rows.ts'
import { ExtentUseTable } from '../../../src/btrfs/usage/extent-use.ts'
import type { BtrfsUsage } from '../../../src/btrfs/usage/report.ts'
import { SubvolumeScanner } from '../../../src/btrfs/usage/scan-subvolume.ts'
import { subtreeContent } from '../../../src/btrfs/usage/subtree.ts'
import { btrfsUsage } from '../../../src/btrfs/usage/usage.ts'
import { SizeTree } from '../../../src/file-tree/size-tree.ts'
import { loadHash } from '../../../src/lib/load-hash.ts'
import { driveSync } from '../../../src/lib/read-routine.ts'
import type { SyncByteSource } from '../../../src/lib/byte-source.ts'
import { build, describeImage, inFolder, noise } from '../../images/build.ts'
import { withFileSource } from '../../images/walk-reader.ts'
import { canJudgeWithKernel } from '../../judges/kernel-mount.ts'
import { withLoop, withMount } from '../../judges/mounted.ts'
import { mustRun } from '../../judges/run-tool.ts'
import type { TarInput } from '../../tar/build-tar.ts'
import { openWithFaults } from '../read/open-file.ts'

const crc32c = await loadHash('crc32c')

function usageOf(reader: BtrfsReader, source: SyncByteSource): BtrfsUsage {
  const onFinding = (finding: unknown) => expect(finding).toBeUndefined()
  return driveSync(source, btrfsUsage(reader, { hash: crc32c, deviceSize: source.size, onFinding }))
}

/** What is in a subvolume, scanned without any other. */
function scannedAlone(reader: BtrfsReader, source: SyncByteSource, id: number) {
  const extents = new ExtentUseTable()
  const sizes = new SizeTree()
  const rows = new DirectoryRows(sizes)
  const onFinding = (finding: unknown) => expect(finding).toBeUndefined()
  const context = { trees: reader.trees, extents, sizes, rows, onBlock: () => undefined, onFinding }
  rows.beginSubvolume(id, undefined)
  const root = driveSync(source, reader.rootOf(BigInt(id)))!
  const { subtree } = driveSync(source, new SubvolumeScanner(context).scan(root))
  return { ...subtreeContent(subtree, extents), metadataBlocks: subtree.blocks }
}

function expectSameAsAlone(reader: BtrfsReader, source: SyncByteSource, usage: BtrfsUsage): void {
  for (const subvolume of usage.subvolumes) {
    expect(subvolume, subvolume.path).toMatchObject(scannedAlone(reader, source, subvolume.id))
  }
  // Files in directories whose own items lie in a block of an earlier subvolume are among them.
  const { directories, totals } = usage
  expect(directories).toMatchObject({
    files: totals.files,
    apparentBytes: totals.apparentBytes,
    contentBytes: totals.contentBytes,
    storedBytes: totals.storedBytes,
  })
}

test('thousands of snapshots: no block is read for each of them', async () => {
  const SNAPSHOTS = 2000
  const entries = Array.from({ length: 400 }, (_, i): TarInput => {
    return {
      path: `d${i % 9}/${'n'.repeat(100)}${i}`,
      type: 'file',
      content: noise(i % 3 === 0 ? 5000 : 600, i),
    }
  })
  const subvolumes = [
    { name: '@', path: '/' },
    ...Array.from({ length: SNAPSHOTS }, (_, i) => ({ name: `s${i}`, snapshotOf: '@' })),
  ]
  await inFolder(async (folder) => {
    const options = { nodeSize: 4096, compression: 'none', subvolumes } as const
    const { image, btrfs } = await build(
      folder,
      describeImage(folder, [{ entries }], { ...options, subvolumes }),
    )
    await withFileSource(
      image,
      async (source) => {
        const { reader } = await openWithFaults(source)
        const { trees } = reader
        let asked = 0
        const block = trees.block.bind(trees)
        trees.block = (...args) => {
          asked++
          return block(...args)
        }
        const usage = usageOf(reader, source)
        const [, origin, ...snapshots] = usage.subvolumes
        expect(snapshots.length).toBe(SNAPSHOTS)
        expect(origin.metadataBlocks).toBeGreaterThan(100)
        const blocks = usage.totals.metadataBytes / usage.nodeSize
        // Each block once, the root tree three times, and the way to the place of each subvolume.
        expect(asked).toBeLessThan(4 * blocks + 2 * SNAPSHOTS)
        expect(asked).toBeLessThan((SNAPSHOTS * origin.metadataBlocks) / 10)
        const { files, apparentBytes, storedBytes, extents, inline, metadataBlocks } = origin
        for (const snapshot of snapshots) {
          expect(snapshot).toMatchObject({
            files,
            apparentBytes,
            storedBytes,
            extents,
            inline,
            metadataBlocks,
          })
          expect(snapshot.exclusiveBytes).toBe(0)
        }
        expect(usage.totals.files).toBe((SNAPSHOTS + 1) * 400)
        expect(usage.directories.children!.find(({ name }) => name === '@')!.children).toBeDefined()
        // Of all files only those of the origin: the others are the same.
        for (const { path } of usage.largestFiles) expect(path).toMatch(/^\/@\//)
      },
      btrfs,
    )
  })
})

const MAKE_SNAPSHOTS = `
cd "$TOP"
btrfs -q subvolume create @
mkdir s
for d in 1 2 3 4 5; do
  mkdir -p @/d$d/deep/er
  for f in $(seq 40); do
    head -c $(( (f * 37 + d * 911) % 9000 )) "$1/noise" > @/d$d/deep/er/a-file-with-a-long-name-$f
    ln -s a-file-with-a-long-name-$f @/d$d/link-$f
  done
done
mkdir @/nocow
chattr +C @/nocow
for f in $(seq 6); do head -c 100000 "$1/noise" > @/nocow/$f; done
for i in $(seq 20); do
  sync
  btrfs -q subvolume snapshot -r @ s/$i
  head -c $(( i * 3000 )) "$1/noise" > @/d$(( i % 5 + 1 ))/new-$i
  cp --reflink=always @/d$(( i % 5 + 1 ))/new-$i @/d1/copy-$i
  dd if="$1/noise" of=@/d2/new-1 bs=4096 count=1 seek=$(( i * 3 )) conv=notrunc status=none
  dd if="$1/noise" of=@/nocow/$(( i % 6 + 1 )) bs=4096 count=2 seek=$i conv=notrunc status=none
  rm @/d3/deep/er/a-file-with-a-long-name-$i
  ln @/d4/deep/er/a-file-with-a-long-name-$i @/d5/hard-$i
  touch @/d5/deep/er/a-file-with-a-long-name-$(( i + 10 )) @/d1/deep
  mkdir @/made-$i
  mv @/d4/link-$i @/made-$i
done
btrfs -q subvolume snapshot s/7 again
echo later > again/made-3/later
btrfs -q subvolume create again/made-3/inner
echo inner > again/made-3/inner/file
sync
`

describe.skipIf(!canJudgeWithKernel())('snapshots that the kernel made, with changes in between', () => {
  test.each([4096, 16384])('nodes of %i bytes', async (nodeSize) => {
    await inFolder(async (folder) => {
      const image = join(folder, 'kernel.img')
      const size = 300 * 2 ** 20
      writeFileSync(image, '')
      truncateSync(image, size)
      writeFileSync(join(folder, 'noise'), noise(200_000))
      await mustRun('mkfs.btrfs', ['-q', '-n', String(nodeSize), '-m', 'single', image])
      await withLoop(image, { start: 0, size }, false, (device) =>
        withMount(device, 'rw', folder, async (top) => {
          await mustRun('bash', ['-euc', MAKE_SNAPSHOTS, 'bash', folder], { env: { TOP: top } })
        }),
      )
      await withFileSource(image, async (source) => {
        const { reader } = await openWithFaults(source)
        const usage = usageOf(reader, source)
        expect(usage.subvolumes.length).toBe(1 + 1 + 20 + 2)
        expectSameAsAlone(reader, source, usage)
        expect(usage.subvolumes.some(({ exclusiveBytes }) => exclusiveBytes > 0)).toBe(true)
      })
    })
  })
})
