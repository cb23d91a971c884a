/** Extraction into directories: what is there afterwards, and what never is. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeDirectory } from '../../../src/image/extract/extract-to.ts'
import { memorySource } from '../../../src/lib/byte-source.ts'
import { directory, fakeFileSystem, file, symlink, type FakeInode } from './fake-reader.ts'

let folder: string
let target: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-extract-'))
  target = join(folder, 'target')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const isRoot = process.getuid?.() === 0
const extract = (root: FakeInode, options = {}) => writeDirectory(fakeFileSystem(root), target, options)
/** Everything below the folder, so that nothing goes unseen that landed beside the target. */
const all = () => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()

describe('what is kept', () => {
  test('names, content, modes, times, links', async () => {
    const twice = file('twice', { nlink: 2, mode: 0o600 })
    const link = symlink('nowhere', { nlink: 2, mtime: { sec: 77, nsec: 0 } })
    const result = await extract(
      directory(
        [
          ['a', twice],
          ['closed', directory([['b', twice]], { mode: 0o500, mtime: { sec: -5, nsec: 250_000_000 } })],
          ['empty', file('', { mode: 0o755, mtime: { sec: 1, nsec: 999_999_000 } })],
          ['link', link],
          ['link2', link],
          ['\xff\xfe\n', file('bytes')],
        ],
        { mode: 0o711, mtime: { sec: 4_000_000_000, nsec: 123_456_000 } },
      ),
    )
    expect(result).toEqual({
      directories: 2,
      files: 3,
      symlinks: 1,
      hardLinks: 2,
      specials: 0,
      contentBytes: 10,
      notKept: [],
    })
    const at = (path: string) => lstatSync(join(target, path), { bigint: true })
    expect(at('a').ino).toBe(at('closed/b').ino)
    expect(readFileSync(join(target, 'closed/b'), 'utf8')).toBe('twice')
    expect(readlinkSync(join(target, 'link2'))).toBe('nowhere')
    expect(at('link').ino === at('link2').ino).toBe(process.platform === 'linux')
    expect(readdirSync(target, { encoding: 'buffer' })).toContainEqual(Buffer.from([0xff, 0xfe, 0x0a]))
    const modes = ['', 'a', 'closed', 'empty'].map((path) => at(path).mode & 0o7777n)
    expect(modes).toEqual([0o711n, 0o600n, 0o500n, 0o755n])
    const times = ['', 'closed', 'empty', 'link'].map((path) => at(path).mtimeNs)
    expect(times).toEqual([4_000_000_000_123_456_000n, -4_750_000_000n, 1_999_999_000n, 77_000_000_000n])
    expect(readdirSync(folder)).toEqual(['target'])
  })

  test('holes, also of files that are larger than the disk', async () => {
    const size = 2 ** 41
    const ranges = [
      { offset: 4096, length: 4096 },
      { offset: 2 ** 40, length: 2 ** 20 + 4096 },
    ]
    await extract(
      directory([
        ['sparse', file('', { size, ranges })],
        ['hole', file('', { size, ranges: [] })],
      ]),
    )
    const { blocks } = statSync(join(target, 'sparse'))
    expect(statSync(join(target, 'sparse')).size).toBe(size)
    expect(statSync(join(target, 'hole')).size).toBe(size)
    expect(blocks * 512).toBeLessThan(2 ** 22)
  })

  test('the same of a source that answers later', async () => {
    const source = { size: 1, read: () => Promise.resolve(new Uint8Array(1)) }
    const root = directory([
      ['d', directory([['f', file('x'.repeat(3 << 20))]])],
      ['g', file('small')],
    ])
    expect(await writeDirectory(fakeFileSystem(root, source), target)).toMatchObject({ files: 2 })
    expect(readFileSync(join(target, 'd/f'), 'utf8')).toBe('x'.repeat(3 << 20))
    expect(readFileSync(join(target, 'g'), 'utf8')).toBe('small')
  })

  test('a single file', async () => {
    const fileSystem = fakeFileSystem(file('alone'))
    await writeDirectory(fileSystem, target, { name: 'f' })
    expect(readFileSync(join(target, 'f'), 'utf8')).toBe('alone')
  })

  test.skipIf(!isRoot)('owners and setuid, for root', async () => {
    const root = directory([['f', file('', { uid: 1234, gid: 4_000_000_000, mode: 0o6755 })]], { uid: 77 })
    expect((await extract(root)).notKept).toEqual([])
    const { uid, gid, mode } = statSync(join(target, 'f'))
    expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 1234, gid: 4_000_000_000, mode: 0o6755 })
    expect(statSync(target).uid).toBe(77)
  })
})

test('what cannot be kept is counted, with an example', async () => {
  const { notKept, specials } = await extract(
    directory([
      ['fifo', { type: 'fifo' }],
      ['fifo2', { type: 'fifo' }],
      ['socket', { type: 'socket' }],
      ['null', { type: 'character', major: 1, minor: 3 }],
      ['f', file('', { xattrs: [{ name: 'user.a', value: new Uint8Array(1) }], flags: ['immutable'] })],
      ['g', file('', { mtime: { sec: 1, nsec: 1 } })],
    ]),
  )
  expect(notKept.map(({ what, count, example }) => [what, count, example])).toEqual([
    ['fifo', 2, 'fifo'],
    ['socket', 1, 'socket'],
    ['device', 1, 'null'],
    ['xattr', 1, 'f'],
    ['flags', 1, 'f'],
    ['time', 1, 'g'],
  ])
  expect(specials).toBe(0)
  expect(all()).toEqual(['target', 'target/f', 'target/g'])
})

describe('what means harm', () => {
  const loop = directory()
  loop.entries = [['again', directory([['and again', loop]])]]
  const shared = directory([['x', file()]])

  test.each<[string, FakeInode, RegExp]>([
    ['a name that leads up', directory([['..', file()]]), /names of files, found "\.\."/],
    ['a path for a name', directory([['../../evil', file()]]), /found "\.\.\/\.\.\/evil"/],
    ['an absolute name', directory([['/evil', file()]]), /found "\/evil"/],
    ['a name with a NUL', directory([['a\0b', file()]]), /found "a\\\\x00b"/],
    ['no name', directory([['', file()]]), /found ""/],
    ['a dot', directory([['.', directory()]]), /found "\."/],
    [
      'a directory under the name of a symlink',
      directory([
        ['a', symlink('/tmp')],
        ['a', directory([['evil', file()]])],
      ]),
      /every name once, found "a" twice/,
    ],
    ['a directory in itself', loop, /one name, found a second one/],
    [
      'a directory in two places',
      directory([
        ['a', shared],
        ['b', shared],
      ]),
      /directory "b" .* one name/,
    ],
    ['a symlink without a target', directory([['a', symlink('')]]), /symlink "a" .* a target, found none/],
    ['a target with a NUL', directory([['a', symlink('b\0c')]]), /a NUL in it/],
    ['too long a name', directory([['n'.repeat(300), file()]]), /nnn: .*ENAMETOOLONG/],
    ['less content than the size says', directory([['f', file('abc', { size: 5 })]]), /5 bytes.*found 3/],
    [
      'a size that no file has',
      directory([['f', file('', { size: 2 ** 53 - 1, ranges: [] })]]),
      /target: f: cannot write/,
    ],
  ])('%s is refused, and nothing is left', async (_, root, message) => {
    await expect(extract(root)).rejects.toThrow(message)
    expect(readdirSync(folder)).toEqual([])
  })

  test('symlinks lead nowhere while things are made', async () => {
    const outside = join(folder, 'outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'precious'), 'precious')
    await extract(
      directory([
        ['a', symlink(outside)],
        [
          'b',
          directory([
            ['a', symlink('../../outside')],
            ['precious', file('evil')],
          ]),
        ],
        ['c', symlink('../outside/precious', { mode: 0o777 })],
      ]),
    )
    expect(readdirSync(outside)).toEqual(['precious'])
    expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('precious')
    expect(readdirSync(folder)).toEqual(['outside', 'target'])
  })

  test.runIf(isRoot)('attributes of a symlink are not those of what it leads to', async () => {
    const outside = join(folder, 'outside')
    writeFileSync(outside, '')
    chmodSync(outside, 0o640)
    const before = lstatSync(outside)
    await extract(directory([['a', symlink(outside, { uid: 5, gid: 5, mode: 0o777 })]]))
    const after = lstatSync(outside)
    expect({ mode: after.mode, uid: after.uid, mtime: after.mtimeMs }).toEqual({
      mode: before.mode,
      uid: before.uid,
      mtime: before.mtimeMs,
    })
    expect(lstatSync(join(target, 'a')).uid).toBe(5)
  })
})

describe('the target', () => {
  const some = directory([
    ['d', directory([['new', file('new')]], { mode: 0o500 })],
    ['f', file('f')],
  ])

  test('may be empty, and keeps its own attributes', async () => {
    mkdirSync(target, { mode: 0o700 })
    await extract(some)
    expect(statSync(target).mode & 0o7777).toBe(0o700)
    expect(statSync(join(target, 'd')).mode & 0o7777).toBe(0o500)
    expect(all()).toEqual(['target', 'target/d', 'target/d/new', 'target/f'])
  })

  test('must not hold anything, unless forced', async () => {
    mkdirSync(join(target, 'd'), { recursive: true })
    writeFileSync(join(target, 'd/old'), 'old')
    writeFileSync(join(folder, 'elsewhere'), 'elsewhere')
    symlinkSync(join(folder, 'elsewhere'), join(target, 'f'))
    await expect(extract(some)).rejects.toThrow('target: the directory is not empty')
    expect(all()).toEqual(['elsewhere', 'target', 'target/d', 'target/d/old', 'target/f'])

    await extract(some, { force: true })
    expect(all()).toEqual(['elsewhere', 'target', 'target/d', 'target/d/new', 'target/d/old', 'target/f'])
    // The symlink was replaced, not followed.
    expect(readFileSync(join(folder, 'elsewhere'), 'utf8')).toBe('elsewhere')
    expect(lstatSync(join(target, 'f')).isFile()).toBe(true)
  })

  test('may hold a symlink where a directory is to be: that is in the way', async () => {
    mkdirSync(target)
    mkdirSync(join(folder, 'elsewhere'))
    symlinkSync(join(folder, 'elsewhere'), join(target, 'd'))
    await expect(extract(some, { force: true })).rejects.toThrow(/d: cannot replace a non-directory/)
    expect(all()).toEqual(['elsewhere', 'target', 'target/d'])
  })

  test('may hold a directory where a file is to be: that is in the way', async () => {
    mkdirSync(join(target, 'f'), { recursive: true })
    await expect(extract(some, { force: true })).rejects.toThrow(/f: cannot replace a directory/)
    expect(all()).toEqual(['target', 'target/f'])
  })

  test('is no file, and its parent is there', async () => {
    writeFileSync(target, '')
    await expect(extract(some)).rejects.toThrow('expected a directory')
    await expect(writeDirectory(fakeFileSystem(some), join(folder, 'no/such'))).rejects.toThrow('ENOENT')
  })

  test('is not there after an interruption', async () => {
    const controller = new AbortController()
    const entries = Array.from({ length: 2000 }, (_, i) => [`f${i}`, file('x')] as const)
    const onProgress = () => controller.abort(new Error('enough'))
    await expect(
      extract(directory([['closed', directory([], { mode: 0o500 })], ...entries]), {
        signal: controller.signal,
        onProgress,
      }),
    ).rejects.toThrow('enough')
    expect(existsSync(target)).toBe(false)
    expect(readdirSync(folder)).toEqual([])
  })
})

test('reading that fails is told as it is', async () => {
  const source = {
    ...memorySource(new Uint8Array(1)),
    readSync: () => {
      throw new RangeError('no bytes')
    },
  }
  await expect(writeDirectory(fakeFileSystem(directory(), source), target)).rejects.toThrow('no bytes')
  expect(readdirSync(folder)).toEqual([])
})

describe('a failure after everything is in its place', () => {
  const before = () => {
    mkdirSync(join(target, 'd'), { recursive: true })
    writeFileSync(join(target, 'd/old'), 'old')
    writeFileSync(join(target, 'f'), 'old')
    chmodSync(join(target, 'd'), 0o750)
  }
  const state = () =>
    all().map((path) => {
      const { mode, mtimeMs } = lstatSync(join(folder, path))
      return [path, mode, Math.floor(mtimeMs)]
    })

  test('takes back what was moved, and what was there before stays', async () => {
    before()
    const known = state()
    const bad = directory([['deep', file('deep')]], { mtime: { sec: NaN, nsec: 0 } })
    const root = directory([
      ['bad', bad],
      ['d', directory([['new', file('new')]], { mode: 0o700 })],
      ['f', file('new')],
    ])
    await expect(extract(root, { force: true })).rejects.toThrow()
    expect(state()).toEqual(known)
    expect(readFileSync(join(target, 'f'), 'utf8')).toBe('old')
  })

  test('is followed by a run that goes well', async () => {
    before()
    const root = directory([
      ['d', directory([['new', file('new')]], { mode: 0o700 })],
      ['f', file('new')],
    ])
    await extract(root, { force: true })
    expect(all()).toEqual(['target', 'target/d', 'target/d/new', 'target/d/old', 'target/f'])
    expect(readFileSync(join(target, 'f'), 'utf8')).toBe('new')
    expect(lstatSync(join(target, 'd')).mode & 0o777).toBe(0o700)
  })
})

describe('an abort', () => {
  test.each([
    ['a new directory', () => undefined, []],
    ['an existing one', () => mkdirSync(target), ['target']],
  ])('gets through while symlinks are made, and nothing is left: %s', async (_, prepare, left) => {
    prepare()
    const controller = new AbortController()
    const links = Array.from({ length: 1200 }, (_, i): [string, FakeInode] => [`l${i}`, symlink('x')])
    const fileSystem = fakeFileSystem(directory([...links, ['z-last', file('last')]]))
    const { reader } = fileSystem
    const open = reader.open.bind(reader)
    let opened = 0
    reader.open = (ref) => {
      // No entry is read after the last one: only making symlinks is left to be interrupted.
      if (++opened === links.length + 2) setImmediate(() => controller.abort(new Error('enough')))
      return open(ref)
    }
    const extracting = writeDirectory(fileSystem, target, { signal: controller.signal })
    await expect(extracting).rejects.toThrow('enough')
    expect(all()).toEqual(left)
  })
})
