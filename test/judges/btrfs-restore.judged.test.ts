import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildSample, MARKER, withChange } from '../images/sample.ts'
import { btrfsRestore, canBtrfsRestore } from './btrfs-restore.ts'
import { flipByte } from '../images/flip-byte.ts'
import type { ExpectedEntry } from './expected.ts'

describe.skipIf(!canBtrfsRestore())('btrfsRestore', () => {
  const folder = mkdtempSync(join(tmpdir(), 'btrfs-restore-test-'))
  let made: Awaited<ReturnType<typeof buildSample>>
  beforeAll(async () => {
    made = await buildSample(folder)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('finds a sound image sound', () =>
    btrfsRestore(made.image, made.btrfs, made.expected, { versions: 'all' }))

  test.each<[string, string, Partial<ExpectedEntry> | 'gone', RegExp]>([
    ['a content', 'd/small', { content: Buffer.from('smell\n') }, /sha256/],
    ['a mode', 'd/small', { mode: 0o755 }, /mode: expected 0755, found 4755/],
    ['an owner', 'd/small', { uid: 1 }, /uid/],
    ['a nanosecond', 'd/text', { mtime: { sec: 1_600_000_000, nsec: 1 } }, /mtime/],
    ['an attribute', 'd', { xattrs: [{ name: 'user.x', value: new Uint8Array(1) }] }, /xattr/],
    ['a target', 'd/link', { target: 'elsewhere' }, /target/],
    ['what is missing', 'd/link', { path: 'd/lonk' }, /d\/lonk: entry: expected symlink, found nothing/],
    ['what is too much', 'd/text', 'gone', /d\/text: entry: expected nothing, found file/],
  ])('complains of %s', async (_, path, change, complaint) => {
    const wrong = withChange(made.expected, path, change)
    await expect(btrfsRestore(made.image, made.btrfs, wrong)).rejects.toThrow(complaint)
  })

  test('complains of a damaged byte', async () => {
    const at = readFileSync(made.image).indexOf(MARKER)
    flipByte(made.image, at)
    await expect(btrfsRestore(made.image, made.btrfs, made.expected)).rejects.toThrow(/d\/marked.*sha256/)
    flipByte(made.image, at)
  })
})
