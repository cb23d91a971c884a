import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readTarEntries } from '../../src/tar/read/entries.ts'
import { endOfArchive, joinBlocks, ustarHeader } from './build-tar.ts'
import { collect, exhaust, inPieces } from './collect.ts'
import { findTool, requireJudge } from '../judges/run-tool.ts'

const ROOT = joinPath(import.meta.dirname, '../..')
let folder: string
beforeAll(() => {
  folder = mkdtempSync(joinPath(tmpdir(), 'other-'))
  writeFileSync(joinPath(folder, 'a'), 'content')
})
afterAll(() => rmSync(folder, { recursive: true }))

const at = (name: string) => joinPath(folder, name)
const run = (tool: string, args: string[], input?: string) =>
  execFileSync(findTool(tool)!, args, { cwd: folder, input, stdio: ['pipe', 'pipe', 'ignore'] })

async function expectName(file: Uint8Array, name: string) {
  for (const size of [1000, 1 << 20]) {
    await expect(exhaust(readTarEntries(inPieces(file, size), 'a.tar'))).rejects.toThrow(
      `a.tar at offset 0: this is ${name}: expected a tar archive`,
    )
  }
}

describe.skipIf(!requireJudge('bsdtar'))('made by bsdtar', () => {
  test.each([
    ['newc', 'a cpio archive'],
    ['odc', 'a cpio archive'],
    ['bin', 'a cpio archive'],
    ['zip', 'a zip archive'],
    ['7zip', 'a 7z archive'],
    ['iso9660', 'an ISO 9660 image'],
    ['xar', 'an xar archive'],
    ['ar', 'an ar archive, as Debian packages are'],
  ])('%s', async (format, name) => {
    run('bsdtar', ['-c', '-f', at('out'), '--format', format, 'a'])
    await expectName(readFileSync(at('out')), name)
  })
})

test.skipIf(!requireJudge('nix-instantiate'))('a NAR', async () => {
  await expectName(execFileSync(findTool('nix-store')!, ['--dump', at('a')]), 'a NAR (an archive of Nix)')
})

test.skipIf(!requireJudge('e2fsck'))('an ext4 file system', async () => {
  run('mkfs.ext4', ['-q', at('ext4'), '256k'])
  await expectName(readFileSync(at('ext4')), 'an ext2, ext3 or ext4 file system')
})

test.skipIf(!requireJudge('fsck.fat'))('a FAT file system', async () => {
  run('mkfs.fat', ['-C', at('fat'), '128'])
  await expectName(readFileSync(at('fat')), 'a disk image or a FAT file system')
})

test('a program, a web page, the start of an image', async () => {
  await expectName(readFileSync(process.execPath).subarray(0, 100_000), 'a program (ELF)')
  await expectName(Buffer.from('<!DOCTYPE html>\n<title>404</title>'), 'a web page')
  await expectName(Buffer.concat([Buffer.from('hsqs'), Buffer.alloc(2000)]), 'a squashfs image')
})

test('archives that begin so are archives', async () => {
  for (const name of ['070701', 'PK\x03\x04', 'hsqs', 'BZh']) {
    for (const magic of ['', undefined]) {
      const header = ustarHeader({
        typeflag: '0',
        name,
        mode: 0o644,
        ...(magic === undefined ? {} : { magic }),
      })
      const [entry] = await collect(
        readTarEntries(inPieces(joinBlocks([header, endOfArchive]), 700), 'a.tar'),
      )
      expect(entry.path).toBe(name)
    }
  }
})

test('what nobody knows is damaged, or no archive', async () => {
  const file = readFileSync(joinPath(ROOT, 'README.md'))
  await expect(exhaust(readTarEntries(inPieces(file, 1000), 'a.tar'))).rejects.toThrow('not a tar archive')
})
