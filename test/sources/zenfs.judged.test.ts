/** File systems of ZenFS as sources. */
import { configure, fs, InMemory, mounts, umount } from '@zenfs/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { buildImage, type ZenfsLike } from '../../src/index.ts'
import { inFolder } from '../images/build.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { imageOf, mountedSources } from './mounted-source.ts'

const LARGE = Buffer.alloc(700_001, 'abcdefg')

beforeEach(async () => {
  await configure({ mounts: { '/staging': InMemory } })
  const { promises } = fs
  await promises.mkdir('/staging/etc', { mode: 0o750 })
  await promises.writeFile('/staging/etc/hostname', 'pi\n')
  await promises.chmod('/staging/etc/hostname', 0o4751)
  await promises.chown('/staging/etc/hostname', 1000, 100)
  await promises.utimes('/staging/etc/hostname', 5, 1_600_000_000.5)
  await promises.link('/staging/etc/hostname', '/staging/again')
  await promises.symlink('etc/größe', '/staging/link')
  await promises.writeFile('/staging/large', LARGE)
  await fs.xattr.set('/staging/etc/hostname', 'user.note', 'b')
})
afterEach(() => umount('/staging'))

describe('a file system of ZenFS', () => {
  const forms: [string, () => { zenfs: ZenfsLike; root?: string }][] = [
    ['by its fs', () => ({ zenfs: fs, root: '/staging' })],
    ['by itself', () => ({ zenfs: mounts.get('/staging')! })],
  ]
  test.skipIf(!canJudgeWithKernel()).each(forms)('keeps what it has: %s', (_, source) =>
    inFolder(async (folder) => {
      const found = await mountedSources(folder, [source()])
      expect(found.map(({ path }) => path)).toEqual(['', 'again', 'etc', 'etc/hostname', 'large', 'link'])
      expect(found.slice(1)).toMatchObject([
        { type: 'file', nlink: 2, size: 3 },
        { type: 'directory', mode: 0o750 },
        {
          mode: 0o4751,
          uid: 1000,
          gid: 100,
          mtime: [1_600_000_000, 500_000_000],
          sameAs: 'again',
          xattrs: [['user.note', 'b']],
        },
        { size: LARGE.length },
        { type: 'symlink', target: Buffer.from('etc/größe').toString('latin1') },
      ])
    }),
  )

  test.each(forms)('a file that changes meanwhile is an error: %s', (_, source) =>
    inFolder(async (folder) => {
      const building = buildImage(imageOf([source()]), {
        output: `${folder}/x.img`,
        workers: 0,
        onProgress: ({ done }) => {
          if (done > 300_000) fs.appendFileSync('/staging/large', 'x')
        },
      })
      await expect(building).rejects.toThrow(/entry "large": the file changed while it was read/)
    }),
  )

  test.each([
    [{ zenfs: 5 }, 'partitions[0].sources[0].zenfs: expected the fs of @zenfs/core'],
    [{ zenfs: {} }, 'partitions[0].sources[0].zenfs: expected the fs of @zenfs/core'],
    [{ zenfs: fs, root: '/staging/nope' }, /sources\[0\]: no such file or directory/],
    [{ zenfs: fs, root: '/staging/large' }, 'expected a directory'],
  ])('%j is none', (source, message) =>
    inFolder(async (folder) => {
      const building = buildImage(imageOf([source as never]), { output: `${folder}/x.img`, workers: 0 })
      await expect(building).rejects.toThrow(message)
    }),
  )
})
