/** The texts of Nix: registrations, narinfo files, signatures. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseNarInfo } from '../../../src/sources/nix/narinfo.ts'
import { formatRegistration, parseRegistration } from '../../../src/sources/nix/registration.ts'
import { StoreRegistry } from '../../../src/sources/nix/registry.ts'
import { isSigned, parseSignature, trustedKeys } from '../../../src/sources/nix/signature.ts'
import { isStorePathName, storePathName } from '../../../src/sources/nix/store-path.ts'

const A = '00000000000000000000000000000000-a'
const B = '11111111111111111111111111111111-b.0+c_d-e?f=g'
const HEX = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const SRI = 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
const BASE32 = 'sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73'

describe('names of store paths', () => {
  test.each([A, B, `${A.slice(0, 32)}-.hidden`, `${A.slice(0, 32)}-${'n'.repeat(211)}`])('%s', (name) => {
    expect(isStorePathName(name)).toBe(true)
    expect(storePathName(`/nix/store/${name}`)).toBe(name)
    expect(storePathName(name)).toBeUndefined()
  })

  test.each([
    '',
    'a',
    A.slice(0, 33),
    `e${A.slice(1)}`,
    `${A}/bin`,
    `${A}\n`,
    `${A} b`,
    `${A.slice(0, 32)}-..`,
    `${A.slice(0, 32)}-${'n'.repeat(212)}`,
    `/nix/store/${A}`,
  ])('%j is none', (name) => expect(isStorePathName(name)).toBe(false))
})

const REGISTRATION = `/nix/store/${A}
${HEX}
120

0
/nix/store/${B}
${HEX}
9007199254740991
/nix/store/${A.slice(0, 32)}-b.drv
2
/nix/store/${A}
/nix/store/${B}
`

describe('registrations', () => {
  test('are read and written', () => {
    const infos = parseRegistration(REGISTRATION, 'reg')
    expect(infos).toEqual([
      { path: A, narHash: HEX, narSize: 120, references: [], deriver: undefined },
      {
        ...{ path: B, narHash: HEX, narSize: Number.MAX_SAFE_INTEGER, references: [A, B] },
        deriver: `${A.slice(0, 32)}-b.drv`,
      },
    ])
    expect(formatRegistration(infos)).toBe(REGISTRATION)
    expect(parseRegistration(REGISTRATION.replaceAll(HEX, BASE32), 'reg')).toEqual(infos)
    expect(parseRegistration(REGISTRATION.replaceAll(HEX, SRI).slice(0, -1), 'reg')).toEqual(infos)
    expect(parseRegistration('', 'reg')).toEqual([])
  })

  const lines = REGISTRATION.split('\n').slice(0, -1)
  test('that end early say so', () => {
    for (let count = 1; count < lines.length; count++) {
      if (count === 5) continue
      const text = lines.slice(0, count).join('\n') + '\n'
      expect(() => parseRegistration(text, 'reg'), text).toThrow(
        /^reg: line \d+: expected .*, found the end$/,
      )
    }
  })

  test.each([
    [0, A, 'line 1: expected a store path'],
    [1, 'sha1:abc', 'line 2: expected a SHA-256 hash'],
    [2, '-1', 'line 3: expected the size of a NAR'],
    [2, '1e3', 'line 3: expected the size of a NAR'],
    [3, 'unknown', 'line 4: expected a deriver'],
    [4, '99999999999', 'line 5: expected the number of references'],
    [5, `/nix/store/${A}`, 'line 6: /nix/store/0{32}-a is registered twice'],
    [10, '/nix/store/x', 'line 11: expected a reference'],
  ])('line %s that is %j', (at, line, message) => {
    const text = lines.with(at, line).join('\n')
    expect(() => parseRegistration(text, 'reg')).toThrow(new RegExp(`^reg: ${message}`))
  })

  test('of several sources become one, which is whole', () => {
    const [a, b] = parseRegistration(REGISTRATION, 'reg')
    const registry = new StoreRegistry()
    registry.add(b, 'one')
    expect(() => registry.text('one')).toThrow(
      `one: entry "/nix/store/${B}": refers to /nix/store/${A}, which is in no source`,
    )
    registry.add(a, 'two')
    registry.add(a, 'three')
    expect(registry.text('two')).toBe(REGISTRATION)
    expect(() => registry.add({ ...a, narHash: HEX.replace('e', 'f') }, 'four')).toThrow(
      /^four: entry .*: its content differs from that of an earlier source/,
    )
  })
})

const NARINFO = `StorePath: /nix/store/${B}
URL: nar/x.nar.xz
Compression: xz
FileHash: ${BASE32}
FileSize: 100
NarHash: ${SRI}
NarSize: 200
References: ${A} ${B}
Deriver: ${A.slice(0, 32)}-b.drv
System: x86_64-linux
Sig: k:${Buffer.alloc(64).toString('base64')}
Sig: l:${Buffer.alloc(64, 1).toString('base64')}
CA: text:sha256:x
`

describe('narinfo', () => {
  test('is read', () => {
    expect(parseNarInfo(NARINFO, 'x')).toEqual({
      ...{ path: B, url: 'nar/x.nar.xz', compression: 'xz', fileHash: HEX, fileSize: 100 },
      ...{ narHash: HEX, narSize: 200, references: [A, B], deriver: `${A.slice(0, 32)}-b.drv` },
      signatures: [
        { name: 'k', bytes: Buffer.alloc(64) },
        { name: 'l', bytes: Buffer.alloc(64, 1) },
      ],
    })
    const least = `StorePath: /nix/store/${A}\nURL: x.nar\nNarHash: ${SRI}\nNarSize: 1\nDeriver: unknown-deriver\nReferences:\n`
    expect(parseNarInfo(least, 'x')).toEqual({
      ...{ path: A, url: 'x.nar', compression: 'bzip2', fileHash: undefined, fileSize: undefined },
      ...{ narHash: HEX, narSize: 1, references: [], deriver: undefined, signatures: [] },
    })
  })

  test.each([
    [/^StorePath.*\n/, '', 'StorePath is missing'],
    ['/nix/store/', '/gnu/store/', 'StorePath: expected a path in /nix/store'],
    [/URL.*\n/, '', 'URL is missing'],
    ['nar/x', '../x', 'URL: expected the path of a file in the cache'],
    ['nar/x', 'a/../../x', 'URL: expected the path of a file in the cache'],
    ['nar/x', '/etc/x', 'URL: expected the path of a file in the cache'],
    ['nar/x', 'http://evil/x', 'URL: expected the path of a file in the cache'],
    ['nar/x', 'file:x', 'URL: expected the path of a file in the cache'],
    [SRI, 'sha256:x', 'NarHash: expected a SHA-256 hash'],
    [BASE32, 'md5:x', 'FileHash: expected a SHA-256 hash'],
    [/NarHash.*\n/, '', 'NarHash is missing'],
    [/NarSize.*\n/, '', 'NarSize is missing'],
    ['200', '2e2', 'NarSize: expected a number of bytes'],
    ['200', '99999999999999999999', 'NarSize: expected a number of bytes'],
    [`References: ${A}`, 'References: ../x', 'References: expected names of store paths, found "../x"'],
    ['Deriver: ', 'Deriver: /', 'Deriver: expected names of store paths'],
    ['Sig: k:', 'Sig: k', 'Sig: expected a name and a signature'],
    ['System', 'NarSize: 1\nSystem', 'NarSize appears twice'],
    ['System: ', 'System ', 'line 10: expected a key'],
  ])('%s replaced by %j', (from, to, message) => {
    expect(() => parseNarInfo(NARINFO.replace(from, to), 'x.narinfo')).toThrow(`x.narinfo: ${message}`)
  })
})

describe('signatures', () => {
  test('are over path, hash, size and sorted references', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const info = { path: B, narHash: HEX, narSize: 200, references: [B, A], deriver: undefined }
    const line = `1;/nix/store/${B};${BASE32};200;/nix/store/${A},/nix/store/${B}`
    const made = sign(null, Buffer.from(line), privateKey).toString('base64')
    const x = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url').toString('base64')
    const keys = trustedKeys([`k:${x}`])
    const signature = parseSignature(`k:${made}`)!
    expect(isSigned(info, [signature], keys)).toBe(true)
    expect(isSigned(info, [{ ...signature, name: 'l' }], keys)).toBe(false)
    expect(isSigned(info, [], keys)).toBe(false)
    for (const change of [
      { path: A },
      { narSize: 201 },
      { references: [A] },
      { narHash: HEX.replace('e', 'f') },
    ]) {
      expect(isSigned({ ...info, ...change }, [signature], keys)).toBe(false)
    }
  })
})
