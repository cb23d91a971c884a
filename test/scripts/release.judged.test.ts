/** The archive of a release, as npm and Nix take it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mustRun } from '../judges/run-tool.ts'
import { REPOSITORY } from '../judges/nix.ts'

let folder: string
let archives: Buffer[]
let printed: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-release-'))
  archives = []
  for (const name of ['first', 'second']) {
    const made = await mustRun(process.execPath, [
      join(REPOSITORY, 'scripts/release.mjs'),
      join(folder, name),
    ])
    printed = made.stdout
    const archive = readdirSync(join(folder, name)).find((file) => file.endsWith('.tar.gz'))!
    archives.push(readFileSync(join(folder, name, archive)))
    await mustRun('tar', ['-xzf', join(folder, name, archive), '-C', folder])
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { version: string }
const unpacked = () => join(folder, `diskwright-${version}`)

test('the same sources make the same bytes', () => {
  expect(archives[1].equals(archives[0])).toBe(true)
})

test('what is printed is the hash, as openssl has it', async () => {
  const archive = join(folder, 'second', `diskwright-${version}.tar.gz`)
  const { stdout } = await mustRun('bash', ['-c', 'openssl dgst -sha256 -binary "$0" | base64 -w0', archive])
  expect(printed).toContain(`sha256-${stdout}\n`)
})

test('the command runs where it is unpacked, with packages of the library and none of the tests', async () => {
  const { stdout } = await mustRun(join(unpacked(), 'dist/cli/main.js'), ['--version'])
  expect(stdout).toBe(`${version}\n`)
  const { dependencies } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  expect(readdirSync(join(unpacked(), 'node_modules')).sort()).toEqual(Object.keys(dependencies).sort())
  const library = await mustRun(process.execPath, [
    ...[
      '--input-type=module',
      '-e',
      'const { buildImage } = await import(process.argv[1]); console.log(typeof buildImage)',
    ],
    join(unpacked(), 'dist/index.js'),
  ])
  expect(library.stdout).toBe('function\n')
})

test('npm installs it without a registry', async () => {
  const prefix = join(folder, 'prefix')
  mkdirSync(prefix)
  const archive = join(folder, 'first', `diskwright-${version}.tar.gz`)
  await mustRun('npm', ['install', '--global', '--offline', '--omit=optional', '--prefix', prefix, archive])
  const { stdout } = await mustRun(join(prefix, 'bin/diskwright'), ['--version'])
  expect(stdout).toBe(`${version}\n`)
})

test('no owner, time or order of this machine is in it', async () => {
  const { stdout } = await mustRun('tar', [
    ...['-tzv', '--numeric-owner', '--full-time', '--utc'],
    ...['-f', join(folder, 'first', `diskwright-${version}.tar.gz`)],
  ])
  const lines = stdout.trimEnd().split('\n')
  for (const line of lines) {
    expect(line).toMatch(/^-rw(-r--r--|xr-xr-x) 0\/0 +\d+ 1970-01-01 00:00:00 diskwright-/)
  }
  const names = lines.map((line) => line.slice(line.indexOf('diskwright-')))
  expect(names).toEqual([...names].sort())
})
