/** Archives of our writer: through our reader, GNU tar, bsdtar and Python. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SourceEntry, Xattr } from '../../src/file-tree/entry.ts'
import { fromText } from '../../src/lib/byte-string.ts'
import { aclFromText } from '../../src/tar/acl-text.ts'
import { readTarEntries } from '../../src/tar/read/entries.ts'
import { expectedImage } from '../images/expected-image.ts'
import { compareTree } from '../judges/expected.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { walk } from '../judges/walk.ts'
import { arbitraryEntry, arbitrarySparse } from './arbitrary-entries.ts'
import { buildTar, type TarInput } from './build-tar.ts'
import { collect, inPieces, type Collected } from './collect.ts'
import { sampleEntries } from './sample-entries.ts'
import { headerOf, writeTar } from '../image/extract/write-tar.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-tar-write-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const read = (tar: Uint8Array) => collect(readTarEntries(inPieces(tar, 100_000), 'x.tar'))

/** What is left out in our archives means the same as when it is said. */
function plain(entry: Collected): Collected {
  const { mtime } = entry as unknown as SourceEntry
  const { type, path, target, ...rest } = entry
  if (type === 'hardlink') return { type, path, target }
  return { atime: mtime, ctime: mtime, birthtime: mtime, ...rest, type, path, ...(target ? { target } : {}) }
}

describe('our reader', () => {
  test('reads the same as of other archives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryEntry, { maxLength: 30 }), async (inputs) => {
        const ours = (await read(await writeTar(inputs))).map(plain)
        const others = (await read(buildTar(inputs))).map(plain)
        expect(ours).toEqual(others)
      }),
      { numRuns: 60 },
    )
  })

  test('reads sparse files, whatever the map', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitrarySparse, { maxLength: 4 }), async (contents) => {
        const inputs = [...contents, new Uint8Array(70_000)].map((content, i): TarInput => ({
          path: `${'\xff'.repeat(i)}f`,
          type: 'file',
          content,
          sparse: '1.0',
          mtime: { sec: -i, nsec: 0 },
        }))
        expect((await read(await writeTar(inputs))).map(plain)).toEqual(
          (await read(buildTar(inputs))).map(plain),
        )
      }),
      { numRuns: 30 },
    )
  })

  test('reads sizes, ids and times at the limits of the fields', async () => {
    const limits = [0o7777777, 0o10000000, 2 ** 32 - 1]
    const inputs = limits.map((id): TarInput => ({ path: `${id}`, type: 'fifo', uid: id, gid: id }))
    const times = [-1, 0o77777777777, 0o100000000000, 2 ** 40].map((sec): TarInput => ({
      path: `t${sec}`,
      type: 'directory',
      mtime: { sec, nsec: 999_999_999 },
    }))
    const devices = [4095].map((major): TarInput => ({
      path: 'dev',
      type: 'block',
      major,
      minor: 2 ** 20 - 1,
    }))
    const all = [...inputs, ...times, ...devices]
    expect((await read(await writeTar(all))).map(plain)).toEqual((await read(buildTar(all))).map(plain))
    const large: TarInput = {
      path: 'large',
      type: 'file',
      content: '',
      sparse: '1.0',
      sparseMap: { size: 2 ** 45, map: [[2 ** 44, 2 ** 33]] },
    }
    expect(headerOf(large).toString('latin1')).toContain(`size=${2 ** 33 + 512}\n`)
    expect(headerOf(large).toString('latin1')).toContain(`GNU.sparse.realsize=${2 ** 45}\n`)
  })

  const acl = (text: string, kind: 'access' | 'default') => aclFromText(text, kind)!.value!
  const access = acl('user::rwx,user:7:r-x,group::r-x,group:4000000:---,mask::r-x,other::---', 'access')

  test.each([
    ['as text', 0o750, access, 'SCHILY.acl.access=user::rwx,user:7:r-x,group::r-x,group:4000000:---'],
    ['as bytes where the mode differs', 0o777, access, 'SCHILY.xattr.system.posix_acl_access='],
  ])('reads an ACL %s', async (_, mode, value, record) => {
    const xattrs = [{ name: 'system.posix_acl_access', value }]
    const input: TarInput = { path: 'f', type: 'file', mode, xattrs }
    expect(headerOf(input).toString('latin1')).toContain(record)
    expect(await read(await writeTar([input]))).toMatchObject([{ mode, xattrs }])
  })

  test('reads a default ACL, also the shortest', async () => {
    const xattrs = [{ name: 'system.posix_acl_default', value: acl('u::rwx,g::r-x,o::---', 'default') }]
    const input: TarInput = { path: 'd', type: 'directory', xattrs }
    expect(headerOf(input).toString('latin1')).toContain('SCHILY.acl.default=user::rwx,group::r-x,other::---')
    expect(await read(await writeTar([input]))).toMatchObject([{ xattrs }])
  })
})

test('names that fit ustar take no extended header', () => {
  const sizeOf = (path: string) => headerOf({ path, type: 'file' }).length
  expect(sizeOf('a'.repeat(100))).toBe(512)
  expect(sizeOf(`${'p'.repeat(155)}/${'n'.repeat(100)}`)).toBe(512)
  expect(sizeOf(`${'p'.repeat(156)}/${'n'.repeat(99)}`)).toBe(1536)
  expect(sizeOf('a'.repeat(101))).toBe(1536)
  expect(sizeOf('gr\xc3\xbc\xc3\x9fe')).toBe(1536)
  // No place to split: the slash at the end is part of the name.
  expect(headerOf({ path: 'd'.repeat(100), type: 'directory' }).length).toBe(1536)
  expect(headerOf({ path: `e/${'d'.repeat(99)}`, type: 'directory' }).length).toBe(512)
})

interface Listed {
  path: string
  xattrs?: [name: string, value: string][]
}

const expected = expectedImage([{ entries: sampleEntries }])
  .get('')!
  // No tar sets the one, and nobody can set the other.
  .map((entry) => ({ ...entry, atime: undefined, ctime: undefined }))

describe.skipIf(!requireJudge('python3'))('Python', () => {
  const script = join(import.meta.dirname, './tarfile-peer.py')

  test('lists what we wrote', async () => {
    const [ours, others] = [join(folder, 'ours.tar'), join(folder, 'others.tar')]
    // What a second name says of itself besides its target is not to be heeded.
    const inputs = sampleEntries.map((input) =>
      input.type === 'hardlink' ? { ...input, mode: 0o644 } : input,
    )
    writeFileSync(ours, await writeTar(inputs))
    writeFileSync(others, buildTar(inputs))
    const list = async (tar: string) =>
      JSON.parse((await mustRun('python3', [script, 'list', tar])).stdout) as Listed[]
    const withoutAcl = ({ xattrs = [], ...rest }: Listed) => ({
      ...rest,
      xattrs: xattrs.filter(([name]) => !name.startsWith(Buffer.from('system').toString('hex'))),
    })
    expect((await list(ours)).map(withoutAcl)).toEqual((await list(others)).map(withoutAcl))
  })
})

const isRoot = process.getuid?.() === 0

describe.skipIf(!isRoot)('extracted as root', () => {
  const extract = async (tool: string, inputs: TarInput[], options: string[], locale: string) => {
    const target = mkdtempSync(join(folder, 'target-'))
    const tar = `${target}.tar`
    writeFileSync(tar, await writeTar(inputs))
    const common = [
      '-x',
      '-f',
      tar,
      '-C',
      target,
      '-p',
      '--xattrs',
      '--acls',
      '--same-owner',
      '--numeric-owner',
    ]
    const { stderr } = await mustRun(tool, [...common, ...options], { env: { LC_ALL: locale } })
    return { stderr, found: await walk(target) }
  }

  test.skipIf(!requireJudge('tar')).each(['C', 'C.UTF-8'])('by GNU tar in the locale %s', async (locale) => {
    const { stderr, found } = await extract('tar', sampleEntries, ['--xattrs-include=*'], locale)
    // It takes names as bytes without being told.
    const complaints = stderr.split('\n').filter((line) => !/'hdrcharset'|in the future|^$/.test(line))
    expect(complaints).toEqual([])
    expect(compareTree('tar', expected, found)).toEqual([])
  })

  test.skipIf(!requireJudge('bsdtar'))('by bsdtar', async () => {
    // It takes "=" in the names of attributes for something else, and leaves the folder itself alone.
    const simple = (xattrs: readonly Xattr[]) => xattrs.filter(({ name }) => !name.includes('%'))
    const inputs = sampleEntries.map((input) =>
      input.xattrs ? { ...input, xattrs: simple(input.xattrs) } : input,
    )
    const { stderr, found } = await extract('bsdtar', inputs, [], 'C.UTF-8')
    expect(stderr).toBe('')
    const readable = expected.map((entry) => ({
      ...entry,
      ...(entry.path === '' && { mtime: undefined }),
      ...(entry.xattrs && entry.xattrs !== 'unknown' && { xattrs: simple(entry.xattrs) }),
    }))
    expect(compareTree('bsdtar', readable, found)).toEqual([])
  })
})

test('text in UTF-8 is text to others', async () => {
  expect(headerOf({ path: fromText('größe'), type: 'fifo' }).toString()).not.toContain('hdrcharset')
  expect(headerOf({ path: '\xff', type: 'fifo' }).toString('latin1')).toContain('21 hdrcharset=BINARY\n')
  expect((await read(await writeTar([{ path: '\xff', type: 'fifo' }])))[0].path).toBe('\xff')
})
