import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { deviceNumbers, findEnd } from '../../src/input/device-size.ts'
import { openBytes } from '../../src/input/open-bytes.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { noise } from '../images/build.ts'

test('the end is found wherever it is', () =>
  fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constant(Number.MAX_SAFE_INTEGER)),
      async (size) => {
        let asked = 0
        const found = await findEnd((offset) => {
          asked++
          return Promise.resolve(offset < size)
        })
        expect(found).toBe(size)
        expect(asked).toBeLessThan(120)
      },
    ),
  ))

test('device numbers are those of stat', async () => {
  const { rdev } = await stat('/dev/null')
  expect(deviceNumbers(rdev)).toEqual([1, 3])
  // Twelve bits of the major number and eight of the minor one lie low, the others above them.
  expect(deviceNumbers(0x1000_2030_4567)).toEqual([0x1045, 0x20367])
})

test.runIf(requireJudge('mkfifo'))('a pipe is refused', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-device-'))
  try {
    execFileSync('mkfifo', [join(folder, 'fifo')])
    await expect(openBytes(join(folder, 'fifo'))).rejects.toThrow('found a pipe')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.runIf(requireJudge('losetup') && process.getuid?.() === 0)(
  'a block device is read to its end',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'diskwright-device-'))
    const path = join(folder, 'disk')
    const content = noise(3 * 512 * 1001)
    writeFileSync(path, content)
    const device = execFileSync('losetup', ['--find', '--show', '--read-only', path]).toString().trim()
    try {
      const { source, close } = await openBytes(device)
      expect(source.size).toBe(content.length)
      expect(Buffer.from(await source.read(0, source.size)).equals(content)).toBe(true)
      expect((await source.read(source.size - 10, 100)).length).toBe(10)
      await close()
    } finally {
      execFileSync('losetup', ['--detach', device])
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
