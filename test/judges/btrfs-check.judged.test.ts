import { copyFileSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { btrfsCheck, canBtrfsCheck, findings } from './btrfs-check.ts'
import { flipByte } from '../images/flip-byte.ts'
import { rootNodeCopies } from './damage.ts'
import { mustRun } from './run-tool.ts'

const MIB = 2 ** 20

describe.skipIf(!canBtrfsCheck())('btrfsCheck', () => {
  let folder: string
  let image: string
  const size = 120 * MIB
  const marker = 'where the data lies'

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'btrfs-check-test-'))
    image = join(folder, 'image')
    mkdirSync(join(folder, 'tree'))
    writeFileSync(join(folder, 'tree', 'file'), marker.repeat(1000))
    await mustRun('truncate', ['-s', String(size), image])
    await mustRun('mkfs.btrfs', ['-q', '--rootdir', join(folder, 'tree'), image])
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const damagedCopy = (offset: number) => {
    const copy = join(folder, 'damaged')
    copyFileSync(image, copy, constants.COPYFILE_FICLONE)
    flipByte(copy, offset)
    return copy
  }

  test('finds a sound file system sound', () => btrfsCheck(image, { start: 0, size }))

  test('checks a partition of an image, and nothing around it', async () => {
    const disk = join(folder, 'disk')
    await mustRun('truncate', ['-s', String(size + 2 * MIB), disk])
    await mustRun('dd', [
      `if=${image}`,
      `of=${disk}`,
      'bs=1M',
      'seek=1',
      'conv=notrunc,sparse',
      'status=none',
    ])
    await btrfsCheck(disk, { start: MIB, size })
    await expect(btrfsCheck(disk, { start: 2 * MIB, size: size - MIB })).rejects.toThrow('exit code 1')
  })

  test('complains of a byte of data', async () => {
    const at = readFileSync(image).indexOf(marker)
    expect(at).toBeGreaterThan(0)
    await expect(btrfsCheck(damagedCopy(at), { start: 0, size })).rejects.toThrow(/csum/)
  })

  test('complains of a byte of metadata', async () => {
    const [first] = await rootNodeCopies(image)
    await expect(btrfsCheck(damagedCopy(first + 200), { start: 0, size })).rejects.toThrow(/checksum/)
  })

  test('what is not known to be sound is a finding', () => {
    expect(findings('found 147456 bytes used, no error found\n[1/7] checking root items\n')).toEqual([])
    expect(findings('found 147456 bytes used, error(s) found\n')).toHaveLength(1)
    expect(
      findings("cache and super generation don't match, space cache will be invalidated\n"),
    ).toHaveLength(1)
  })
})
