/** Caches, stores and exports that are not what they say. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { InputError } from '../../../src/lib/errors.ts'
import { narLength, narString } from '../../../src/sources/nix/nar-format.ts'
import { openSource, sourceInputs } from '../../../src/sources/open.ts'
import { StoreRegistry } from '../../../src/sources/nix/registry.ts'
import type { SourceSpec } from '../../../src/spec/sources/types.ts'
import { resolveSource } from '../../../src/spec/sources/table.ts'
import { collect, type Collected } from '../../tar/collect.ts'

const A = '00000000000000000000000000000000-a'
const B = '11111111111111111111111111111111-b'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-nix-faults-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const bytes = (...strings: string[]) =>
  Buffer.from(strings.map((each) => narString(each) as string).join(''), 'latin1')
const HASH = expect.stringMatching(/^[0-9a-f]{64}$/) as string
const number = (value: number) => Buffer.from(narLength(value) as string, 'latin1')
const narOf = (text: string) => bytes('nix-archive-1', '(', 'type', 'regular', 'contents', text, ')')
const sha256 = (data: Uint8Array) => `sha256:${createHash('sha256').update(data).digest('hex')}`

const open = (spec: SourceSpec, registry?: StoreRegistry, maxSize?: number) =>
  openSource(
    resolveSource(spec, {
      name: '',
      time: { sec: 0, nsec: 0 },
      resolvePath: (path) => resolve(folder, path),
    }),
    { registry, maxSize },
  )
const read = async (...source: Parameters<typeof open>) => collect(await open(...source))
const paths = (entries: Collected[]) => entries.map(({ path }) => path)
const registrationOf = (entries: Collected[]) => Buffer.from(entries.at(-1)!.content!).toString()

describe('a binary cache', () => {
  /** With A, which refers to itself and to B, which refers to A: a circle. */
  function makeCache(change: (text: string, path: string) => string = (text) => text): SourceSpec {
    mkdirSync(join(folder, 'nar'))
    for (const [path, references] of [
      [A, `${A} ${B}`],
      [B, A],
    ]) {
      const nar = narOf(`content of ${path}`)
      const file = gzipSync(nar)
      writeFileSync(join(folder, 'nar', `${path}.nar.gz`), file)
      const text = [
        `StorePath: /nix/store/${path}`,
        `URL: nar/${path}.nar.gz`,
        'Compression: gzip',
        `FileHash: ${sha256(file)}`,
        `FileSize: ${file.length}`,
        `NarHash: ${sha256(nar)}`,
        `NarSize: ${nar.length}`,
        `References: ${references}`,
        '',
      ].join('\n')
      writeFileSync(join(folder, `${path.slice(0, 32)}.narinfo`), change(text, path))
    }
    return { nix: { binaryCache: '.', paths: ['a'] } }
  }

  test.each(['gzip', 'br'])('that expands to more than is allowed, by %s', async (compression) => {
    const nar = narOf('0'.repeat(100_000))
    const file = compression === 'br' ? brotliCompressSync(nar) : gzipSync(nar)
    mkdirSync(join(folder, 'nar'))
    writeFileSync(join(folder, 'nar/a'), file)
    const hashes = `FileHash: ${sha256(file)}\nFileSize: ${file.length}\nNarHash: ${sha256(nar)}\nNarSize: ${nar.length}`
    const text = `StorePath: /nix/store/${A}\nURL: nar/a\nCompression: ${compression}\n${hashes}\nReferences: \n`
    writeFileSync(join(folder, `${A.slice(0, 32)}.narinfo`), text)
    const reading = (maxSize?: number) =>
      read({ nix: { binaryCache: '.', paths: ['a'] } }, undefined, maxSize)
    expect(paths(await reading())).toContain(`nix/store/${A}`)
    await expect(reading(nar.length - 1)).rejects.toThrow('expands to more than the')
    expect(paths(await reading(nar.length))).toContain(`nix/store/${A}`)
  })

  test('is followed by references, in circles, too', async () => {
    const entries = await read(makeCache())
    expect(paths(entries)).toEqual([`nix/store/${A}`, `nix/store/${B}`, 'nix-path-registration'])
    expect(registrationOf(entries)).toMatch(new RegExp(`^/nix/store/${A}\n[0-9a-f]{64}\n\\d+\n\n2\n`))
  })

  const onlyA = (from: string | RegExp, to: string) => (text: string, path: string) =>
    path === A ? text.replace(from, to) : text
  test.each<[string, (text: string, path: string) => string, RegExp | string]>([
    ['with another hash of the NAR', onlyA(/(?<=NarHash: sha256:)./, '@'), 'NarHash: expected a SHA-256'],
    [
      'whose NAR has another hash',
      onlyA(/NarHash: .*/, `NarHash: ${sha256(narOf('x'))}`),
      'expected a NAR with sha256:',
    ],
    [
      'whose NAR is shorter',
      onlyA(/NarSize: .*/, 'NarSize: 1000'),
      'expected a NAR of 1000 bytes, found 160',
    ],
    ['whose NAR is longer', onlyA(/NarSize: .*/, 'NarSize: 100'), 'expected a NAR of 100 bytes, found more'],
    [
      'whose file has another hash',
      onlyA(/FileHash: .*/, `FileHash: ${sha256(narOf('x'))}`),
      'expected a file with sha256:',
    ],
    ['whose file is shorter', onlyA(/FileSize: .*/, 'FileSize: 1000'), 'expected a file of 1000 bytes'],
    [
      'whose file is longer',
      onlyA(/FileSize: .*/, 'FileSize: 10'),
      'expected a file of 10 bytes, found more',
    ],
    ['whose file is missing', onlyA(/URL: .*/, 'URL: nar/x'), /nar\/x: no such file or directory/],
    ['whose file is a directory', onlyA(/URL: .*/, 'URL: nar'), /nar: expected a file/],
    [
      'that is for another path',
      onlyA(A, B),
      `expected a StorePath with the hash ${A.slice(0, 32)}, found /nix/store/${B}`,
    ],
    [
      'with a reference that is missing',
      onlyA('References:', `References: ${'2'.repeat(32)}-c`),
      `entry "/nix/store/${'2'.repeat(32)}-c": is not in the cache, and /nix/store/${A} refers to it`,
    ],
    [
      'with a reference of another name',
      onlyA(` ${B}`, ` ${B}b`),
      `entry "/nix/store/${B}b": is not in the cache: found /nix/store/${B} with the same hash`,
    ],
    ['that says brotli', onlyA('Compression: gzip', 'Compression: br'), 'damaged or truncated brotli data'],
  ])('%s', async (_, change, message) => {
    const spec = makeCache(change)
    await expect(read(spec)).rejects.toThrow(message)
    await expect(read({ ...spec })).rejects.toBeInstanceOf(InputError)
  })

  test('of another store, or none', async () => {
    const spec = makeCache()
    writeFileSync(join(folder, 'nix-cache-info'), 'StoreDir: /nix/store\nPriority: 40\n')
    await read(spec)
    writeFileSync(join(folder, 'nix-cache-info'), 'StoreDir: /gnu/store\n')
    await expect(read(spec)).rejects.toThrow('expected a cache for /nix/store, found one for "/gnu/store"')
    await expect(read({ nix: { binaryCache: 'none', paths: ['a'] } })).rejects.toThrow(
      /none: no such file or directory/,
    )
  })

  test.each([
    ['x', 'no store path in the cache has the name "x"'],
    ['2'.repeat(32), `no store path in the cache has the hash "${'2'.repeat(32)}"`],
    [`${A}a`, `entry "/nix/store/${A}a": is not in the cache: found /nix/store/${A}`],
  ])('asked for %s', async (asked, message) => {
    makeCache()
    await expect(read({ nix: { binaryCache: '.', paths: [asked] } })).rejects.toThrow(message)
  })

  test('with two paths of a name', async () => {
    makeCache((text) => text.replaceAll(B, `${B.slice(0, 33)}a`).replace(/URL.*a\.nar/, `URL: nar/${B}.nar`))
    await expect(read({ nix: { binaryCache: '.', paths: ['a'] } })).rejects.toThrow(
      /several store paths have the name "a": \/nix\/store\/0+-a, \/nix\/store\/1+-a/,
    )
  })

  test('of which two sources of one store take something: one registration has all', async () => {
    makeCache()
    writeFileSync(join(folder, A), 'another')
    const registry = new StoreRegistry()
    const first = await read({ nix: { binaryCache: '.', paths: ['b'] } }, registry)
    expect(await read({ nix: { binaryCache: '.', paths: ['a'] } }, registry)).toEqual(first)
    await expect(read({ nix: { store: '.', paths: [A], registration: true } }, registry)).rejects.toThrow(
      'its content differs from that of an earlier source',
    )
  })
})

describe('a store', () => {
  function makeStore(): SourceSpec {
    mkdirSync(join(folder, A))
    writeFileSync(join(folder, A, 'file'), `/nix/store/${B}\n`)
    symlinkSync(`/nix/store/${A}/file`, join(folder, B))
    return { nix: { store: '.', paths: [B, `/nix/store/${A}`, B], registration: true } }
  }

  test('paths in their order, each once, and their references', async () => {
    const entries = await read(makeStore())
    expect(paths(entries)).toEqual([
      `nix/store/${A}`,
      `nix/store/${A}/file`,
      `nix/store/${B}`,
      'nix-path-registration',
    ])
    expect(registrationOf(entries).split('\n')).toEqual([
      ...[`/nix/store/${A}`, HASH, '328', '', '1', `/nix/store/${B}`],
      ...[`/nix/store/${B}`, HASH, '168', '', '1', `/nix/store/${A}`, ''],
    ])
  })

  test.each([
    [`/nix/store/${A}/bin`, 'expected a store path'],
    ['/etc', 'expected a store path like "/nix/store/<hash>-<name>", found "/etc"'],
    [`${'3'.repeat(32)}-none`, /entry "\/nix\/store\/3+-none": no such file or directory/],
  ])('asked for %s', async (asked, message) => {
    makeStore()
    await expect(read({ nix: { store: '.', paths: [asked] } })).rejects.toThrow(message)
  })

  test('an image may lie in the store that is read, but not in a path that it takes', async () => {
    const context = {
      name: '',
      time: { sec: 0, nsec: 0 },
      resolvePath: (path: string) => resolve('/x', path),
    }
    const inputs = (spec: SourceSpec) => sourceInputs(resolveSource(spec, context))
    expect(await inputs({ nix: { store: 's', paths: [A, `/nix/store/${B}`] } })).toEqual([
      { kind: 'directory', path: `/x/s/${A}` },
      { kind: 'directory', path: `/x/s/${B}` },
    ])
    expect(await inputs({ nix: { paths: 'list' } })).toEqual([{ kind: 'file', path: '/x/list' }])
    expect(await inputs({ nix: { closureInfo: 'i' } })).toEqual([{ kind: 'directory', path: '/x/i' }])
    expect(await inputs({ nix: { binaryCache: 'c', paths: 'list' } })).toEqual([
      { kind: 'file', path: '/x/list' },
      { kind: 'directory', path: '/x/c' },
    ])
  })

  test('an empty list', async () => {
    writeFileSync(join(folder, 'list'), '\n')
    await expect(read({ nix: { paths: 'list' } })).rejects.toThrow(/list: expected store paths, found none/)
  })

  test('closureInfo that does not fit', async () => {
    makeStore()
    const info = (change: (text: string) => string, list = `/nix/store/${A}\n/nix/store/${B}\n`) => {
      writeFileSync(join(folder, 'store-paths'), list)
      writeFileSync(join(folder, 'registration'), change(registration))
      return read({ nix: { store: '.', closureInfo: '.' } })
    }
    const registration = registrationOf(
      await read({ nix: { store: '.', paths: [A, B], registration: true } }),
    )
    expect(registrationOf(await info((text) => text))).toBe(registration)
    await expect(info((text) => text.replace('328', '440'))).rejects.toThrow(
      `entry "/nix/store/${A}": expected a NAR of 440 bytes, found 328`,
    )
    await expect(info((text) => text.replace(/^[0-9a-f]{64}$/m, '0'.repeat(64)))).rejects.toThrow(
      'expected a NAR with sha256:0000',
    )
    await expect(info((text) => text, `/nix/store/${A}\n`)).rejects.toThrow(
      `store-paths: entry "/nix/store/${B}": is registered, but not among the store paths`,
    )
    await expect(info((text) => text.slice(0, text.indexOf(`/nix/store/${B}`, 130)))).rejects.toThrow(
      'registr',
    )
    await expect(info(() => '')).rejects.toThrow(`registration: entry "/nix/store/${A}": is not registered`)
  })
})

describe('an export', () => {
  const member = (path: string, references: string[], content: string) =>
    Buffer.concat([
      ...[
        number(1),
        narOf(content),
        number(0x4558494e),
        bytes(`/nix/store/${path}`),
        number(references.length),
      ],
      ...references.map((each) => bytes(`/nix/store/${each}`)),
      ...[bytes(''), number(0)],
    ])
  const whole = () => Buffer.concat([member(A, [], 'x'.repeat(500)), member(B, [A], 'y'), number(0)])
  const readExport = (data: Uint8Array) => {
    writeFileSync(join(folder, 'export'), data)
    return read({ nar: 'export' })
  }

  test('is put into the store, with its registration', async () => {
    const entries = await readExport(whole())
    expect(paths(entries)).toEqual([`nix/store/${A}`, `nix/store/${B}`, 'nix-path-registration'])
    expect(registrationOf(entries)).toMatch(new RegExp(`\n\n1\n/nix/store/${A}\n$`))
  })

  test('that ends anywhere before its end', async () => {
    const data = whole()
    for (let length = 0; length < data.length; length += 4) {
      const reading = readExport(data.subarray(0, length))
      await expect(reading, `${length}`).rejects.toBeInstanceOf(InputError)
      await expect(reading, `${length}`).rejects.toThrow(
        /export at offset \d+: (truncated|expected a Nix archive)/,
      )
    }
  })

  test.each([
    [
      'a reference that is not in it',
      Buffer.concat([member(B, [A], 'y'), number(0)]),
      `refers to /nix/store/${A}, which is in no source`,
    ],
    ['more behind it', Buffer.concat([whole(), number(0)]), 'expected nothing after the end'],
    [
      'a path that is none',
      Buffer.concat([member('x', [], ''), number(0)]),
      /export at offset \d+: expected a store path, found "\/nix\/store\/x"/,
    ],
    [
      'another mark',
      Buffer.from(whole().toString('latin1').replace('NIXE', 'NIXF'), 'latin1'),
      /export at offset 6\d\d: expected 1163413838 after a NAR, found/,
    ],
    [
      'one path with two contents',
      Buffer.concat([member(A, [], '1'), member(A, [], '2'), number(0)]),
      'its content differs from that of an earlier source',
    ],
  ])('with %s', async (_, data, message) => {
    const reading = readExport(data)
    await expect(reading).rejects.toThrow(message)
    await expect(reading).rejects.toBeInstanceOf(InputError)
  })

  test.each([
    [
      'a program',
      '#!/bin/sh\n',
      'export at offset 0: expected a Nix archive (NAR) or the output of nix-store --export',
    ],
    ['a tar archive', `${'x'.repeat(257)}ustar`, 'this is a tar archive: expected a Nix archive'],
    ['nothing', '', 'truncated'],
    ['a directory', undefined, 'found a directory'],
  ])('that is %s', async (_, text, message) => {
    if (text === undefined) mkdirSync(join(folder, 'export'))
    else writeFileSync(join(folder, 'export'), text)
    await expect(read({ nar: 'export' })).rejects.toThrow(message)
  })
})
