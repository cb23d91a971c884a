/** Gigabytes of data: several chunks where there is one copy, over a thousand where there are two. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { build, describeImage, inFolder, type BtrfsOptions } from '../images/build.ts'
import { judge } from '../images/judge.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { sha256Of, uniformArchive } from '../tar/uniform-archive.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30

test.runIf(requireJudge('zstd')).each<[string, BtrfsOptions, number]>([
  ['one copy', {}, 3 * GIB],
  ['two copies', { profiles: { data: 'dup' }, blockGroupTree: true }, 2.5 * GIB],
  ['two copies, mixed with metadata', { mixed: true }, GIB],
])('%s of gigabytes', async (_, options, total) => {
  const files = [
    { path: 'first', size: 700 * MIB + 512, byte: 1 },
    { path: 'second', size: total - 700 * MIB, byte: 2 },
  ]
  await inFolder(async (folder) => {
    const spec = describeImage(folder, [], options)
    await uniformArchive(join(folder, 'large.tar.zst'), files)
    spec.partitions[0].sources = [{ tar: 'large.tar.zst' }]
    const built = await build(folder, spec)
    expect(built.btrfs.bytesStored).toBeGreaterThan(total)
    const expected = files.map(({ path, size, byte }) => ({
      path,
      type: 'file' as const,
      size,
      sha256: sha256Of(size, byte),
    }))
    await judge(built, new Map([['', [{ path: '', type: 'directory' as const }, ...expected]]]), {
      exercise: true,
      // To rewrite all the small chunks the kernel opens a few large ones first.
      kernel: { growBy: 4 * GIB },
      check: { versions: 'newest', lowmem: false },
    })
  })
})
