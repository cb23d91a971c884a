import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noise, text } from '../images/build.ts'
import { diskwright } from './diskwright.ts'
import { buildReadable, entries } from './read-image.ts'

let folder: string
let image: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-diff-'))
  image = await buildReadable(folder, 'disk.img')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const changed = (path: string, change: object) =>
  entries.map((entry) => (entry.path === path ? { ...entry, ...change } : entry))

describe('diff', () => {
  test('of an image and its compressed form says nothing', async () => {
    const packed = await buildReadable(folder, 'disk.img.zst')
    expect(await diskwright(['diff', image, packed])).toEqual({ exit: 0, stdout: '', stderr: '' })
    const json = await diskwright(['diff', image, packed, '--json'])
    expect(json).toEqual({ exit: 0, stdout: '[]\n', stderr: '' })
  })

  const sh = text(300_000)
  test.each<[string, typeof entries, string[]]>([
    [
      'a mode and an owner',
      changed('etc/passwd', { mode: 0o600, uid: 0 }),
      ['2:/@/etc/passwd: mode: 0640 -> 0600', '2:/@/etc/passwd: uid: 1000 -> 0'],
    ],
    [
      'content, of all names of a file but once',
      changed('bin/sh', {
        content: new Uint8Array([...sh.subarray(0, 200_000), 0xff, ...sh.subarray(200_001)]),
      }),
      ['2:/@/bin/bash: content: 0x6c at 200000 -> 0xff at 200000'],
    ],
    [
      'a size',
      changed('home/me/noise', { content: noise(2_500_001) }),
      ['2:/@home/me/noise: size: 2500000 -> 2500001'],
    ],
    [
      'times',
      changed('home/sticky', { mtime: { sec: -2, nsec: 5 } }),
      ['mtime', 'atime', 'ctime', 'birthtime'].map(
        (what) =>
          `2:/@home/sticky: ${what}: 1969-12-31T23:59:59.000000000Z -> 1969-12-31T23:59:58.000000005Z`,
      ),
    ],
    ['a target', changed('etc/link', { target: 'pass\x1b' }), ['2:/@/etc/link: target: passwd -> pass\\x1b']],
    ['a device', changed('dev/null', { minor: 5 }), ['2:/@/dev/null: device: 1:3 -> 1:5']],
    ['a type', changed('dev/pipe', { type: 'file' }), ['2:/@/dev/pipe: type: fifo -> file']],
    [
      'attributes',
      changed('etc/passwd', { xattrs: [{ name: 'user.a', value: new Uint8Array([1, 2]) }] }),
      ['2:/@/etc/passwd: xattr user.a: none -> 0102'],
    ],
    [
      'what is not there, and what is new',
      [...changed('dev/pipe', { path: 'dev/qipe' }), { path: 'new/x', type: 'directory' }],
      ['2:/@/dev/pipe: removed (fifo)', '2:/@/dev/qipe: added (fifo)', '2:/@/new: added (directory)'],
    ],
    [
      'links',
      changed('bin/bash', {
        type: 'file',
        content: sh,
        mode: 0o4755,
        mtime: { sec: 1_600_000_000, nsec: 5 },
      }),
      ['2:/@/bin/sh: link: /@/bin/bash -> none'],
    ],
  ])('tells %s', async (_, inputs, expected) => {
    const other = await buildReadable(folder, 'other.img', { inputs })
    const { exit, stdout, stderr } = await diskwright(['diff', image, other])
    const lines = stdout.split('\n').filter((line) => line.includes(':/'))
    expect(lines).toEqual(expected)
    expect({ exit, stderr }).toEqual({ exit: 1, stderr: '' })
  })

  test('tells what images and file systems say of themselves', async () => {
    const other = await buildReadable(folder, 'other.img', { seed: 'other', label: 'OTHER' })
    const { exit, stdout } = await diskwright(['diff', image, other])
    expect(exit).toBe(1)
    expect(stdout).toMatch(/^image: disk id: 0x[0-9a-f]{8} -> 0x[0-9a-f]{8}$/m)
    expect(stdout).toMatch(/^1: uuid: [0-9A-F]{4}-[0-9A-F]{4} -> /m)
    expect(stdout).toMatch(/^2: label: ROOT -> OTHER$/m)
    expect(stdout).toMatch(/^2: subvolume \/@home: id 257, [0-9a-f]{32} -> id 257, [0-9a-f]{32}$/m)
    const ignoring = ['disk id', 'uuid', 'label', 'subvolume /', 'subvolume /@', 'subvolume /@home'].join()
    expect(await diskwright(['diff', image, other, '--ignore', ignoring])).toEqual({
      exit: 0,
      stdout: '',
      stderr: '',
    })
    const json = JSON.parse((await diskwright(['diff', image, other, '--json'])).stdout) as object[]
    expect(json).toContainEqual({ partition: 2, path: null, what: 'label', a: 'ROOT', b: 'OTHER' })
  })

  test('has an exit code of its own for trouble', async () => {
    const none = await diskwright(['diff', image, join(folder, 'none.img')])
    expect(none).toMatchObject({ exit: 2, stdout: '' })
    expect(none.stderr).toMatch(/^diskwright: [^\n]+none\.img[^\n]+\n$/)
    writeFileSync(join(folder, 'empty.img'), '')
    expect(await diskwright(['diff', image, join(folder, 'empty.img')])).toMatchObject({ exit: 1 })
    expect(await diskwright(['diff', image])).toMatchObject({ exit: 2 })
  })
})
