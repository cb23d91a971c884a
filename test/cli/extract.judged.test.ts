import { execFileSync, spawn } from 'node:child_process'
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mustRun, requireJudge, runTool } from '../judges/run-tool.ts'
import { dumpStream } from '../judges/btrfs-send.ts'
import { diskwright, MAIN } from './diskwright.ts'
import { buildReadable } from './read-image.ts'

let folder: string
let image: string
let packed: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-extract-'))
  image = await buildReadable(folder, 'disk.img')
  packed = await buildReadable(folder, 'disk.img.zst')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const isRoot = process.getuid?.() === 0

describe('extract', () => {
  test('to a directory', async () => {
    const target = join(folder, 'target')
    const { exit, stdout, stderr } = await diskwright(['extract', packed, 'ROOT:/@home', '-o', target])
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
    expect(stdout).toMatch(/^.*target: 1 file, 3 directories, 2\.4 MiB in [\d.]+ s\n$/)
    expect(statSync(join(target, 'me/noise')).size).toBe(2_500_000)
    expect(statSync(join(target, 'sticky')).mode & 0o7777).toBe(0o1777)
  })

  test('says once what cannot be kept, also in JSON', async () => {
    const target = join(folder, 'lossy')
    const { stdout } = await diskwright(['extract', image, '2:/@', '-o', target, '--json'])
    const result = JSON.parse(stdout) as { notKept: { what: string; count: number; example: string }[] }
    const losses = result.notKept.map(({ what, count, example }) => ({ what, count, example }))
    expect(losses).toContainEqual({ what: 'device', count: 1, example: 'dev/null' })
    expect(losses).toContainEqual({ what: 'fifo', count: 1, example: 'dev/pipe' })
    rmSync(target, { recursive: true })
    const text = (await diskwright(['extract', image, '2:/@', '-o', target])).stdout
    expect(text).toContain('note: devices: left out (Node.js cannot create them): 1 entry, first dev/null\n')
  })

  test.skipIf(!isRoot || !requireJudge('setpriv'))('as an ordinary user', async () => {
    const home = join(folder, 'home')
    mkdirSync(home, { mode: 0o700 })
    for (const path of [folder, home]) chownSync(path, 65534, 65534)
    const target = join(home, 'target')
    const { code, stdout, stderr } = await runTool('setpriv', [
      ...['--reuid=65534', '--regid=65534', '--clear-groups'],
      ...[process.execPath, MAIN, 'extract', image, '2:', '-o', target, '--json'],
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { notKept } = JSON.parse(stdout) as { notKept: { what: string }[] }
    expect(notKept.map(({ what }) => what).sort()).toEqual(['device', 'fifo', 'owner', 'setid', 'time'])
    const { mode, uid } = lstatSync(join(target, '@/bin/sh'))
    expect({ mode: mode & 0o7777, uid }).toEqual({ mode: 0o755, uid: 65534 })
    expect(readFileSync(join(target, '@/etc/passwd'), 'utf8')).toBe('root:x:0:0\n')
    expect(readdirSync(home)).toEqual(['target'])
  })

  test.skipIf(!requireJudge('tar')).each(['out.tar', 'out.tar.gz', 'out.tar.zst'])('to %s', async (name) => {
    const output = join(folder, name)
    const { exit, stdout, stderr } = await diskwright(['extract', image, '2:', '--tar', output])
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
    expect(stdout).toContain('hard link')
    const list = (await mustRun('tar', ['-t', '-a', '-f', output])).stdout.split('\n')
    expect(list).toContain('@home/me/noise')
    expect(list).toContain('@/bin/bash')

    const again = await diskwright(['extract', image, '2:', '--tar', output])
    expect(again).toMatchObject({ exit: 1, stderr: `diskwright: ${output}: already exists; use --force\n` })
    expect(await diskwright(['extract', image, '2:', '--tar', output, '--force'])).toMatchObject({ exit: 0 })
  })

  test('to standard output, with the result on the other one', async () => {
    const { exit, stdout, stderr } = await diskwright(['extract', image, '1:', '--tar', '-'])
    expect(exit).toBe(0)
    expect(stdout).toContain('arm_64bit=1')
    expect(stderr).toMatch(/^standard output: 1 file, 1 directory/)
    const quiet = await diskwright(['extract', image, '1:', '--tar', '-', '--quiet'])
    expect(quiet.stderr).toBe('')
  })

  test('a stream of a subvolume, to a file and to standard output', async () => {
    const output = join(folder, 'home.stream')
    const args = ['extract', image, '2:/@home', '--send', '--proto', '2', '--compressed-data']
    const { exit, stdout, stderr } = await diskwright([...args, '-o', output])
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
    expect(stdout).toMatch(/home\.stream: \d+ commands, [\d.]+ [KM]iB in/)
    const commands = await dumpStream(output)
    expect(commands[0]).toMatch(/^subvol +\.\/@home /)
    expect(commands.some((line) => line.startsWith('mkfile') && line.includes('/me/noise'))).toBe(true)
    const toPipe = [MAIN, ...args, '-o', '-', '--quiet']
    const piped = execFileSync(process.execPath, toPipe, { maxBuffer: 64 << 20 })
    expect(piped.equals(readFileSync(output))).toBe(true)
  })

  test.each([
    [
      'a directory',
      ['2:/@/etc', '--send'],
      /expected a subvolume, found a directory or file in one; there are: "\/"/,
    ],
    ['FAT', ['1:', '--send'], /a stream of btrfs send is made of a subvolume of BTRFS, and this is fat32/],
    [
      'a parent that can be written to',
      ['2:/@home', '--send', '--parent', '/@'],
      /"\/@home" can be written to/,
    ],
  ])('no stream of %s', async (_, [place, ...args], message) => {
    const output = join(folder, 'none.stream')
    const { exit, stderr } = await diskwright(['extract', image, place, ...args, '-o', output])
    expect({ exit, exists: existsSync(output) }).toEqual({ exit: 1, exists: false })
    expect(stderr).toMatch(message)
  })

  test('the bytes of an archive do not depend on the number of workers', () => {
    const tars = ['0', '1', '3'].map((workers) => {
      const tar = join(folder, `workers-${workers}.tar.zst`)
      execFileSync(process.execPath, [MAIN, 'extract', image, '2:', '--tar', tar, '--workers', workers])
      return readFileSync(tar)
    })
    expect(tars[1].equals(tars[0]) && tars[2].equals(tars[0])).toBe(true)
  })

  test.each([
    ['nowhere', [], 'expected either --output DIR or --tar FILE'],
    ['to two places', ['-o', 'x', '--tar', 'y'], 'expected either --output DIR or --tar FILE'],
    ['with a level for a directory', ['-o', 'x', '--level', '3'], 'go with --tar'],
    ['a stream that is an archive', ['--send', '--tar', 'x'], 'expected either --send or --tar'],
    ['a parent of a directory', ['-o', 'x', '--parent', '/@'], 'go with --send'],
    ['compressed data in version 1', ['-o', 'x', '--send', '--compressed-data'], 'needs --proto 2'],
    ['version 3', ['-o', 'x', '--send', '--proto', '3'], 'whole number from 1 to 2'],
    ['two things on one standard output', ['--tar', '-', '--json'], '--json cannot be combined with'],
    ['all partitions at once', ['-o', 'x'], 'expected PART:PATH, where PART is one of'],
  ])('%s is wrong usage', async (_, args, message) => {
    const { exit, stdout, stderr } = await diskwright(['extract', image, ...args], { cwd: folder })
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^diskwright: [^\n]+\n$/)
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' })
    expect(existsSync(join(folder, 'x'))).toBe(false)
  })

  test('a reader that has enough of it ends it quietly', async () => {
    const child = spawn(process.execPath, [MAIN, 'cat', image, '2:/@home/me/noise'])
    child.stdout.once('data', () => child.stdout.destroy())
    let stderr = ''
    child.stderr.on('data', (text) => (stderr += String(text)))
    const code = await new Promise((done) => child.on('close', done))
    expect({ code, stderr }).toEqual({ code: 141, stderr: '' })
  })
})

describe('a damaged file system', () => {
  /** The bytes that a file's entry in the root of the FAT begins with. */
  const damage = (name: string, change: (entry: Buffer) => void): string => {
    const bytes = readFileSync(image)
    // 8.3 names are upper case; the long name comes before it.
    const at = bytes.indexOf('CONFIG  TXT', 1 << 20, 'latin1')
    expect(at).toBeGreaterThan(0)
    change(bytes.subarray(at, at + 32))
    const path = join(folder, name)
    writeFileSync(path, bytes)
    return path
  }

  test.each([
    ['a path', '../../EVILX'],
    ['one that leads up', '..         '],
  ])('whose entry has %s for a name puts nothing anywhere', async (_, shortName) => {
    const bad = damage('evil.img', (entry) => entry.write(shortName, 0, 'latin1'))
    const target = join(folder, 'evil')
    const { exit, stderr } = await diskwright(['extract', bad, '1:', '-o', target])
    // The name may be refused, or be made one that is harmless.
    if (exit !== 0) expect(stderr).toMatch(/^diskwright: [^\n]+\n$/)
    const made = existsSync(target) ? readdirSync(target, { recursive: true, encoding: 'utf8' }) : []
    expect(made.filter((path) => path.split('/').includes('..') || path.includes('EVILX'))).toEqual([])
    expect(readdirSync(folder).filter((name) => /EVIL|partial/.test(name))).toEqual([])
    expect(existsSync(join(folder, '../EVILX'))).toBe(false)
  })
})
