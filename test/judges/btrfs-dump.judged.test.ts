import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildSample } from '../images/sample.ts'
import { canBtrfsCheck } from './btrfs-check.ts'
import { btrfsDump, dumpFindings } from './btrfs-dump.ts'
import { flipByte } from '../images/flip-byte.ts'
import { rootNodeCopies } from './damage.ts'
import { extractPartition } from './partition.ts'
import { mustRun } from './run-tool.ts'

describe.skipIf(!canBtrfsCheck())('btrfsDump', () => {
  const folder = mkdtempSync(join(tmpdir(), 'btrfs-dump-test-'))
  const device = join(folder, 'partition')
  let whole: { start: number; size: number }
  beforeAll(async () => {
    const { image, btrfs } = await buildSample(folder)
    whole = { start: 0, size: btrfs.size }
    await btrfsDump(image, btrfs)
    await extractPartition(image, btrfs, device)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const withDamage = async (offset: number, complaint: RegExp) => {
    flipByte(device, offset)
    await expect(btrfsDump(device, whole)).rejects.toThrow(complaint)
    flipByte(device, offset)
    await btrfsDump(device, whole, { versions: 'newest' })
  }

  test('complains of metadata', async () => {
    const copies = await rootNodeCopies(device)
    for (const copy of copies) flipByte(device, copy + 200)
    await expect(btrfsDump(device, whole)).rejects.toThrow(/checksum/)
    for (const copy of copies) flipByte(device, copy + 200)
  })

  test('complains of the second superblock', () => withDamage(2 ** 26 + 0x12b, /csum does not match/))

  test('complains of an outline with gaps', async () => {
    const { stdout } = await mustRun('btrfs', ['inspect-internal', 'dump-tree', device])
    expect(dumpFindings(stdout)).toEqual([])
    const without = (line: RegExp) => {
      expect(stdout).toMatch(line)
      return dumpFindings(stdout.replace(line, '')).join('\n')
    }
    expect(without(/^bytes used.*\n/m)).toBe('no end')
    expect(without(/^\titem 3 key .*\n/m)).toMatch(/^root tree: block \d+: \d+ items, but \d+ shown$/m)
    expect(without(/^file tree key \(256[^]*?(?=^file tree)/m)).toMatch(/trees in the root tree/)
    expect(without(/^\tkey \(.* block .*\n/m)).toMatch(/items, but \d+ shown$/)
    const leaf = /^\tkey \(.* block (\d+) gen/m.exec(stdout)![1]
    expect(without(new RegExp(`^(leaf|node) ${leaf} [^]*?(?=^(leaf|node|file tree))`, 'm'))).toMatch(
      `block ${leaf} is not shown`,
    )
  })
})
