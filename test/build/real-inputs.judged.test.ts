/** What people have: a Debian root, an archive of `docker save` and a binary cache of Nix, from build to comparison. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import type { SourceSpec } from '../../src/spec/sources/types.ts'
import { diskwright } from '../cli/diskwright.ts'
import { build, inFolder, type BtrfsOptions, type Built } from '../images/build.ts'
import { judge } from '../images/judge.ts'
import { expectedFromDirectory, expectedFromTar, type SubvolumeRoute } from '../judges/expected-from-tar.ts'
import type { ExpectedTrees } from '../judges/expected.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { withLoop, withMount } from '../judges/mounted.ts'
import { buildWithNix, canBuildWithNix, REPOSITORY } from '../judges/nix.ts'
import { canJudgeStores, ChrootStore } from '../judges/nix-store.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { canUmoci, expectedFromUmoci, skopeoCopy } from '../judges/umoci.ts'

const SUBVOLUMES: SubvolumeRoute[] = [
  { name: '@', path: '/' },
  { name: '@var', path: '/var' },
]
const canMake = [requireJudge('mmdebstrap'), canJudgeWithKernel()].every(Boolean)

describe.skipIf(!canMake)('of a Debian root', () => {
  let folder: string
  let root: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'diskwright-real-'))
    root = join(folder, 'debian.tar')
    await mustRun('bash', [join(REPOSITORY, 'fixtures/debian-root.sh'), root])
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Builds, has the command verify, and lets others look. */
  const withImage = (source: SourceSpec, options: BtrfsOptions, look: (built: Built) => Promise<void>) =>
    inFolder(async (target) => {
      const partition = { type: 'btrfs', size: 'fit', compression: 'zstd:1', ...options } as const
      const spec: ImageSpec = { table: { type: 'mbr' }, partitions: [{ ...partition, sources: [source] }] }
      const built = await build(target, spec)
      expect(await diskwright(['verify', built.image])).toMatchObject({ exit: 0, stderr: '' })
      await look(built)
    })

  test('mmdebstrap makes it, GNU tar unpacks it', async () => {
    const expected = await expectedFromTar(root, SUBVOLUMES)
    const entries = [...expected.values()].flat()
    expect(entries.length).toBeGreaterThan(3000)
    // What such a root has and no checkout: devices, owners, setuid, hard links, merged directories.
    expect(new Set(entries.map(({ type }) => type))).toContain('character')
    expect(entries.some(({ mode }) => mode !== undefined && (mode & 0o4000) !== 0)).toBe(true)
    expect(entries.some(({ gid }) => gid === 42)).toBe(true)
    expect(entries.some(({ linkGroup }) => linkGroup !== undefined)).toBe(true)
    await withImage({ tar: root }, { subvolumes: SUBVOLUMES }, async (built) => {
      await judge(built, expected)
      const { stdout } = await diskwright(['cat', built.image, '/@/usr/lib/os-release'])
      expect(stdout).toContain('ID=debian')
    })
  })

  describe.skipIf(!canUmoci())('with layers on it', () => {
    let layout: string
    let expected: ExpectedTrees
    beforeAll(async () => {
      layout = join(folder, 'layout')
      await skopeoCopy(`tarball:${root}`, `oci:${layout}:1`)
      const insert = (...args: string[]) => mustRun('umoci', ['insert', '--image', `${layout}:1`, ...args])
      await insert('--whiteout', '/usr/share/doc')
      writeFileSync(join(folder, 'motd'), 'a layer\n')
      await insert(join(folder, 'motd'), '/etc/motd')
      mkdirSync(join(folder, 'cache'))
      writeFileSync(join(folder, 'cache/new'), 'new\n')
      await insert('--opaque', join(folder, 'cache'), '/var/cache')
      const entries = await expectedFromUmoci(layout, '1')
      const var_ = entries.filter(({ path }) => path === 'var' || path.startsWith('var/'))
      expected = new Map([
        ['', []],
        ['@', entries.filter((entry) => !var_.includes(entry) || entry.path === 'var')],
        ['@var', var_.map((entry) => ({ ...entry, path: entry.path.slice(4) }))],
      ])
    })

    // There is no Docker daemon here. docker-archive of skopeo is what `docker load` takes and `docker save` wrote until
    // version 25: manifest.json, repositories, and a folder with a layer.tar for each layer (docker-archive of
    // containers/image).
    test('docker save before version 25, as skopeo writes it', async () => {
      const archive = join(folder, 'docker.tar')
      await skopeoCopy(`oci:${layout}:1`, `docker-archive:${archive}:debian:real`)
      const { stdout } = await mustRun('tar', ['-tf', archive])
      expect(stdout.split('\n')).toEqual(expect.arrayContaining(['manifest.json', 'repositories']))
      await withImage({ oci: archive, reference: 'debian:real' }, { subvolumes: SUBVOLUMES }, (built) =>
        judge(built, expected),
      )
    })

    test('docker save since version 25', async () => {
      const archive = await dockerSave(layout, folder)
      // Others read it, too, as both that it is.
      for (const transport of ['docker-archive', 'oci-archive']) {
        await mustRun('skopeo', ['inspect', '--raw', `${transport}:${archive}`])
      }
      await withImage({ oci: archive, reference: 'debian:real' }, { subvolumes: SUBVOLUMES }, (built) =>
        judge(built, expected),
      )
    })
  })

  test.skipIf(![canJudgeStores(), canBuildWithNix()].every(Boolean))('in a binary cache of Nix', async () => {
    const unpacked = join(folder, 'unpacked')
    mkdirSync(unpacked)
    await mustRun('tar', ['-xf', root, '-C', unpacked, './usr/bin', './usr/share/base-files', './etc'])
    const inputs = ['usr/bin', 'etc', 'usr/share/base-files'].map((path) => join(unpacked, path))
    const [bin, etc, files] = inputs
    const script = 'export PATH=/usr/bin; mkdir $out; ln -s $bin $out/bin; echo $etc > $out/etc; exit 0'
    const [built] = await buildWithNix(
      join(folder, 'nix'),
      `derivation { name = "system"; system = builtins.currentSystem; builder = "/bin/bash"; args = [ "-c" "${script.replaceAll('$', '\\$')}" ]; bin = ${bin}; etc = ${etc}; unused = ${files}; }`,
    )
    const store = new ChrootStore(join(folder, 'nix'))
    const system = `/nix/store/${basename(built)}`
    const closure = await store.closureOf(system)
    expect(closure.length).toBe(3)
    const cache = join(folder, 'cache-of-nix')
    await store.run('nix', ['copy', '--to', `file://${cache}`, system])

    const looksAtStore = async (mounted: string) => {
      const shown = new ChrootStore(mounted)
      expect(shown.names).toEqual(closure.map((path) => basename(path)))
      await shown.run('nix-store', ['--load-db'], readFileSync(join(mounted, 'nix-path-registration')))
      await shown.run('nix-store', ['--verify', '--check-contents'])
      expect(await shown.closureOf(system)).toEqual(closure)
      for (const path of closure) {
        const [expected, found] = await Promise.all(
          [store, shown].map((each) => expectedFromDirectory(join(each.directory, basename(path)), [])),
        )
        expect(withoutLinks(found)).toEqual(withoutLinks(expected))
      }
    }
    await withImage({ nix: { binaryCache: cache, paths: [system] } }, {}, ({ image, btrfs }) =>
      withLoop(image, btrfs, false, (device) => withMount(device, 'rw', folder, looksAtStore)),
    )
  })
})

/** By path. Inode numbers are different, and a store may link equal files. */
function withoutLinks(trees: ExpectedTrees) {
  const entries = [...trees.values()].flat().map((entry) => ({ ...entry, linkGroup: undefined }))
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/**
 * An image of a layout as `docker save` writes it since version 25: an OCI layout of plain layers, and manifest.json.
 * (image/tarexport/save.go of moby)
 */
async function dockerSave(layout: string, folder: string): Promise<string> {
  type Descriptor = { mediaType: string; digest: string; size: number }
  const blob = ({ digest }: Descriptor) => readFileSync(join(layout, 'blobs', digest.replace(':', '/')))
  const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {
    manifests: Descriptor[]
  }
  const manifest = JSON.parse(blob(manifests[0]).toString()) as { config: Descriptor; layers: Descriptor[] }
  const target = join(folder, 'docker-save')
  mkdirSync(join(target, 'blobs/sha256'), { recursive: true })
  const store = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const hex = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(target, 'blobs/sha256', hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
  }
  const type = (name: string) => `application/vnd.oci.image.${name}`
  const json = (value: unknown) => Buffer.from(JSON.stringify(value))
  const config = store(type('config.v1+json'), blob(manifest.config))
  const layers = manifest.layers.map((layer) => store(type('layer.v1.tar'), gunzipSync(blob(layer))))
  const document = { schemaVersion: 2, mediaType: type('manifest.v1+json'), config, layers }
  const annotations = {
    'io.containerd.image.name': 'docker.io/library/debian:real',
    'org.opencontainers.image.ref.name': 'real',
  }
  const image = { ...store(type('manifest.v1+json'), json(document)), annotations }
  const index = { schemaVersion: 2, mediaType: type('index.v1+json'), manifests: [image] }
  const path = ({ digest }: Descriptor) => `blobs/${digest.replace(':', '/')}`
  writeFileSync(join(target, 'index.json'), json(index))
  writeFileSync(join(target, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(
    join(target, 'manifest.json'),
    json([
      {
        Config: path(config),
        RepoTags: ['debian:real'],
        Layers: layers.map(path),
        LayerSources: Object.fromEntries(layers.map((layer) => [layer.digest, layer])),
      },
    ]),
  )
  const archive = join(folder, 'docker-25.tar')
  const names = ['blobs', 'index.json', 'manifest.json', 'oci-layout']
  await mustRun('tar', ['-C', target, '--owner=0', '--group=0', '-cf', archive, ...names])
  rmSync(target, { recursive: true })
  return archive
}
