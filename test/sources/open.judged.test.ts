import { execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { InputError } from '../../src/lib/errors.ts'
import { openSource, sourceSize } from '../../src/sources/open.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { buildTar } from '../tar/build-tar.ts'
import { collect, exhaust, takeOne } from '../tar/collect.ts'

const content = Buffer.alloc(3_000_000, 'some content, ')
const tar = buildTar([
  { path: 'a', type: 'file', content },
  { path: 'b', type: 'symlink', target: 'a' },
])
let folder: string
let files: Record<string, string>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'open-source-'))
  files = {
    plain: join(folder, 'a.tar'),
    gzip: join(folder, 'a.tar.gz'),
    zstd: join(folder, 'no-telling-name'),
  }
  await writeFile(files.plain, tar)
  await writeFile(files.gzip, gzipSync(tar))
  if (requireJudge('zstd')) execFileSync('zstd', ['-q', files.plain, '-o', files.zstd])
  await mkdir(join(folder, 'tree'))
  await writeFile(join(folder, 'tree/a'), content)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const source = (path: string, kind: 'tar' | 'directory' = 'tar') => ({
  kind,
  path,
  to: 'ignored',
  merge: 'follow' as const,
})

/** Files of the test's folder that this process has open (Linux tells). */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(folder) ? [path] : []
    } catch {
      return []
    }
  })
}

describe.each(['plain', 'gzip', 'zstd'])('a %s tar', (kind) => {
  test('its entries, and how far they are', async () => {
    const reads: number[] = []
    const entries = await collect(
      await openSource(source(files[kind]), { onRead: (bytes) => reads.push(bytes) }),
    )
    expect(entries.map(({ path, type }) => [path, type])).toEqual([
      ['a', 'file'],
      ['b', 'symlink'],
    ])
    expect(Buffer.compare(entries[0].content!, content)).toBe(0)
    expect(reads.at(-1)).toBe(await sourceSize(source(files[kind])))
    expect(reads).toEqual([...reads].sort((a, b) => a - b))
    expect(openFiles()).toEqual([])
  })

  test('is closed when it is left early', async () => {
    for await (const { path } of await openSource(source(files[kind]))) {
      expect([path, ...openFiles()]).toEqual(['a', files[kind]])
      break
    }
    expect(openFiles()).toEqual([])
    for await (const entry of await openSource(source(files[kind]))) {
      if (entry.type === 'file') await takeOne(entry.content)
      break
    }
    expect(openFiles()).toEqual([])
  })

  test('can be aborted', async () => {
    const controller = new AbortController()
    const reading = (async () => {
      for await (const entry of await openSource(source(files[kind]), { signal: controller.signal })) {
        controller.abort(new Error('enough'))
        if (entry.type === 'file') await exhaust(entry.content)
      }
    })()
    // A compressed file this small is read whole before its first entry.
    if (kind === 'plain') await expect(reading).rejects.toThrow('enough')
    else await reading
    const early = await openSource(source(files[kind]), { signal: AbortSignal.abort(new Error('never')) })
    await expect(collect(early)).rejects.toThrow('never')
    expect(openFiles()).toEqual([])
  })
})

test('a directory', async () => {
  const reads: number[] = []
  const plan = source(join(folder, 'tree'), 'directory')
  const entries = await collect(await openSource(plan, { onRead: (bytes) => reads.push(bytes) }))
  expect(entries.map(({ path }) => path)).toEqual(['', 'a'])
  expect(reads.at(-1)).toBe(content.length)
  for await (const entry of await openSource(plan)) {
    if (entry.type === 'file') await takeOne(entry.content)
  }
  expect(openFiles()).toEqual([])
})

test.each([
  ['tar', 'missing.tar', /missing\.tar: no such file or directory/],
  ['directory', 'missing', /missing: no such file or directory/],
  ['tar', 'tree', /tree: expected a file, found a directory/],
  ['directory', 'a.tar', /a\.tar: expected a directory/],
] as const)('%s %s', async (kind, name, message) => {
  const opening = collect(await openSource(source(join(folder, name), kind)))
  await expect(opening).rejects.toThrow(message)
  await expect(opening).rejects.toBeInstanceOf(InputError)
  expect(openFiles()).toEqual([])
})

test('truncated and corrupt files are closed, too', async () => {
  const file = join(folder, 'bad.tar')
  for (const bytes of [
    tar.subarray(0, 2_000_000),
    gzipSync(tar).subarray(0, 4000),
    Buffer.from('no archive'),
  ]) {
    await writeFile(file, bytes)
    await expect(collect(await openSource(source(file)))).rejects.toBeInstanceOf(InputError)
    expect(openFiles()).toEqual([])
  }
})
