/** Sectors larger than this machine's pages, which its kernel does not mount: what mkfs.btrfs was given is the judge. */
import { closeSync, existsSync, openSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { toDisplay } from '../../../src/lib/byte-string.ts'
import { inFolder } from '../../images/build.ts'
import { canMakeImages, rootDirectory } from '../../images/kernel-made.ts'
import { walkReader, withFileSource } from '../../images/walk-reader.ts'
import { BACKPORTS_MKFS } from '../../judges/btrfs-programs.ts'
import type { FoundEntry } from '../../judges/expected.ts'
import { mustRun } from '../../judges/run-tool.ts'
import { walk } from '../../judges/walk.ts'
import { openWithFaults } from './open-file.ts'

/** What a directory of any file system has in common with one in BTRFS. */
function common(entries: readonly FoundEntry[]) {
  return entries
    .map(({ path, type, mode, uid, gid, size, sha256, target, xattrs }) => {
      const path_ = toDisplay(path)
      return { path: path_, type, mode, uid, gid, size, sha256: sha256 ?? undefined, target, xattrs }
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

describe.skipIf(!canMakeImages() || !existsSync(BACKPORTS_MKFS))('sectors', () => {
  test.each([
    [4096, 'zlib', 'xxhash'],
    [16384, 'zstd', 'crc32c'],
    [65536, 'lzo', 'sha256'],
    [65536, 'no', 'blake2'],
  ])('of %i bytes, %s, %s', async (sector, compression, checksum) => {
    await inFolder(async (folder) => {
      const directory = await rootDirectory(folder)
      const image = join(folder, 'disk.img')
      closeSync(openSync(image, 'w'))
      truncateSync(image, 320 * 2 ** 20)
      const sizes = ['-s', `${sector}`, '-n', `${Math.max(16384, sector)}`]
      const options = [...sizes, '--compress', compression, '--csum', checksum]
      await mustRun(BACKPORTS_MKFS, ['-q', '-f', ...options, '--rootdir', directory, image])
      await withFileSource(image, async (source) => {
        const { reader, faults } = await openWithFaults(source)
        expect(reader.superblock.sectorsize).toBe(sector)
        expect(common(walkReader(source, reader))).toEqual(common(await walk(directory)))
        expect(faults).toEqual([])
      })
    })
  })
})
