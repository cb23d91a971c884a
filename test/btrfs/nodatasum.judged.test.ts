/** Content without checksums, but with copy on write, as the kernel and btrfs-progs see it. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { noise, text } from '../images/build.ts'
import { buildAndJudge } from '../images/judge.ts'
import { extractPartition } from '../judges/partition.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import type { TarInput } from '../tar/build-tar.ts'

const file = (path: string, content: Uint8Array): TarInput => ({ path, type: 'file', content })
const contents = (folder: string): TarInput[] =>
  [0, 100, 3000, 70_000, 400_000].flatMap((size) => [
    file(`${folder}/text-${size}`, text(size)),
    file(`${folder}/noise-${size}`, noise(size, size)),
    file(`${folder}/zeros-${size}`, new Uint8Array(size)),
  ])

describe('nodatasum', () => {
  test('of a subvolume and of paths stands all judges', async () => {
    const entries = [...['sub', 'path', 'plain', 'nocow'].flatMap(contents), file('one.log', text(100_000))]
    const options = {
      compression: 'zstd:3',
      subvolumes: [
        { name: '@', path: '/' },
        { name: '@sub', path: '/sub', nodatasum: true },
        { name: '@nocow', path: '/nocow', nodatacow: true },
        { name: 'again', snapshotOf: '@sub' },
      ],
      paths: [
        { path: '/path', nodatasum: true },
        { glob: '/**/*.log', nodatasum: true },
      ],
    }
    await buildAndJudge(entries, options, { exercise: true }, async ({ folder, image, btrfs }) => {
      if (!requireJudge('btrfs')) return
      const partition = join(folder, 'partition')
      await extractPartition(image, btrfs, partition)
      const { stdout } = await mustRun('btrfs', ['inspect-internal', 'dump-tree', partition])
      const flags = [...stdout.matchAll(/ flags 0x[\da-f]+\(([\w|]+)\)/g)].map(([, names]) => names)
      // The files of the subvolume, those of its snapshot's leaf and of the path, and the one of the pattern; directories have no
      // flag.
      const named = (name: string) => flags.filter((names) => names === name).length
      expect(named('NODATASUM')).toBe(15 + 15 + 15 + 1)
      expect(named('NODATASUM|NODATACOW')).toBe(15)
      expect(named('NODATACOW')).toBe(1)
    })
  })
})
