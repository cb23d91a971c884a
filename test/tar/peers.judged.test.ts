/** Archives of GNU tar and of Python through our reader, and those of our tests' builder through theirs. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  ftruncateSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { chmod, chown, link, lstat, lutimes, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toBytes, type ByteString } from '../../src/lib/byte-string.ts'
import type { Xattr } from '../../src/file-tree/entry.ts'
import { readDirectory } from '../../src/sources/directory.ts'
import { readTarEntries } from '../../src/tar/read/entries.ts'
import { findTool, mustRun, requireJudge, runTool } from '../judges/run-tool.ts'
import { arbitraryEntry, arbitraryPlainEntry, arbitrarySparse } from './arbitrary-entries.ts'
import { buildTar, type TarInput } from './build-tar.ts'
import { collect, inPieces, type Collected } from './collect.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tar-peers-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const hex = (text: ByteString | Uint8Array) =>
  Buffer.from(typeof text === 'string' ? toBytes(text) : text).toString('hex')

const hash = (content: Uint8Array | undefined) =>
  content && createHash('sha256').update(content).digest('hex')

/** All that both sides say of an entry, bytes in hexadecimal. */
function plain(entry: Collected | TarInput): Record<string, unknown> {
  const { path, type, mode, uid = 0, gid = 0, mtime } = entry
  const common = { path: hex(path), type, mode, uid, gid, mtime: mtime as object }
  const xattrs = (entry.xattrs ?? []) as Xattr[]
  return {
    ...common,
    ...(xattrs.length > 0 ? { xattrs: xattrs.map(({ name, value }) => [hex(name), hex(value)]) } : {}),
    ...('content' in entry ? { content: hex(entry.content as Uint8Array) } : {}),
    ...('target' in entry ? { target: hex(entry.target as string) } : {}),
    ...('major' in entry ? { major: entry.major, minor: entry.minor } : {}),
  }
}

describe.skipIf(!requireJudge('python3'))('Python', () => {
  const script = join(import.meta.dirname, 'tarfile-peer.py')

  test('reads what the builder makes', async () => {
    const tar = join(folder, 'built.tar')
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryEntry, { minLength: 1, maxLength: 40 }), async (inputs) => {
        writeFileSync(tar, buildTar(inputs))
        const { stdout } = await mustRun('python3', [script, 'list', tar])
        expect(JSON.parse(stdout)).toEqual(inputs.map(plain))
      }),
      { numRuns: 8 },
    )
  })

  test.each(['gnu', '0.0', '0.1', '1.0'] as const)('reads sparse files of format %s', async (sparse) => {
    const tar = join(folder, 'built-sparse.tar')
    await fc.assert(
      fc.asyncProperty(fc.array(arbitrarySparse, { minLength: 1, maxLength: 5 }), async (contents) => {
        const inputs = contents.map((content, i): TarInput => ({
          path: `f${i}`,
          type: 'file',
          mode: 0o644,
          content,
          sparse,
        }))
        writeFileSync(tar, buildTar(inputs))
        const { stdout } = await mustRun('python3', [script, 'list', tar])
        const told = inputs.map((input) => plain({ ...input, mtime: { sec: 0, nsec: 0 } }))
        expect(JSON.parse(stdout)).toEqual(told)
        expect(
          (await collect(readTarEntries(createReadStream(tar, { highWaterMark: 700 }), tar))).map(plain),
        ).toEqual(told)
      }),
      { numRuns: 8 },
    )
  })

  test.each(['pax', 'gnu'])('its %s archives', async (format) => {
    const tar = join(folder, 'python.tar')
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryPlainEntry, { minLength: 1, maxLength: 40 }), async (inputs) => {
        const entries = inputs.map((input) => ({ ...input, mtime: { sec: input.mtime.sec, nsec: 0 } }))
        const input = JSON.stringify(entries.map(plain))
        await mustRun('python3', [script, 'make', tar, format], { input })
        expect((await collect(readTarEntries(createReadStream(tar), tar))).map(plain)).toEqual(
          entries.map(plain),
        )
      }),
      { numRuns: 8 },
    )
  })
})

describe.skipIf(!requireJudge('tar'))('GNU tar', () => {
  const isRoot = process.getuid?.() === 0
  let tree: string
  let inHost: Collected[]

  beforeAll(async () => {
    tree = join(folder, 'tree')
    await mkdir(join(tree, 'dir'), { recursive: true })
    await writeFile(join(tree, 'dir/file'), 'hello')
    await link(join(tree, 'dir/file'), join(tree, 'link'))
    await symlink('../nowhere', join(tree, 'dir/symlink'))
    await writeFile(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe, 0x20, 0x5c, 0x6e])]), '')
    await writeFile(join(tree, 'big'), Buffer.alloc(3_000_001, 'abc'))
    await writeFile(join(tree, 'suid'), 'x')
    await chmod(join(tree, 'suid'), 0o6755)
    await chmod(join(tree, 'dir'), 0o1777)
    await mustRun('mkfifo', [join(tree, 'fifo')])
    if (isRoot) {
      await runTool('mknod', [join(tree, 'null'), 'c', '1', '3'])
      await runTool('mknod', [join(tree, 'disk'), 'b', '259', '70000'])
      await chown(join(tree, 'big'), 1000, 4_000_000)
    }
    await lutimes(join(tree, 'big'), 1_234_567_890.25, 1_234_567_890.25)
    await lutimes(join(tree, 'dir/symlink'), 5, 5_000_000_000.5)
    await lutimes(join(tree, 'dir'), 7, 7)
    inHost = await collect(readDirectory(tree))
    for (const entry of inHost) {
      const path = Buffer.concat([Buffer.from(`${tree}/`), toBytes(entry.path)])
      const { uid, gid } = await lstat(path)
      Object.assign(entry, { uid, gid })
    }
  })

  /** The formats before pax know whole seconds, and short names. */
  const inFormat = (entries: Collected[], format: string) =>
    entries.map((entry) =>
      format === 'posix' ? plain(entry) : { ...plain(entry), mtime: { ...(entry.mtime as object), nsec: 0 } },
    )

  test.each(['posix', 'gnu', 'oldgnu', 'ustar', 'v7'])('its %s archives', async (format) => {
    const isOld = format === 'v7' || format === 'ustar'
    const host = inHost.filter(({ type, uid, gid }) => {
      if (isOld && Math.max(uid as number, gid as number) >= 2 ** 21) return false
      return format !== 'v7' || !['fifo', 'block', 'character'].includes(type)
    })
    const tar = join(folder, `${format}.tar`)
    const list = join(folder, 'list')
    const names = host.flatMap(({ path }) => [Buffer.from('./'), toBytes(path), Buffer.from([0])])
    writeFileSync(list, Buffer.concat(names))
    await mustRun('tar', ['-C', tree, '--no-recursion', '-cf', tar, '-H', format, '--null', '-T', list])
    const entries = await collect(readTarEntries(createReadStream(tar), tar))
    expect(inFormat(entries, format)).toEqual(inFormat(host, format))
  })

  test('long names and links in every format that has them', async () => {
    const long = join(folder, 'long')
    const deep = `${'d'.repeat(120)}/${'e'.repeat(200)}`
    await mkdir(join(long, deep), { recursive: true })
    await symlink('t'.repeat(300), join(long, deep, 's'))
    await writeFile(join(long, deep, 'f'), 'x')
    await link(join(long, deep, 'f'), join(long, deep, 'g'))
    for (const format of ['posix', 'gnu', 'oldgnu']) {
      const tar = execFileSync('tar', ['-C', long, '--sort=name', '-cf', '-', '-H', format, '.'])
      async function* chunks() {
        yield await Promise.resolve(tar)
      }
      const entries = await collect(readTarEntries(chunks(), 'long'))
      expect(entries.map(({ path }) => path)).toEqual([
        '',
        'd'.repeat(120),
        deep,
        `${deep}/f`,
        `${deep}/g`,
        `${deep}/s`,
      ])
      expect(entries[4]).toMatchObject({ type: 'hardlink', target: `${deep}/f` })
      expect(entries[5]).toMatchObject({ type: 'symlink', target: 't'.repeat(300) })
    }
  })

  test('sparse files in all of its ways', async () => {
    const sparse = join(folder, 'sparse-files')
    await mkdir(sparse)
    const write = (name: string, size: number, parts: Record<number, string>) => {
      const fd = openSync(join(sparse, name), 'w')
      for (const [at, text] of Object.entries(parts)) writeSync(fd, text, Number(at))
      ftruncateSync(fd, size)
      closeSync(fd)
    }
    write('hole', 1 << 20, {})
    write('first', 1 << 20, { 0: 'x'.repeat(5000) })
    write('last', 1_000_001, { 1_000_000: 'x' })
    const many = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [i * 16384 + 8192, `${i}`.repeat(300)]),
    )
    write('many', 4 << 20, many)
    const host = await collect(readDirectory(sparse))
    for (const options of [
      ['-H', 'gnu'],
      ['-H', 'oldgnu'],
      ...['0.0', '0.1', '1.0'].map((v) => ['-H', 'posix', `--sparse-version=${v}`]),
    ]) {
      const tar = execFileSync('tar', [
        '-C',
        sparse,
        '--sort=name',
        '--owner=0',
        '--group=0',
        '-cSf',
        '-',
        ...options,
        '.',
      ])
      const entries = await collect(readTarEntries(inPieces(tar, 4096), 's.tar'))
      const told = (all: Collected[]) =>
        all.map(({ path, size, content }) => ({ path, size, content: hash(content) }))
      expect(told(entries), options.join(' ')).toEqual(told(host))
      expect(entries.find(({ path }) => path === 'many')?.ranges).toHaveLength(200)
    }
  })

  test('incremental archives and volume labels are refused', async () => {
    for (const [options, message] of [
      [['-g', join(folder, 'snapshot-1')], 'incremental'],
      [['-H', 'posix', '-g', join(folder, 'snapshot-2')], 'incremental'],
      [['-H', 'gnu', '-V', 'label'], 'volume headers'],
    ] as const) {
      const tar = execFileSync('tar', ['-C', tree, '-cf', '-', ...options, 'dir'], { stdio: 'pipe' })
      async function* chunks() {
        yield await Promise.resolve(tar)
      }
      await expect(collect(readTarEntries(chunks(), 's.tar')), options.join(' ')).rejects.toThrow(message)
    }
  })

  test.skipIf(!findTool('setfattr'))('extended attributes', async () => {
    const file = join(folder, 'with=attr')
    await writeFile(file, 'x')
    const set = (name: string, value: string) => runTool('setfattr', ['-n', name, '-v', value, file])
    const supported = (await set('user.a=b%c', '0x000a3dff')).code === 0
    if (!supported)
      return void process.stderr.write('\n*** SKIPPED: no extended attributes in the temporary folder ***\n')
    await set('user.empty', '""')
    const tar = execFileSync('tar', ['-C', folder, '--xattrs', '-cf', '-', 'with=attr'])
    async function* chunks() {
      yield await Promise.resolve(tar)
    }
    const [entry] = await collect(readTarEntries(chunks(), 'x.tar'))
    const xattrs = new Map((entry.xattrs as Xattr[]).map(({ name, value }) => [name, hex(value)]))
    expect(xattrs).toEqual(
      new Map([
        ['user.a=b%c', '000a3dff'],
        ['user.empty', ''],
      ]),
    )
  })

  test("the builder's archives are listed alike", async () => {
    const tar = join(folder, 'listed.tar')
    writeFileSync(
      tar,
      buildTar([
        { path: '', type: 'directory', mtime: { sec: 1, nsec: 2 } },
        {
          path: 'f',
          type: 'file',
          content: 'hello',
          mode: 0o4711,
          uid: 3_000_000_000,
          gid: 7,
          mtime: { sec: 2 ** 33, nsec: 5 },
        },
        { path: 'c', type: 'character', major: 4095, minor: 1_048_575 },
        { path: 'h', type: 'hardlink', target: 'f' },
        { path: 's', type: 'symlink', target: 't'.repeat(150) },
      ]),
    )
    const { stdout } = await mustRun('tar', ['-tvf', tar, '--full-time', '--numeric-owner'])
    expect(stdout.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual([
      'drwxr-xr-x 0/0 0 1970-01-01 00:00:01.000000002 ./',
      '-rws--x--x 3000000000/7 5 2242-03-16 12:56:32.000000005 f',
      'crw-r--r-- 0/0 4095,1048575 1970-01-01 00:00:00 c',
      'hrw-r--r-- 0/0 0 1970-01-01 00:00:00 h link to f',
      `lrw-r--r-- 0/0 0 1970-01-01 00:00:00 s -> ${'t'.repeat(150)}`,
      '',
    ])
    expect(readFileSync(tar).length % 512).toBe(0)
  })
})
