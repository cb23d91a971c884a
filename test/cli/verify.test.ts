import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildImage } from 'diskwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Superblock, SUPER_FLAG } from '../../src/btrfs/format.ts'
import { viewOf } from '../../src/lib/struct.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import { MutableImage } from '../btrfs/check/mutations.ts'
import { inFolder, noise } from '../images/build.ts'
import { describePi, makeClosure } from '../images/nixos-closure.ts'
import { flipByte } from '../images/flip-byte.ts'
import { diskwright } from './diskwright.ts'
import { buildReadable } from './read-image.ts'

let folder: string
let image: string
let packed: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-verify-'))
  image = await buildReadable(folder, 'disk.img')
  packed = await buildReadable(folder, 'disk.img.zst')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A copy with one byte of it inverted. */
const damaged = (offset: number, of = image): string => {
  const path = join(folder, 'damaged.img')
  copyFileSync(of, path)
  flipByte(path, offset)
  return path
}

const ROOT = 35 << 20
/** Offset of the content of a file that does not compress. */
const dataOffset = () => readFileSync(image).indexOf(Buffer.from(noise(64)), ROOT)

describe('verify', () => {
  test.each([
    ['an image', () => image],
    ['a compressed one', () => packed],
  ])('%s is sound', async (_, path) => {
    for (const more of [[], ['--quick']]) {
      const { exit, stdout, stderr } = await diskwright(['verify', path(), ...more])
      expect(stdout).toMatch(
        /^.*: sound, in [\d.]+ s\n  1  FAT32  "BOOT"  34 MiB +sound\n  2  BTRFS  "ROOT"  [\d.]+ MiB  sound\n$/,
      )
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
    }
  })

  test('a flipped bit of content is one error, with its place in the image', async () => {
    const offset = dataOffset()
    const path = damaged(offset + 5000)
    const { exit, stdout, stderr } = await diskwright(['verify', path])
    const [fault, summary, ...rows] = stdout.split('\n')
    expect(fault).toMatch(/^2: BTRFS: .+ at offset \d+: expected .+, found .+$/)
    expect(Number(/at offset (\d+)/.exec(fault)![1])).toBe(offset + 4096)
    expect(summary).toMatch(/damaged\.img: 1 error, in/)
    expect(rows[1]).toMatch(/^  2 .* 1 error$/)
    expect({ exit, stderr }).toEqual({ exit: 1, stderr: '' })
    // Which is not looked at when time is short.
    expect(await diskwright(['verify', path, '--quick'])).toMatchObject({ exit: 0 })
  })

  test('a warning is a line, and the image is sound', async () => {
    const path = join(folder, 'warned.img')
    writeFileSync(path, readFileSync(image).subarray(ROOT))
    const file = await MutableImage.open(path)
    try {
      const { get, set } = Superblock.at.flags
      const seed = (copy: Uint8Array) => set(viewOf(copy), 0, get(viewOf(copy), 0) | SUPER_FLAG.SEEDING)
      await file.withSuperblock(seed, async () => {
        const { exit, stdout } = await diskwright(['verify', path])
        expect(stdout).toMatch(
          /^warning: BTRFS: superblock, flags at offset \d+: SEEDING: .*\n.*: sound, with 1 warning, in/,
        )
        expect(exit).toBe(0)
      })
    } finally {
      file.close()
    }
  })

  test('JSON has the findings and what was checked', async () => {
    const { exit, stdout } = await diskwright(['verify', damaged(dataOffset()), '--json'])
    expect(exit).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      counts: { error: 1, warning: 0, notice: 0 },
      findings: [{ severity: 'error', partition: 2, content: 'btrfs', offset: dataOffset() }],
      partitions: [
        { number: 1, content: 'fat32', isChecked: true, counts: { error: 0 } },
        { number: 2, content: 'btrfs', isChecked: true, counts: { error: 1 } },
      ],
    })
  })

  test.each([
    ['a superblock', ROOT + 65536 + 200, /^2: BTRFS: /m],
    ['the first FAT', (1 << 20) + 32 * 512 + 8, /^1: FAT32: /m],
    ['the signature of the partition table', 510, /^IMAGE: image at offset 0: expected a partition table/m],
  ])('damage to %s is told', async (_, offset, line) => {
    const { exit, stdout, stderr } = await diskwright(['verify', damaged(offset)])
    expect(stdout).toMatch(line)
    expect({ exit, stderr }).toEqual({ exit: 1, stderr: '' })
  })

  test('a damaged frame of a compressed image is a fault or an error, never sound', async () => {
    const { exit, stdout, stderr } = await diskwright([
      'verify',
      damaged(readFileSync(packed).length >> 1, packed),
    ])
    expect(exit).toBe(1)
    expect(stdout + stderr).not.toContain('sound, in')
    expect(stderr.split('\n').length).toBeLessThan(3)
  })

  test('what is no image is told', async () => {
    const path = join(folder, 'noise.img')
    writeFileSync(path, noise(100_000))
    const { exit, stdout } = await diskwright(['verify', path])
    expect(stdout).toContain('expected a partition table or a supported file system, found neither')
    expect(exit).toBe(1)
  })
})

describe('verify --boot', () => {
  const verifyBoot = (spec: ImageSpec, ...more: string[]) =>
    inFolder(async (folder) => {
      makeClosure(folder)
      const output = join(folder, 'pi.img.zst')
      await buildImage(spec, { output, baseDirectory: folder })
      return diskwright(['verify', output, '--boot', ...more])
    })

  test('an image that boots', async () => {
    const { exit, stdout } = await verifyBoot(describePi(), '--uboot-version', '2023.01')
    expect(stdout).toMatch(/: sound, in .*\n  boot: no problems found\n$/s)
    expect(exit).toBe(0)
  })

  test('one that some versions of U-Boot read wrong', async () => {
    const spec = describePi({ boot: { compression: 'zstd' } })
    const any = await verifyBoot(spec)
    expect(any.stdout).toMatch(/^boot: warning: partition 2.*: sound, in .*\n  boot: 1 warning\n$/s)
    expect(any.exit).toBe(0)
    const old = await verifyBoot(spec, '--uboot-version', '2023.01')
    expect(old.stdout).toMatch(/^boot: error: partition 2.*: sound, in .*\n  boot: \d+ errors?\n$/s)
    expect(old.exit).toBe(1)
    const { stdout } = await verifyBoot(spec, '--uboot-version', '2023.01', '--json')
    const { findings, boot } = JSON.parse(stdout) as { findings: unknown[]; boot: { severity: string }[] }
    expect(findings).toEqual([])
    expect(boot.map(({ severity }) => severity)).toContain('error')
  })

  test.each([
    [['--boot', '--uboot-version', 'new'], /Expected a version like 2025\.01/],
    [['--uboot-version', '2025.01'], /--uboot-version is for --boot/],
  ])('%j is wrong usage', async (args, message) => {
    const { exit, stderr } = await diskwright(['verify', image, ...args])
    expect(exit).toBe(2)
    expect(stderr).toMatch(message)
  })
})
