/** GNU tar unpacks the same of archives of star, and of several archives after each other. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { toLatin1 } from '../../src/lib/byte-string.ts'
import { readTarEntries, type TarReaderOptions } from '../../src/tar/read/entries.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { buildTar, endOfArchive, joinBlocks, tarEntry, ustarHeader } from './build-tar.ts'
import { collect, inPieces } from './collect.ts'

async function expectSame(tar: Uint8Array, options: TarReaderOptions, ...flags: string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'dialects-'))
  try {
    writeFileSync(join(folder, 'a.tar'), tar)
    await mustRun('tar', ['-xf', join(folder, 'a.tar'), '-C', folder, ...flags])
    const entries = await collect(readTarEntries(inPieces(tar, 700), 'a.tar', options))
    expect(entries.length).toBeGreaterThan(0)
    const last = new Map(entries.map((entry) => [toLatin1(entry.path), entry]))
    for (const [path, { type, content, mtime }] of last) {
      const stats = statSync(join(folder, path))
      expect({ path, isFile: stats.isFile() }).toEqual({ path, isFile: type === 'file' })
      if (type !== 'file') continue
      expect(Math.floor(stats.mtimeMs / 1000)).toBe((mtime as { sec: number }).sec)
      expect(Buffer.compare(readFileSync(join(folder, path)), content!)).toBe(0)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe.skipIf(!requireJudge('tar'))('as GNU tar', () => {
  const times = { 476: '00000000007 ', 488: '00000000011 ', 508: 'tar\0' }
  const pair = (offset: number, length: number) =>
    [offset, length].map((value) => `${value.toString(8).padStart(11, '0')} `).join('')

  test('star: a long name, and sparse files', async () => {
    const content = Uint8Array.from({ length: 1512 }, (_, i) => i % 251)
    const raw = { ...times, 355: '\0', 356: pair(0, 512) + pair(5120, 1000), 452: '00000013750 ' }
    const map = new Uint8Array(512)
    map.set(Buffer.from(pair(4096, 1512)))
    const tar = joinBlocks([
      ustarHeader({
        typeflag: '0',
        name: 'b',
        mode: 0o644,
        mtime: 5,
        raw: { ...times, 345: 'a'.repeat(130) },
      }),
      ustarHeader({ typeflag: 'S', name: 'sparse', mode: 0o644, size: 1512, raw }),
      content,
      ustarHeader({
        typeflag: 'S',
        name: 'other',
        prefix: 'dir',
        mode: 0o644,
        size: 1512,
        raw: { ...times, 452: '00000012750 ' },
      }),
      map,
      content,
      tarEntry({ path: 'last', type: 'file', content: 'x' }),
      endOfArchive,
    ])
    await expectSame(tar, {})
  })

  test('several archives, directories with a size', async () => {
    const one = buildTar([
      { path: 'a', type: 'file', content: 'one', mtime: { sec: 7, nsec: 0 } },
      { path: 'b', type: 'file', content: 'two' },
    ])
    const two = buildTar([{ path: 'a', type: 'file', content: 'three' }])
    await expectSame(joinBlocks([one, new Uint8Array(8192), two]), { concatenated: true }, '--ignore-zeros')
  })
})
