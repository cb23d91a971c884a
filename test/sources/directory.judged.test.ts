import { execFileSync } from 'node:child_process'
import {
  appendFile,
  chmod,
  link,
  lutimes,
  mkdir,
  mkdtemp,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { toLatin1 } from '../../src/lib/byte-string.ts'
import { InputError } from '../../src/lib/errors.ts'
import { readDirectory } from '../../src/sources/directory.ts'
import { runTool } from '../judges/run-tool.ts'
import { collect } from '../tar/collect.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'read-directory-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const read = (path = folder) => collect(readDirectory(path))

test('names are bytes and come in their order, a directory before what it holds', async () => {
  for (const name of ['b', 'a', 'Z', 'é', 'a.b', 'a-b']) await mkdir(join(folder, name))
  await writeFile(join(folder, 'a', 'x'), '')
  await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff])]), '')
  expect((await read()).map(({ path }) => path)).toEqual([
    '',
    'Z',
    'a',
    'a/x',
    'a-b',
    'a.b',
    'b',
    '\xc3\xa9',
    '\xff',
  ])
})

test('metadata: modes and times as they are, owners not', async () => {
  const file = join(folder, 'file')
  await writeFile(file, 'hello')
  await chmod(file, 0o4751)
  execFileSync('touch', ['-d', '1969-12-31 23:59:58.123456789 UTC', file])
  await symlink('any\nwhere', join(folder, 'link'))
  await lutimes(join(folder, 'link'), 5, 5)
  execFileSync('touch', ['-d', '2040-01-01 00:00:00.000000001 UTC', folder])
  await chmod(folder, 0o1750)

  const owner = { uid: 0, gid: 0 }
  expect(await read()).toEqual([
    { path: '', type: 'directory', mode: 0o1750, ...owner, mtime: { sec: 2208988800, nsec: 1 } },
    {
      path: 'file',
      type: 'file',
      mode: 0o4751,
      ...owner,
      mtime: { sec: -2, nsec: 123_456_789 },
      size: 5,
      content: new Uint8Array(Buffer.from('hello')),
      repeatable: true,
    },
    {
      path: 'link',
      type: 'symlink',
      mode: 0o777,
      ...owner,
      mtime: { sec: 5, nsec: 0 },
      target: 'any\nwhere',
    },
  ])
  for (const entry of await collect(readDirectory(folder, { keepOwners: true }))) {
    expect(entry).toMatchObject({ uid: process.getuid!(), gid: process.getgid!() })
  }
})

test('hard links, and links from outside', async () => {
  await mkdir(join(folder, 'tree'))
  await writeFile(join(folder, 'outside'), 'x')
  await link(join(folder, 'outside'), join(folder, 'tree/a'))
  await writeFile(join(folder, 'tree/m'), 'y')
  await link(join(folder, 'tree/m'), join(folder, 'tree/b'))
  await link(join(folder, 'tree/m'), join(folder, 'tree/z'))
  const entries = await read(join(folder, 'tree'))
  expect(entries.map(({ path, type, target }) => [path, type, target])).toEqual([
    ['', 'directory', undefined],
    ['a', 'file', undefined],
    ['b', 'file', undefined],
    ['m', 'hardlink', 'b'],
    ['z', 'hardlink', 'b'],
  ])
})

test('fifos, sockets, devices', async () => {
  execFileSync('mkfifo', [join(folder, 'fifo')])
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve))
  const devices = [
    ['c1', 'c', 511, 70_000],
    ['d1', 'b', 4095, 1_048_575],
  ] as const
  let canMakeDevices = true
  for (const [name, type, major, minor] of devices) {
    const { code } = await runTool('mknod', [join(folder, name), type, String(major), String(minor)])
    canMakeDevices &&= code === 0
  }
  try {
    const entries = Object.fromEntries((await read()).map((entry) => [toLatin1(entry.path), entry]))
    expect(entries.fifo).toMatchObject({ type: 'fifo' })
    expect(entries.socket).toMatchObject({ type: 'socket' })
    if (!canMakeDevices) return void process.stderr.write('\n*** SKIPPED: making devices needs root ***\n')
    expect(entries.c1).toMatchObject({ type: 'character', major: 511, minor: 70_000 })
    expect(entries.d1).toMatchObject({ type: 'block', major: 4095, minor: 1_048_575 })
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
})

test('large content, in pieces', async () => {
  const content = Buffer.alloc(1_000_003, 'abcdefg')
  await writeFile(join(folder, 'large'), content)
  const [, large] = await read()
  expect(Buffer.compare(large.content!, content)).toBe(0)
})

test.each([
  ['grows', (file: string) => appendFile(file, 'x'), 'expected 300000 bytes, found 300001'],
  ['shrinks', (file: string) => truncate(file, 299_999), 'expected 300000 bytes, found 299999'],
  [
    'is replaced',
    async (file: string) => {
      await writeFile(`${file}2`, '')
      await rm(file)
      await symlink('file2', file)
    },
    /too many symbolic links|another one/,
  ],
  ['disappears', (file: string) => rm(file), 'no such file or directory'],
])('a file that %s meanwhile', async (_, change, message) => {
  const file = join(folder, 'file')
  await writeFile(file, Buffer.alloc(300_000, 1))
  const reading = (async () => {
    for await (const entry of readDirectory(folder)) {
      if (entry.type !== 'file') continue
      await change(file)
      for await (const piece of entry.content) expect(piece.length).toBeGreaterThan(0)
    }
  })()
  await expect(reading).rejects.toThrow(message)
  await expect(reading).rejects.toMatchObject({ source: folder, entry: 'file' })
})

test('a file that only says it is empty', async () => {
  // Files of /proc have no size and much to say.
  const reading = read('/proc/sys/kernel/random')
  await expect(reading).rejects.toThrow('expected 0 bytes, found more')
  await expect(reading).rejects.toBeInstanceOf(InputError)
})

test('missing, or no directory', async () => {
  await expect(read(join(folder, 'missing'))).rejects.toThrow(/missing: no such file or directory/)
  await writeFile(join(folder, 'file'), '')
  await expect(read(join(folder, 'file'))).rejects.toThrow('expected a directory')
  await expect(read(join(folder, 'file'))).rejects.toBeInstanceOf(InputError)
})

test('the root may be a symlink', async () => {
  await mkdir(join(folder, 'real'))
  await writeFile(join(folder, 'real/a'), '')
  await symlink('real', join(folder, 'alias'))
  expect((await read(join(folder, 'alias'))).map(({ path, type }) => [path, type])).toEqual([
    ['', 'directory'],
    ['a', 'file'],
  ])
})
