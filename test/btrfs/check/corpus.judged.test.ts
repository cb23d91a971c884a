/** The checker and the reader on the images with which btrfs-progs tests its own checker. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openBtrfs } from '../../../src/btrfs/read/open.ts'
import { CorruptError, NotFoundError, UnsupportedError } from '../../../src/lib/errors.ts'
import type { SyncByteSource } from '../../../src/lib/byte-source.ts'
import { loadHash } from '../../../src/lib/load-hash.ts'
import { driveSync } from '../../../src/lib/read-routine.ts'
import { loadZstd } from '../../../src/lib/zstd/codec.ts'
import { inFolder } from '../../images/build.ts'
import { walkReader, withFileSource } from '../../images/walk-reader.ts'
import {
  btrfsCheckSays,
  btrfsImageNames,
  hasBtrfsImages,
  restoreBtrfsImage,
} from '../../judges/btrfs-images.ts'
import { faultTextsOf } from './faults.ts'

/** A change of the fsid was cut off: the kernel refuses such a device since version 6.7, and `btrfs check` does not. */
const CUT_OFF = { isSound: false, why: 'CHANGING_FSID_V2 is set' }

/** Images with another verdict here, and why. */
const EXCEPTIONS: Readonly<Record<string, { isSound: boolean; why: string }>> = {
  'fsck-tests/032-corrupted-qgroup/qgroup_corrupted.img': {
    isSound: true,
    why: 'only the numbers of a quota group are wrong, which are not checked',
  },
  ...Object.fromEntries([1, 4, 6, 8].map((n) => [`misc-tests/034-metadata-uuid/disk${n}.raw.xz`, CUT_OFF])),
}

/** Reads of the device that the checker and the reader may do: broken links must not lead them in circles. */
const MAX_READS = 20_000

/** Reads everything that can be read. */
async function readAll(source: SyncByteSource): Promise<void> {
  try {
    const reader = await openBtrfs(source, { loadHash, zstd: await loadZstd() })
    for (const { root } of driveSync(source, reader.subvolumes())) {
      try {
        walkReader(source, reader, root)
      } catch (error) {
        expectRefusal(error)
      }
    }
  } catch (error) {
    expectRefusal(error)
  }
}

function expectRefusal(error: unknown): void {
  const isRefusal =
    error instanceof CorruptError ||
    error instanceof UnsupportedError ||
    error instanceof NotFoundError ||
    (error instanceof Error && error.message.endsWith('lies in itself'))
  if (!isRefusal) throw error
}

describe.skipIf(!hasBtrfsImages())('test images of btrfs-progs', () => {
  test.concurrent.each(btrfsImageNames())('%s', (name) =>
    inFolder(async (folder) => {
      const image = join(folder, 'image')
      await restoreBtrfsImage(name, image)
      const { isSound, output } = await btrfsCheckSays(image)
      const expected = EXCEPTIONS[name]?.isSound ?? isSound
      if (EXCEPTIONS[name] !== undefined) expect(EXCEPTIONS[name].isSound).not.toBe(isSound)
      await withFileSource(image, async (file) => {
        let reads = 0
        const source: SyncByteSource = {
          ...file,
          readSync(offset, length) {
            reads++
            return file.readSync(offset, length)
          },
          read(offset, length) {
            reads++
            return file.read(offset, length)
          },
        }
        await readAll(source)
        const faults = await faultTextsOf(source).catch((error: unknown) => {
          expectRefusal(error)
          return [String(error)]
        })
        expect(reads).toBeLessThan(MAX_READS)
        if (expected) expect(faults).toEqual([])
        else expect(faults, output).not.toEqual([])
      })
    }),
  )
})
