/** Does the judge find what is wrong? */
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { inFolder } from '../images/build.ts'
import { mustRun, requireJudge } from './run-tool.ts'
import { canRunUml, fillVfat, kernelPartitions, runInUml, vfatEntries } from './uml.ts'

const canJudge = canRunUml() && ['mkfs.vfat', 'mcopy', 'sfdisk', 'fsck.fat'].every(requireJudge)

describe.skipIf(!canJudge)('User Mode Linux', () => {
  test('says which step has failed', () =>
    inFolder(async (folder) => {
      const image = join(folder, 'image')
      await mustRun('truncate', ['-s', '1M', image])
      await expect(runInUml(image, 'echo one; false; echo two')).rejects.toThrow('one\n')
      expect(await runInUml(image, 'echo one; blockdev --getsize64 /dev/ubda')).toBe('one\n1048576\n')
    }))

  test('shows what mkfs.vfat and mcopy made, and writes to it', () =>
    inFolder(async (folder) => {
      const image = join(folder, 'image')
      await mustRun('sh', ['-ec', 'truncate -s 40M "$1"; mkfs.vfat -F 32 "$1"', 'sh', image])
      writeFileSync(join(folder, 'a file'), 'x')
      await mustRun('mcopy', ['-i', image, join(folder, 'a file'), '::/'])
      const [entry, ...more] = await vfatEntries(image)
      expect(more).toEqual([])
      expect(entry.path).toBe('a file')
      expect(entry.sha256).toBe('2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881')
      const copy = join(folder, 'copy')
      copyFileSync(image, copy)
      const { free, written } = await fillVfat(copy)
      expect(free).toBeGreaterThan(36_000_000)
      expect(written).toBeGreaterThan(0.9 * free)
      await mustRun('fsck.fat', ['-n', copy])
    }))

  test('shows the partitions that sfdisk made', () =>
    inFolder(async (folder) => {
      const image = join(folder, 'image')
      await mustRun('truncate', ['-s', '8M', image])
      await mustRun('sfdisk', ['--quiet', image], { input: 'label: gpt\nsize=1MiB, name="one two"\n\n' })
      const [first] = await kernelPartitions(image)
      expect(first).toEqual({ number: 1, start: 1048576, size: 1048576, name: 'one two' })
    }))
})
