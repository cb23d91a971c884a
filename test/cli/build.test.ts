import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BuildResult } from '../../src/index.ts'
import { buildTar } from '../tar/build-tar.ts'
import { MAIN, diskwright } from './diskwright.ts'

const TAR = buildTar([
  { path: 'boot', type: 'directory' },
  { path: 'boot/Image', type: 'file', content: 'kernel'.repeat(10_000) },
  { path: 'etc', type: 'directory' },
  { path: 'etc/hosts', type: 'file', content: '127.0.0.1 localhost\n' },
])

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-build-'))
  writeFileSync(join(folder, 'closure.tar'), TAR)
})
afterEach(() => rmSync(folder, { recursive: true }))

const run = (...args: string[]) => diskwright(['build', ...args], { cwd: folder })

/** A small image: only BTRFS. */
function spec(change: object = {}): string {
  const root = { type: 'btrfs', size: 'fit', sources: [{ tar: 'closure.tar' }] }
  const content = { seed: 'test', table: { type: 'mbr' }, partitions: [root], ...change }
  writeFileSync(join(folder, 'spec.json'), JSON.stringify(content))
  return 'spec.json'
}

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(join(folder, file))) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}

describe('diskwright build', () => {
  it('says what it built, in words', async () => {
    const { exit, stdout, stderr } = await run('--closure', 'closure.tar', '-o', 'x.img.zst')
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
    expect(stdout).toMatch(
      /^x\.img\.zst: .* compressed, in .* s\n {2}1 {2}FAT32 {2}FIRMWARE .*\n {2}2 {2}BTRFS .* 2 files, .* 7 subvolumes/,
    )
  })

  it('says what it built, as JSON', async () => {
    const { exit, stdout, stderr } = await run('--closure', 'closure.tar', '-o', 'x.img', '--json')
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
    const result = JSON.parse(stdout) as BuildResult
    const size = statSync(join(folder, 'x.img')).size
    expect(result).toMatchObject({ output: 'x.img', format: 'img', imageSize: size, outputSize: size })
    expect(result.table).toEqual({ type: 'mbr', diskId: '0x2178694e' })
    expect(result.partitions[1]).toMatchObject({
      number: 2,
      type: 'btrfs',
      start: 513 * 2 ** 20,
      uuid: '44444444-4444-4444-8888-888888888889',
      files: 2,
      bytesIn: 60_020,
    })
    const subvolumes = (result.partitions[1] as Extract<BuildResult['partitions'][0], { type: 'btrfs' }>)
      .subvolumes
    expect(subvolumes.map(({ id, name, path, files }) => [id, name, path, files])).toEqual([
      [5, '', undefined, 0],
      [256, '@', '/', 1],
      [257, '@boot', '/boot', 1],
      [258, '@gnu', '/gnu', 0],
      [259, '@home', '/home', 0],
      [260, '@nix', '/nix', 0],
      [261, '@snapshots', '/.snapshots', 0],
      [262, '@var', '/var', 0],
    ])
  })

  it('says nothing with --quiet', async () => {
    expect(await run(spec(), '-o', 'x.img', '--quiet')).toEqual({ exit: 0, stdout: '', stderr: '' })
  })

  it('writes the same image to standard output, and words to standard error', async () => {
    await run(spec(), '-o', 'x.img')
    const target = openSync(join(folder, 'y.img'), 'w')
    const child = spawn(process.execPath, [MAIN, 'build', 'spec.json', '-o', '-'], {
      cwd: folder,
      stdio: ['ignore', target, 'pipe'],
    })
    closeSync(target)
    let stderr = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    expect(await new Promise((done) => child.on('close', done))).toBe(0)
    expect(stderr).toMatch(/^standard output: .* in .* s\n/)
    expect(await digest('y.img')).toBe(await digest('x.img'))
  })

  it('chooses the format by the name, or as told', async () => {
    for (const args of [['x.zst'], ['y', '--format', 'img.zst']]) {
      const { stdout } = await run(spec(), '--json', '-o', ...args)
      expect(JSON.parse(stdout)).toMatchObject({ format: 'img.zst' })
    }
    expect(await digest('x.zst')).toBe(await digest('y'))
  })

  it('replaces a file only with --force', async () => {
    writeFileSync(join(folder, 'x.img'), 'precious')
    const { exit, stdout, stderr } = await run(spec(), '-o', 'x.img')
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' })
    expect(stderr).toMatch(/^diskwright: x\.img: already exists; use --force\n$/)
    expect(statSync(join(folder, 'x.img')).size).toBe(8)
    expect(await run(spec(), '-o', 'x.img', '--force')).toMatchObject({ exit: 0 })
    expect(statSync(join(folder, 'x.img')).size).toBeGreaterThan(8)
  })

  it.each<[string, object, RegExp]>([
    [
      'a bad description',
      { partitions: [] },
      /^diskwright: spec\.json:1:\d+: partitions: expected at least one/,
    ],
    [
      'a missing source',
      { partitions: [{ type: 'btrfs', size: 'fit', sources: [{ tar: 'none.tar' }] }] },
      /^diskwright: .*none\.tar: /,
    ],
    [
      'a source that is no archive',
      { partitions: [{ type: 'btrfs', size: 'fit', sources: [{ tar: 'spec.json' }] }] },
      /^diskwright: .*spec\.json.*: /,
    ],
  ])('leaves nothing behind after %s', async (_, change, message) => {
    const { exit, stdout, stderr } = await run(spec(change), '-o', 'x.img')
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd()).not.toContain('\n')
    expect(readdirSync(folder).sort()).toEqual(['closure.tar', 'spec.json'])
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('leaves nothing behind after %s', async (signal, code) => {
    const child = spawn(process.execPath, [MAIN, 'build', '--closure', '-', '-o', 'x.img'], { cwd: folder })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const closed = new Promise((done) => child.on('close', done))
    // The archive never ends: only the signal ends the build.
    child.stdin.on('error', () => {}).write(TAR.subarray(0, 2048))
    while (readdirSync(folder).length < 2) await new Promise((done) => setTimeout(done, 10))
    child.kill(signal)
    expect(await closed).toBe(code)
    expect(stderr).toBe(`diskwright: interrupted by ${signal}\n`)
    expect(readdirSync(folder)).toEqual(['closure.tar'])
  })

  it('ends quietly when nobody reads the image', async () => {
    const args = [MAIN, 'build', spec(), '-o', '-', '--quiet']
    const child = spawn(process.execPath, args, { cwd: folder })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.stdout.once('data', () => child.stdout.destroy())
    expect(await new Promise((done) => child.on('close', done))).toBe(141)
    expect(stderr).toBe('')
  })
})
