/** Streams of the kernel's `btrfs send` as sources: the image has what was sent, and what the kernel receives. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openImage } from '../../../src/image/open-image.ts'
import { drive } from '../../../src/lib/read-routine.ts'
import { kernelReceive } from '../../judges/btrfs-send.ts'
import { withLoop, withMount } from '../../judges/mounted.ts'
import { btrfsCheck } from '../../judges/btrfs-check.ts'
import { canJudgeWithKernel } from '../../judges/kernel-mount.ts'
import { walk } from '../../judges/walk.ts'
import { build, inFolder } from '../../images/build.ts'
import { comparable, sendSnapshots } from '../../images/send-streams.ts'

const FORMS = [
  ['version 1', { protocol: 1 }],
  ['version 2', { protocol: 2 }],
  ['version 2, compressed', { protocol: 2, compressed: true }],
] as const

describe.skipIf(!canJudgeWithKernel())('streams of a tree that changes at random', () => {
  test.each(FORMS.flatMap(([name, form], i) => [0, 1, 2, 3].map((n) => [name, 10 * i + n, form] as const)))(
    '%s, seed %i',
    async (_, seed, form) => {
      await inFolder(async (folder) => {
        const { sent, received, streams } = await sendSnapshots(folder, {
          seed,
          snapshots: 3,
          steps: 60,
          form,
        })
        const { image, btrfs } = await build(folder, {
          table: { type: 'mbr' },
          partitions: [
            {
              ...{ type: 'btrfs', size: 'fit', compression: 'lzo' },
              subvolumes: [{ name: 'tree', path: '/tree', readOnly: true }],
              sources: [{ send: streams, to: '/tree' }],
            },
          ],
        })
        const partition = { start: btrfs.start, size: btrfs.size }
        await btrfsCheck(image, partition)
        await withLoop(image, partition, true, async (device) => {
          const found = await withMount(device, 'ro,subvol=tree', folder, walk)
          // Flags are part of streams of version 2, and the kernel's receiver leaves them out.
          expect(comparable(found)).toEqual(comparable(sent.at(-1)!))
          expect(comparable(found)).toEqual(comparable(received))
        })
      })
    },
  )
})

describe.skipIf(!canJudgeWithKernel())('a subvolume that a stream fills alone', () => {
  test('takes the next stream on top of it, and compressed extents stay as they are', async () => {
    await inFolder(async (folder) => {
      const form = { protocol: 2, compressed: true } as const
      const { sent, streams } = await sendSnapshots(folder, { seed: 77, snapshots: 2, steps: 300, form })
      const { image, btrfs } = await build(folder, {
        table: { type: 'mbr' },
        partitions: [
          {
            ...{ type: 'btrfs', size: 'fit', slack: '64MiB' },
            subvolumes: [{ name: 'tree', path: '/tree', readOnly: true }],
            sources: [{ send: streams[0], to: '/tree' }],
          },
        ],
      })
      const partition = { start: btrfs.start, size: btrfs.size }
      // "compression" is "none": whatever is compressed came so.
      const stored = await compressedExtents(image)
      const stream = readFileSync(streams[0])
      expect(stored.length).toBeGreaterThan(0)
      expect(stored.filter((bytes) => !stream.includes(Buffer.from(bytes)))).toEqual([])
      await withLoop(image, partition, false, async (device) => {
        await withMount(device, 'rw', folder, async (top) => {
          await kernelReceive(streams[1], top)
          expect(comparable(await walk(join(top, '1')))).toEqual(comparable(sent[1]))
        })
      })
    })
  })
})

/** All compressed extents of an image, as they are stored. */
async function compressedExtents(image: string): Promise<Uint8Array[]> {
  const disk = await openImage(image)
  const found: Uint8Array[] = []
  try {
    const fileSystem = await disk.partitions[0].open()
    for await (const { stat } of fileSystem.walk()) {
      if (stat.type !== 'file') continue
      const file = await drive(fileSystem.source, fileSystem.reader.open(stat))
      for (const { encoding, bytes } of await drive(fileSystem.source, file.readStored!(0, stat.size))) {
        if (encoding.startsWith('zstd')) found.push(bytes)
      }
    }
  } finally {
    await disk.close()
  }
  return found
}
