/** `diskwright inspect`, as it is typed. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ImageReport } from '../../src/image/public-types.ts'
import { flipByte } from '../images/flip-byte.ts'
import { buildSample } from '../images/sample.ts'
import { diskwright } from './diskwright.ts'

let folder: string
let image: string
let start: number
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-inspect-'))
  const built = await buildSample(folder)
  image = built.image
  start = built.btrfs.start
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('diskwright inspect', () => {
  it('prints what an image is made of', async () => {
    const { exit, stdout, stderr } = await diskwright(['inspect', image])
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(/^[\d.]+ MiB image, MBR, disk id 0x[0-9a-f]{8}, 1 MiB in no partition$/)
    for (const line of [
      /^1: BTRFS$/,
      /^ {2}start {7}1 MiB \(1048576 bytes\)$/,
      /^ {2}type {8}0x83 Linux$/,
      /^ {2}content {5}109 files, 7 directories, 6\d\d KiB$/,
      /^ {4}metadata +dup +\d+ +/,
      /^ {4}256 +@ +\d+ +/,
      /^ {4}257 +@boot +1 +97\.7 KiB +100 KiB +100 KiB +1\.00x +nodatacow 100 KiB$/,
      /^ {4}100 KiB +\/@boot\/Image$/,
    ]) {
      expect(
        lines.filter((text) => line.test(text)),
        String(line),
      ).toHaveLength(1)
    }
    expect(lines.every((text) => text === text.trimEnd())).toBe(true)
  })

  it('prints the same as JSON', async () => {
    const { exit, stdout } = await diskwright(['inspect', image, '--json'])
    const report = JSON.parse(stdout) as ImageReport
    expect(exit).toBe(0)
    expect(report.partitions[0]).toMatchObject({
      number: 1,
      start: 1048576,
      type: '0x83',
      content: 'btrfs',
      fileSystem: { type: 'btrfs', nodeSize: 4096, checksum: 'crc32c', defaultSubvolume: 5 },
    })
  })

  it('has no key that docs/reference/inspect.md does not name', async () => {
    const keys = new Set<string>()
    const visit = (value: unknown): void => {
      if (Array.isArray(value)) value.forEach(visit)
      else if (typeof value === 'object' && value !== null) {
        for (const [key, below] of Object.entries(value)) {
          keys.add(key)
          visit(below)
        }
      }
    }
    visit(JSON.parse((await diskwright(['inspect', image, '--json'])).stdout))
    expect(keys.size).toBeGreaterThan(60)
    const document = readFileSync(join(import.meta.dirname, '../../docs/reference/inspect.md'), 'utf8')
    expect([...keys].filter((key) => !document.includes(`\`${key}`))).toEqual([])
  })

  it('says what is damaged, and goes on', async () => {
    const damaged = join(folder, 'damaged.img')
    copyFileSync(image, damaged)
    flipByte(damaged, start + 65536 + 300)
    const { exit, stdout } = await diskwright(['inspect', damaged])
    expect(exit).toBe(0)
    expect(stdout).toMatch(/\nFindings\n {2}partition 1: superblock, csum at offset 1114112: expected /)
  })

  it('looks at what is no image, and at nothing', async () => {
    const noImage = join(folder, 'no-image')
    writeFileSync(noImage, 'something else')
    expect(await diskwright(['inspect', noImage])).toMatchObject({
      exit: 0,
      stdout: '14 bytes image, no partition table\n\nnothing known\n  size  14 bytes\n',
    })
    expect(await diskwright(['inspect', join(folder, 'missing')])).toMatchObject({ exit: 1, stdout: '' })
    expect(await diskwright(['inspect'])).toMatchObject({ exit: 2 })
  })
})
