/** Store paths from stores, caches and exports that Nix has made; Nix judges the store of the image. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { buildImage, extractTo } from 'diskwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toLatin1 } from '../../../src/lib/byte-string.ts'
import { openSource } from '../../../src/sources/open.ts'
import type { SourceEntry } from '../../../src/file-tree/entry.ts'
import type { NarSourceSpec } from '../../../src/spec/sources/nar.ts'
import type { NixPathsSpec, NixSourceSpec } from '../../../src/spec/sources/nix.ts'
import { resolveSource } from '../../../src/spec/sources/table.ts'
import { canBuildWithNix } from '../../judges/nix.ts'
import { buildClosure, canJudgeStores, ChrootStore, dumpNar, outputOf } from '../../judges/nix-store.ts'
import { canJudgeWithKernel } from '../../judges/kernel-mount.ts'
import { withLoop, withMount } from '../../judges/mounted.ts'
import { mustRun } from '../../judges/run-tool.ts'
import { join as joined } from '../../tar/collect.ts'
import { writeNar } from './write-nar.ts'

const canRun = [canJudgeStores(), canBuildWithNix()].every(Boolean)

describe.skipIf(!canRun)('a closure', () => {
  let folder: string
  let store: ChrootStore
  let app: string
  let closure: string[]
  let count = 0

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'diskwright-nix-'))
    const built = await buildClosure(join(folder, 'built'))
    ;({ store, app } = built)
    // Files of equal content become hard links, also those of one store path.
    await store.run('nix-store', ['--optimise'])
    closure = await store.closureOf(app)
    expect(closure).toEqual([app, built.lib].sort())
    writeFileSync(at('paths'), closure.map((path) => `${path}\n`).join(''))
    mkdirSync(at('info'))
    writeFileSync(at('info/store-paths'), readFileSync(at('paths')))
    writeFileSync(at('info/registration'), await registrationOf(store))
    await store.run('nix-store', ['--generate-binary-cache-key', 'test-1', at('secret'), at('public')])
    for (const compression of ['none', 'gzip', 'zstd', 'br', 'bzip2', 'xz']) {
      const url = `file://${at(`cache-${compression}`)}?compression=${compression}&secret-key=${at('secret')}`
      await store.run('nix', ['copy', '--to', url, app])
    }
    writeFileSync(at('export'), await outputOf('nix-store', ['--export', ...closure, '--store', store.root]))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const at = (...names: string[]) => join(folder, ...names)
  const registrationOf = async (of: ChrootStore) =>
    `${await of.run('nix-store', ['--dump-db', ...closure])}\n`
  const open = (spec: NixSourceSpec | NarSourceSpec) =>
    openSource(
      resolveSource(spec, {
        name: '',
        time: { sec: 0, nsec: 0 },
        resolvePath: (path) => resolve(folder, path),
      }),
    )
  const nix = (paths: NixPathsSpec) => ({ nix: { store: store.directory, ...paths } })
  const cache = (name: string, more: NixPathsSpec = {}) => ({
    nix: { binaryCache: at(name), paths: [app], ...more },
  })

  /** Entries with their content, and the registration. */
  async function read(spec: NixSourceSpec | NarSourceSpec) {
    const contents = new Map<string, Uint8Array>()
    const entries: SourceEntry[] = []
    for await (const entry of await open(spec)) {
      entries.push(entry)
      if (entry.type === 'file') contents.set(toLatin1(entry.path), await joined(entry.content))
    }
    const last = entries.at(-1)?.path === 'nix-path-registration' ? entries.pop() : undefined
    const registration = last && Buffer.from(contents.get('nix-path-registration')!).toString()
    return { entries, contents, registration }
  }

  /** Each store path has the NAR that Nix makes of it, and the metadata of a store. */
  async function expectClosure(spec: NixSourceSpec | NarSourceSpec): Promise<string | undefined> {
    const { entries, contents, registration } = await read(spec)
    for (const path of closure) {
      const root = path.slice(1)
      const of = async function* () {
        for (const entry of entries) {
          const { path } = entry
          if (path !== root && !path.startsWith(`${root}/`)) continue
          const relative = path.slice(root.length + 1)
          if (entry.type !== 'file') yield await Promise.resolve({ ...entry, path: relative })
          else yield { ...entry, path: relative, content: [contents.get(toLatin1(path))!] as never }
        }
      }
      expect(
        Buffer.compare(await joined(writeNar(of())), await dumpNar(join(store.directory, basename(path)))),
      ).toBe(0)
    }
    for (const { path, type, mode, uid, gid, mtime, xattrs } of entries) {
      expect(closure.some((each) => `/${toLatin1(path)}/`.startsWith(`${each}/`))).toBe(true)
      expect({ type, uid, gid, mtime, xattrs }).toMatchObject({
        ...{ uid: 0, gid: 0, mtime: { sec: 1, nsec: 0 }, xattrs: undefined },
        type: expect.stringMatching(/^(file|directory|symlink)$/) as string,
      })
      expect([0o444, 0o555, 0o777]).toContain(mode)
    }
    return registration
  }

  /** With derivers left out, as closureInfo does. */
  const withoutDerivers = (text: string) => text.replace(/^\/nix\/store\/.*\.drv$/gm, '')

  test('of a list or a file with one a line, without and with a registration', async () => {
    expect(await expectClosure(nix({ paths: closure }))).toBeUndefined()
    expect(await expectClosure(nix({ paths: at('paths') }))).toBeUndefined()
    const names = closure.map((path) => basename(path))
    const registration = await expectClosure(nix({ paths: names, registration: true }))
    // Nix has found the same references, and hashed the same.
    expect(registration).toBe(withoutDerivers(readFileSync(at('info/registration'), 'utf8')))
  })

  test('of closureInfo', async () => {
    const registration = readFileSync(at('info/registration'), 'utf8')
    expect(await expectClosure(nix({ closureInfo: at('info') }))).toBe(registration)
    expect(await expectClosure(nix({ closureInfo: at('info'), registration: false }))).toBeUndefined()
  })

  test.each(['none', 'gzip', 'zstd', 'br', 'bzip2', 'xz'])(
    'of a binary cache, compression %s',
    async (compression) => {
      const registration = readFileSync(at('info/registration'), 'utf8')
      expect(await expectClosure(cache(`cache-${compression}`))).toBe(registration)
    },
  )

  test('of a binary cache by hash and by name, signed', async () => {
    const key = readFileSync(at('public'), 'utf8').trim()
    const wrong = 'cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY='
    for (const asked of [basename(app).slice(0, 32), 'app', basename(app)]) {
      await expectClosure(cache('cache-zstd', { paths: [asked], trustedKeys: [wrong, key] }))
    }
    await expect(read(cache('cache-zstd', { trustedKeys: [wrong] }))).rejects.toThrow(
      /cache-zstd: entry "\/nix\/store\/.*": is not signed by a trusted key$/,
    )
  })

  test('of a binary cache by examples/nix-cache.mjs', async () => {
    const program = join(import.meta.dirname, '../../../examples/nix-cache.mjs')
    const output = await outputOf(process.execPath, [program, at('cache-xz'), 'app', at('example.img')])
    expect(output.toString()).toMatch(/^2 store paths, 1\d lines for nix-store --load-db\n$/)
  })

  test('of nix-store --export, from a file and compressed', async () => {
    const registration = readFileSync(at('info/registration'), 'utf8')
    expect(await expectClosure({ nar: 'export' })).toBe(registration)
    await outputOf('zstd', ['-q', at('export'), '-o', at('export.zst')])
    expect(await expectClosure({ nar: 'export.zst' })).toBe(registration)
  })

  test('of nix-store --export, from a named pipe', async () => {
    await outputOf('mkfifo', [at('fifo')])
    const writing = outputOf('cp', [at('export'), at('fifo')])
    expect(await expectClosure({ nar: 'fifo' })).toBe(readFileSync(at('info/registration'), 'utf8'))
    await writing
  })

  test('a NAR in an image, whose large files threads read, with modes of its own', async () => {
    const path = join(store.directory, basename(app))
    writeFileSync(at('plain.nar'), await dumpNar(path))
    await buildImage(
      {
        table: { type: 'mbr' },
        partitions: [
          { type: 'btrfs', size: 'fit', sources: [{ nar: at('plain.nar'), to: '/opt/app', mode: 'u+w' }] },
        ],
      },
      { output: at('plain.img') },
    )
    await extractTo(at('plain.img'), at('plain'))
    expect(Buffer.compare(await dumpNar(at('plain/opt/app')), await dumpNar(path))).toBe(0)
    const { stdout } = await mustRun('stat', [
      '-c',
      '%a %u %Y',
      at('plain/opt/app/large'),
      at('plain/opt/app/bin/app'),
    ])
    expect(stdout).toBe('644 0 1\n755 0 1\n')
  })

  test('a NAR, of a directory and of a file, compressed or not', async () => {
    const path = join(store.directory, basename(app))
    for (const [i, from] of [path, join(path, 'large')].entries()) {
      const nar = await dumpNar(from)
      writeFileSync(at(`${i}.nar`), nar)
      await outputOf('gzip', ['--keep', at(`${i}.nar`)])
      for (const name of [`${i}.nar`, `${i}.nar.gz`]) {
        expect(Buffer.compare(await joined(writeNar(await open({ nar: name }))), nar)).toBe(0)
      }
    }
  })

  const SOURCES: Record<string, () => NixSourceSpec | NarSourceSpec> = {
    closureInfo: () => nix({ closureInfo: at('info') }),
    paths: () => nix({ paths: closure, registration: true }),
    binaryCache: () => cache('cache-zstd'),
    export: () => ({ nar: at('export') }),
  }

  describe.each(Object.keys(SOURCES))('in an image, from %s', (kind) => {
    const verify = async (root: string) => {
      const image = new ChrootStore(root)
      await image.run('nix-store', ['--load-db'], readFileSync(join(root, 'nix-path-registration')))
      await image.run('nix-store', ['--verify', '--check-contents'])
      expect(await image.closureOf(app)).toEqual(closure)
      expect(withoutDerivers(await registrationOf(image))).toBe(withoutDerivers(await registrationOf(store)))
      expect(image.names).toEqual(closure.map((path) => basename(path)))
    }
    const make = async () => {
      const image = at(`${kind}-${count++}.img`)
      await buildImage(
        {
          table: { type: 'mbr' },
          partitions: [{ type: 'btrfs', size: 'fit', compression: 'zstd', sources: [SOURCES[kind]()] }],
        },
        { output: image },
      )
      return image
    }

    test('Nix loads the registration and finds nothing wrong in what is extracted', async () => {
      const target = at(`extracted-${count++}`)
      await extractTo(await make(), target)
      await verify(target)
    })

    test.skipIf(!canJudgeWithKernel())('and in what the kernel mounts', async () => {
      const image = await make()
      const { size } = statSync(image)
      await withLoop(image, { start: 1 << 20, size: size - (1 << 20) }, false, (device) =>
        withMount(device, 'rw', folder, verify),
      )
    })
  })
})
