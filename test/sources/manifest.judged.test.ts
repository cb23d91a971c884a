/** Manifests beside a directory: what bsdtar and mtree write of a tree that root made is true of the image. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildImage } from '../../src/index.ts'
import { fromBytes, fromText } from '../../src/lib/byte-string.ts'
import { InputError } from '../../src/lib/errors.ts'
import { MtreeReader } from '../../src/sources/manifest/mtree.ts'
import { inFolder } from '../images/build.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { walk } from '../judges/walk.ts'
import { comparableTree, imageOf, mountedSources, withMountedSources } from './mounted-source.ts'

const SETUP = `
umask 022; mkdir real && cd real && mkdir -p 'a dir/#sub' dev usr/bin
echo x > 'a dir/#sub/na\\me*?[' && printf y > "$(printf 'usr/b\\303\\244d\\377 name')" && printf z > "$(printf 'usr/new\\nline=')"
printf '#!/bin/sh\\n' > usr/bin/sudo && chown 12:34 usr/bin/sudo && chmod 4711 usr/bin/sudo && ln usr/bin/sudo usr/bin/s2
ln -s 'some where/é' usr/link && mknod -m 622 dev/console c 5 1 && mknod -m 660 dev/sd b 259 70000 && mkfifo -m 600 dev/fifo
chown -h 7:8 dev/sd usr/link 'a dir' && chmod 1777 'a dir'
find . -exec touch -hd '2021-03-04 05:06:07.000000089' {} +
# The same, as a user has it.
cp -r --no-preserve=all -P . ../user 2>/dev/null || true
rm -rf ../user && mkdir ../user && tar --exclude=./dev/console --exclude=./dev/sd --exclude=./dev/fifo -cf - . | tar -C ../user --no-same-owner -mxf -
find ../user ! -type l -exec chmod 0755 {} +
find ../user -exec chown -h 0:0 {} +
`

const inTree = (work: (folder: string) => Promise<void>) =>
  inFolder(async (folder) => {
    execFileSync('bash', ['-ec', SETUP], {
      cwd: folder,
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' },
    })
    await work(folder)
  })

const can = canJudgeWithKernel() && requireJudge('bsdtar') && requireJudge('mtree')

/** What writes a manifest of the tree that this is run in. */
const WRITERS: [string, string, string[]][] = [
  ['bsdtar --format=mtree', 'bsdtar', ['--format=mtree', '--options=mtree:all', '-cf', '-', '.']],
  [
    'bsdtar --format=mtree-classic',
    'bsdtar',
    ['--format=mtree-classic', '--options=mtree:sha256,mtree:md5', '-cf', '-', '.'],
  ],
  ['bsdtar with /set', 'bsdtar', ['--format=mtree', '--options=mtree:use-set,mtree:indent', '-cf', '-', '.']],
  [
    'NetBSD mtree -c',
    'mtree',
    ['-c', '-p', '.', '-K', 'uid,gid,mode,time,link,device,sha256,sha512,rmd160,size,cksum'],
  ],
]

describe.skipIf(!can)('a manifest', () => {
  test.each(WRITERS)("of %s makes root's tree of a user's", (_, tool, args) =>
    inTree(async (folder) => {
      const manifest = execFileSync(tool, args, { cwd: join(folder, 'real') })
      writeFileSync(join(folder, 'root.mtree'), manifest)
      const expected = await comparableTree(join(folder, 'real'))
      expect(await mountedSources(folder, [{ directory: 'user', manifest: 'root.mtree' }])).toEqual(expected)
      expect(expected.length).toBe(15)
    }),
  )

  test('of mtree -C, with whole paths', () =>
    inTree(async (folder) => {
      const real = join(folder, 'real')
      const classic = execFileSync('mtree', ['-c', '-p', '.', '-K', 'uid,gid,device'], { cwd: real })
      const flat = execFileSync('mtree', ['-C', '-K', 'uid,gid,device'], { cwd: real, input: classic })
      writeFileSync(join(folder, 'root.mtree'), flat)
      expect(flat.toString('latin1')).toContain('./usr/bin/sudo type=file')
      expect(await mountedSources(folder, [{ directory: 'user', manifest: 'root.mtree' }])).toEqual(
        await comparableTree(real),
      )
    }))

  test('in JSON: owners, modes, attributes, devices', () =>
    inTree(async (folder) => {
      cpSync(join(folder, 'user/usr/bin/sudo'), join(folder, 'user/plain'))
      rmSync(join(folder, 'user/usr'), { recursive: true })
      writeFileSync(join(folder, 'user/null'), '')
      const manifest = {
        '/': { mode: '0700', uid: 1 },
        '/plain': { uid: 1000, gid: 100, mode: '4755', mtime: 5, xattrs: { 'user.a': 'b' }, size: 10 },
        '/null': { type: 'character', major: 1, minor: 3, mode: '0666' },
        '/dev/console': { type: 'character', major: 5, minor: 1 },
        '/etc/passwd': { optional: true },
        '/a dir': { ignore: true },
      }
      writeFileSync(join(folder, 'root.json'), JSON.stringify(manifest))
      const found = await mountedSources(folder, [{ directory: 'user', manifest: 'root.json' }])
      expect(found.map(({ path }) => path)).toEqual(['', 'dev', 'dev/console', 'null', 'plain'])
      expect(found).toMatchObject([
        { mode: 0o700, uid: 1 },
        {},
        { type: 'character', major: 5, minor: 1, mode: 0o644 },
        { type: 'character', major: 1, minor: 3, mode: 0o666 },
        { uid: 1000, gid: 100, mode: 0o4755, mtime: [5, 0], xattrs: [['user.a', 'b']] },
      ])
    }))
})

test.skipIf(!can)('flags of a manifest are those of chattr', () =>
  inFolder(async (folder) => {
    mkdirSync(join(folder, 'tree/dir'), { recursive: true })
    writeFileSync(join(folder, 'tree/f'), 'x')
    writeFileSync(join(folder, 'root.mtree'), './f flags=schg,nodump\n./dir flags=uappnd\n. flags=none\n')
    const source = { directory: 'tree', manifest: 'root.mtree' }
    const flags = await withMountedSources(folder, [source], async (mountPoint) =>
      (await walk(mountPoint)).map((entry) => [entry.path, entry.flags?.join()]),
    )
    expect(Object.fromEntries(flags)).toEqual({ '': '', f: 'immutable,nodump', dir: 'append' })
  }),
)

test.skipIf(!can)('flags of a manifest in JSON are those of chattr', () =>
  inFolder(async (folder) => {
    mkdirSync(join(folder, 'tree/dir'), { recursive: true })
    writeFileSync(join(folder, 'tree/f'), 'x')
    const manifest = { '/f': { flags: ['nodump', 'immutable', 'nodump'] }, '/dir': { flags: ['sync'] } }
    writeFileSync(join(folder, 'root.json'), JSON.stringify(manifest))
    const source = { directory: 'tree', manifest: 'root.json' }
    const flags = await withMountedSources(folder, [source], async (mountPoint) =>
      (await walk(mountPoint)).map((entry) => [entry.path, entry.flags?.join()]),
    )
    expect(Object.fromEntries(flags)).toEqual({ '': '', f: 'immutable,nodump', dir: 'sync' })
  }),
)

test.skipIf(!can)("names of a manifest are those of the folder's own tables, where it is asked for", () =>
  inFolder(async (folder) => {
    mkdirSync(join(folder, 'tree/etc'), { recursive: true })
    for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, 'tree', name), name)
    writeFileSync(join(folder, 'tree/etc/passwd'), 'root:x:0:0::/:\nalice:x:1234:5::/:\n')
    writeFileSync(join(folder, 'tree/etc/group'), 'staff:x:50:\n')
    const owners = async (text: string, resolveNames: boolean) => {
      writeFileSync(join(folder, 'root.mtree'), text)
      const source = { directory: 'tree', manifest: 'root.mtree', resolveNames }
      const found = await withMountedSources(folder, [source], (mountPoint) => walk(mountPoint))
      return ['a', 'b', 'c'].map((name) => {
        const { uid, gid } = found.find(({ path }) => path === name)!
        return `${uid}:${gid}`
      })
    }
    const text =
      '/set uname=alice uid=7 gname=staff gid=8\n./a type=file\n./b gid=9 gname=other uid=6 uname=root\n./c uname=bob\n'
    expect(await owners(text, true)).toEqual(['1234:50', '0:9', '7:50'])
    expect(await owners(text, false)).toEqual(['7:8', '6:9', '7:8'])
    await expect(owners('./a uname=bob', true)).rejects.toThrow(
      "root.mtree: line 1: uname=bob without uid, and the folder's /etc/passwd does not have the name",
    )
    await expect(owners('./a gname=staff', false)).rejects.toThrow('"resolveNames"')
  }),
)

describe('a manifest that lies is an error', () => {
  const SHA = 'a'.repeat(64)
  test.each<[string, string, string]>([
    ['what is not there', './missing type=file uid=0', 'line 1: is not there'],
    ['another type', './f type=dir', 'line 1: expected a directory, found a file'],
    ['another size', './f size=5', 'line 1: expected 5 bytes, found 4'],
    ['another digest', `./f sha256digest=${SHA}`, `line 1: sha256: expected ${SHA}, found 9f86d081`],
    ['a device without numbers', './d type=char', 'line 1: a device without its numbers'],
    ['an unknown type', './f type=door', 'line 1: type: expected one of'],
    ['an unknown keyword', '\n./f colour=red', 'line 2: unknown keyword "colour"'],
    ['a bad mode', './f mode=0999', 'line 1: mode: expected permissions, found "0999"'],
    ['a bad number', './f uid=-1', 'line 1: uid: expected a number'],
    ['a bad time', './f time=now', 'line 1: time: expected seconds.nanoseconds'],
    ['an unknown name', './f uname=alice', 'line 1: uname=alice without uid'],
    ['a way up', './../f uid=0', 'its name has a ".." component'],
    ['an escape that is none', './\\q uid=0', 'escapes of vis(3)'],
    ['too many ways out', '..', 'line 1: ".." leaves the root'],
    ['a bad device', './d type=char device=native,5', 'line 1: device: expected numbers'],
    ['JSON that is none', '{"/f": ', 'root.mtree: '],
    [
      'JSON with a path that is there twice',
      '{"/f": {},\n "/\\u0066": {}}',
      'line 2, column 2: the key "/f" is a duplicate',
    ],
    ['JSON with a flag that Linux lacks', '{"/f": {"flags": ["arch"]}}', '["/f"].flags'],
    [
      'JSON with flags of a symlink',
      '{"/l": {"type": "symlink", "flags": ["nodump"]}}',
      '"/l": a symlink has no flags',
    ],
    ['JSON with another key', '{"/f": {"colour": 1}}', '["/f"].colour: unknown key'],
    ['JSON with a bad mode', '{"/f": {"mode": "rwx"}}', '["/f"].mode: expected permissions'],
    [
      'two owners of one file',
      './f uid=0\n./g uid=1',
      'a hard link to "f", for which the manifest has another uid',
    ],
  ])('%s', (_, text, message) =>
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'tree'))
      writeFileSync(join(folder, 'tree/f'), 'test')
      execFileSync('ln', ['f', 'g'], { cwd: join(folder, 'tree') })
      writeFileSync(join(folder, 'root.mtree'), text)
      const source = { directory: 'tree', manifest: 'root.mtree' }
      const building = buildImage(imageOf([source]), {
        output: join(folder, 'x.img'),
        baseDirectory: folder,
        workers: 0,
      })
      await expect(building).rejects.toThrow(message)
      await expect(building).rejects.toBeInstanceOf(InputError)
      expect(() => readFileSync(join(folder, 'x.img'))).toThrow('ENOENT')
    }),
  )
})

const name = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x5c : byte))))
  .filter((bytes) => !['.', '..'].includes(bytes.toString('latin1')))

test.skipIf(!can)('names of any bytes are read as bsdtar and mtree write them', () =>
  fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name, { minLength: 1, maxLength: 20, selector: (bytes) => bytes.toString('hex') }),
      (names) =>
        inFolder((folder) => {
          for (const bytes of names) writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), bytes]), '')
          const expected = names.map((bytes) => bytes.toString('latin1')).sort()
          for (const [, tool, args] of WRITERS) {
            const text = execFileSync(tool, args, { cwd: folder })
            const found = new MtreeReader('x').read(fromBytes(text))
            expect(
              [...found.keys()]
                .map(String)
                .filter((path) => path !== '')
                .sort(),
            ).toEqual(expected)
          }
          return Promise.resolve()
        }),
    ),
    { numRuns: 30 },
  ),
)

test('whatever a manifest holds, it is read or is an InputError', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '/set ',
      '/unset ',
      'all',
      '..',
      '\n',
      '\\\n',
      ' ',
      'type=',
      'dir',
      'file',
      'a/b ',
      'x',
      '\\',
      '\\M-',
      '\\^',
      '\\07',
      'uid=',
      '1',
      'mode=',
      '0755',
      'time=1.',
      'device=',
      'native,1,2',
      'link=',
      'sha256=',
      'flags=',
      '#',
      '=',
    ),
    fc.string({ maxLength: 3 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      try {
        new MtreeReader('x').read(fromText(pieces.join('')))
      } catch (error) {
        expect(error).toBeInstanceOf(InputError)
      }
    }),
    { numRuns: 2000 },
  )
})

test('long lines, long runs of blanks and many continued lines take no more than linear time', () => {
  const n = 1_000_000
  const reader = () => new MtreeReader('x')
  expect(
    reader()
      .read(fromText(`./a${' '.repeat(n)}uid=5${' '.repeat(n)}`))
      .get('a'),
  ).toMatchObject({ uid: 5 })
  expect(
    reader()
      .read(fromText(`./a uid=5${' \\\n'.repeat(n)}gid=6`))
      .get('a'),
  ).toMatchObject({ gid: 6 })
  expect(() => reader().read(fromText(`./a${'\\'.repeat(n)}`))).toThrow()
})
