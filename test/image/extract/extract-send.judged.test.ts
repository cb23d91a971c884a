/** Streams of subvolumes of images: `btrfs receive` makes the same trees of them. */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { extractSend } from 'diskwright'
import { describe, expect, test } from 'vitest'
import { dumpStream, kernelReceive, kernelSend } from '../../judges/btrfs-send.ts'
import { canJudgeWithKernel } from '../../judges/kernel-mount.ts'
import { withLoop, withMount } from '../../judges/mounted.ts'
import { walk } from '../../judges/walk.ts'
import { build, inFolder, noise, text } from '../../images/build.ts'
import { btrfs as btrfsTool, comparable, mutateTree, withNewFileSystem } from '../../images/send-streams.ts'

const FORMS = [
  ['version 1', { protocol: 1 }],
  ['version 2', { protocol: 2 }],
  ['version 2, compressed', { protocol: 2, compressedData: true }],
] as const

describe.skipIf(!canJudgeWithKernel())('streams of snapshots that the kernel made', () => {
  test.each(
    FORMS.flatMap(([name, form], i) => [0, 1, 2, 3].map((n) => [name, 100 + 10 * i + n, form] as const)),
  )('%s, seed %i: the kernel makes the same trees of them, and of its own', async (_, seed, form) => {
    await inFolder(async (folder) => {
      const compression = 'compressedData' in form ? 'compress=zstd:3,noatime' : 'noatime'
      const image = await withNewFileSystem(folder, compression, async (top) => {
        await btrfsTool('subvolume', 'create', join(top, 'tree'))
        for (const i of [0, 1, 2]) {
          await mutateTree(join(top, 'tree'), seed * 1000 + i, 80)
          await btrfsTool('subvolume', 'snapshot', '-r', join(top, 'tree'), join(top, String(i)))
        }
      })
      const streamOf = (i: number, parent?: number) => join(folder, `${i}-${parent ?? 'full'}`)
      for (const [i, parent] of [[0], [1, 0], [2, 1]] as const) {
        await extractSend(image, {
          ...{ path: `/${i}`, output: streamOf(i, parent), ...form },
          ...(parent !== undefined && { parent: `/${parent}` }),
        })
      }
      const copy = join(folder, 'copy.img')
      copyFileSync(image, copy)
      await withLoop(copy, { start: 0, size: 512 * 2 ** 20 }, false, async (device) => {
        await withMount(device, 'noatime', folder, async (top) => {
          for (const name of ['ours', 'theirs']) mkdirSync(join(top, name))
          for (const [i, parent] of [[0], [1, 0], [2, 1]] as const) {
            await kernelReceive(streamOf(i, parent), join(top, 'ours'))
            const sent = comparable(await walk(join(top, String(i))))
            const received = await walk(join(top, 'ours', String(i)))
            expect(comparable(received)).toEqual(sent)
          }
          // The kernel's own stream of the pair, on top of what it made of ours.
          const own = join(folder, 'own')
          await kernelSend(join(top, '1'), own, { parent: join(top, '0') })
          await btrfsTool('subvolume', 'delete', '--commit-after', join(top, 'ours/2'), join(top, 'ours/1'))
          await kernelReceive(own, join(top, 'ours'))
          const sent = comparable(await walk(join(top, '1')))
          expect(comparable(await walk(join(top, 'ours/1')))).toEqual(sent)
        })
      })
      // Nor does what is read back differ.
      const { image: again, btrfs: result } = await build(folder, {
        table: { type: 'mbr' },
        partitions: [
          {
            ...{ type: 'btrfs', size: 'fit' },
            subvolumes: [{ name: 'tree', path: '/tree', readOnly: true }],
            sources: [{ send: [streamOf(0), streamOf(1, 0), streamOf(2, 1)], to: '/tree' }],
          },
        ],
      })
      const { start, size } = result
      await withLoop(image, { start: 0, size: 512 * 2 ** 20 }, true, async (device) => {
        const sent = await withMount(device, 'ro,subvol=2', folder, walk)
        await withLoop(again, { start, size }, true, async (other) => {
          const found = await withMount(other, 'ro,subvol=tree', folder, walk)
          expect(comparable(found, ['ino'])).toEqual(comparable(sent, ['ino']))
        })
      })
    })
  })
})

describe.skipIf(!canJudgeWithKernel())('streams of images that were built', () => {
  const files = (version: number) => ({
    '/etc/hostname': `pi-${version}\n`,
    '/etc/passwd': { content: 'root:x:0:0\n', mode: '0600', uid: 5 },
    '/usr/bin/tool': { content: { base64: Buffer.from(noise(300_000, 7)).toString('base64') }, mode: '4755' },
    '/usr/bin/copy': { content: { base64: Buffer.from(noise(300_000, 7)).toString('base64') } },
    '/usr/share/text': { content: Buffer.from(text(400_000, version)).toString('latin1') },
    [`/only-in-${version}/file`]: 'x',
    '/link': { type: 'symlink' as const, target: `etc/hostname-${version}` },
  })

  test.each(FORMS)('%s: full and incremental, the same bytes each time', async (_, form) => {
    await inFolder(async (folder) => {
      const { image, btrfs } = await build(folder, {
        table: { type: 'mbr' },
        partitions: [
          {
            ...{ type: 'btrfs', size: 'fit', slack: '64MiB', compression: 'zstd:3', inlineCompression: true },
            subvolumes: [
              { name: 'v1', path: '/v1', readOnly: true },
              { name: 'v2', path: '/v2', readOnly: true },
            ],
            sources: [
              { files: files(1), to: '/v1' },
              { files: files(2), to: '/v2' },
            ],
          },
        ],
      })
      const send = async (name: string, options: object) => {
        const output = join(folder, name)
        const result = await extractSend(image, { ...form, ...options, output })
        expect(result.streamBytes).toBe(readFileSync(output).length)
        return output
      }
      const full = await send('full', { path: '/v1' })
      expect(readFileSync(await send('again', { path: '/v1' }))).toEqual(readFileSync(full))
      const incremental = await send('incremental', { path: '/v2', parent: '/v1' })
      // Files of one path are those of the parent, and equal content is not sent again.
      expect(readFileSync(incremental).length).toBeLessThan(readFileSync(full).length)
      const commands = await dumpStream(incremental)
      expect(commands.filter((line) => line.includes('usr/bin/'))).toEqual([])
      expect((await dumpStream(full)).filter((line) => line.startsWith('clone'))).toHaveLength(1)
      await withNewFileSystem(folder, 'noatime', async (top) => {
        await kernelReceive(full, top)
        await kernelReceive(incremental, top)
        const received = [await walk(join(top, 'v1')), await walk(join(top, 'v2'))]
        await withLoop(image, { start: btrfs.start, size: btrfs.size }, true, async (device) => {
          for (const [i, name] of ['v1', 'v2'].entries()) {
            const built = await withMount(device, `ro,subvol=${name}`, folder, walk)
            expect(comparable(received[i])).toEqual(comparable(built))
          }
        })
      })
    })
  })
})
