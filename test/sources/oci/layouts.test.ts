/** Where images lie, and which one is chosen. */
import { readdirSync, readlinkSync, symlinkSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { openSource } from '../../../src/sources/open.ts'
import { text } from '../../images/build.ts'
import { collect } from '../../tar/collect.ts'
import { layerOf, layoutOf, OCI, plainLayerOf, TestLayout, type TestDescriptor } from './layout.ts'
import { entriesIn, readLayout, shown, withFile, withLayout, type Wanted } from './read.ts'

const named = (content: string) => layerOf({ path: 'name', type: 'file', content })
const contentOf = async (layout: TestLayout, wanted?: Wanted) => shown(await readLayout(layout, wanted)).name

describe('an image in', () => {
  const layers = [
    layerOf({ path: 'a', type: 'file', content: '1' }, { path: 'b', type: 'file', content: '1' }),
    plainLayerOf({ path: 'b', type: 'file', content: '2' }, { path: '.wh.a', type: 'file' }),
  ]
  const expected = { b: 'f 2' }

  test('an OCI layout', async () => {
    expect(shown(await readLayout(layoutOf(...layers)))).toEqual(expected)
  })

  test('a tar archive of one', () =>
    withFile(layoutOf(...layers).tar(), async (path) =>
      expect(shown(await entriesIn(path))).toEqual(expected),
    ))

  test('a compressed archive', () =>
    withFile(gzipSync(layoutOf(...layers).tar()), async (path) =>
      expect(shown(await entriesIn(path))).toEqual(expected),
    ))

  test('an archive of docker save, old and new', async () => {
    const old = new TestLayout().dockerImages({ tags: ['a:b'], layers })
    expect(shown(await readLayout(old))).toEqual(expected)
    await withFile(old.tar(), async (path) => expect(shown(await entriesIn(path))).toEqual(expected))

    // Since version 25 it is an OCI layout with a manifest.json that names its blobs.
    const both = layoutOf(...layers)
    const blobs = new TestLayout().dockerImages({ tags: null, layers })
    for (const [path, bytes] of blobs.files) both.files.set(path, bytes)
    expect(shown(await readLayout(both))).toEqual(expected)
    both.files.delete('oci-layout')
    expect(shown(await readLayout(both))).toEqual(expected)
  })

  test('an archive of docker save whose layers are blobs, or compressed', async () => {
    const layout = layoutOf(...layers)
    const [first, second, config] = [...layout.files.keys()].filter((path) => path.startsWith('blobs/'))
    const manifest = [{ Config: config, RepoTags: null, Layers: [first, second] }]
    layout.files.delete('oci-layout')
    layout.files.set('manifest.json', new TextEncoder().encode(JSON.stringify(manifest)))
    expect(shown(await readLayout(layout))).toEqual(expected)
  })

  test('an archive with links for layers that are the same', async () => {
    const layout = new TestLayout().dockerImages({ tags: ['a:b'], layers })
    const paths = [...layout.files.keys()].filter((path) => path.endsWith('layer.tar'))
    const bytes = layout.files.get(paths[0])!
    layout.files.delete(paths[0])
    layout.files.set('shared/layer.tar', bytes)
    const link = { path: paths[0], type: 'symlink', target: '../shared/layer.tar' } as const
    await withFile(layout.tar([link]), async (path) => expect(shown(await entriesIn(path))).toEqual(expected))
    const hard = { path: paths[0], type: 'hardlink', target: 'shared/layer.tar' } as const
    await withFile(layout.tar([hard]), async (path) => expect(shown(await entriesIn(path))).toEqual(expected))
    const out = { path: paths[0], type: 'symlink', target: '../../etc/passwd' } as const
    await withFile(layout.tar([out]), async (path) =>
      expect(entriesIn(path)).rejects.toThrow(/layer\.tar": a link that leads out of the archive/),
    )
    const circle = { path: paths[0], type: 'symlink', target: 'layer.tar' } as const
    await withFile(layout.tar([circle]), async (path) =>
      expect(entriesIn(path)).rejects.toThrow(/too many links/),
    )
  })

  test('a layout with digests by SHA-512', async () => {
    const layout = new TestLayout('sha512')
    layout.top(layout.image(layers))
    expect(shown(await readLayout(layout))).toEqual(expected)
  })
})

describe('which image:', () => {
  const platforms = (...names: string[]) => {
    const layout = new TestLayout()
    const manifests = names.map((name) => {
      const [os, architecture, variant] = name.split('/')
      const platform = { os, architecture, ...(variant !== undefined && { variant }) }
      return layout.image([named(name)], platform, { platform })
    })
    return { layout, manifests }
  }

  test('the one for the platform, in an index in an index', async () => {
    const { layout, manifests } = platforms('linux/amd64', 'linux/arm64/v8', 'linux/arm/v6', 'linux/arm/v7')
    layout.top(layout.index([layout.index(manifests.slice(0, 2)), ...manifests.slice(2)]))
    expect(await contentOf(layout, { platform: 'linux/amd64' })).toBe('f linux/amd64')
    expect(await contentOf(layout, { platform: 'linux/arm64' })).toBe('f linux/arm64/v8')
    expect(await contentOf(layout, { platform: 'linux/arm64/v8' })).toBe('f linux/arm64/v8')
    expect(await contentOf(layout, { platform: 'linux/arm/v6' })).toBe('f linux/arm/v6')
    expect(await contentOf(layout, { platform: 'linux/arm' })).toBe('f linux/arm/v7')
    await expect(contentOf(layout)).rejects.toThrow(
      'expected one image, found one for linux/arm/v6, one for linux/arm/v7, one for linux/amd64, one for linux/arm64/v8; "reference" and "platform" choose one',
    )
    await expect(contentOf(layout, { platform: 'linux/riscv64' })).rejects.toThrow(
      /expected one image for linux\/riscv64, found one for linux\/arm\/v6, /,
    )
    await expect(contentOf(layout, { platform: 'linux/arm/v5' })).rejects.toThrow(/for linux\/arm\/v5, found/)
  })

  test('the only one of an architecture, whatever its variant; the only one that was saved', async () => {
    const { layout, manifests } = platforms('linux/arm/v6', 'linux/amd64')
    layout.top(...manifests)
    expect(await contentOf(layout, { platform: 'linux/arm' })).toBe('f linux/arm/v6')
    layout.files.delete(`blobs/${manifests[0].digest.replace(':', '/')}`)
    expect(await contentOf(layout)).toBe('f linux/amd64')
    await expect(contentOf(layout, { platform: 'linux/arm' })).rejects.toThrow(/the blob is missing/)
    await expect(contentOf(layout, { platform: 'linux/s390x' })).rejects.toThrow(
      'found one for linux/arm/v6 that is not in the layout, one for linux/amd64;',
    )
  })

  test('the configuration says the platform where the index does not', async () => {
    const layout = new TestLayout()
    const images = ['arm64', 'amd64'].map((architecture) =>
      layout.image([named(architecture)], { architecture }),
    )
    layout.top(...images)
    expect(await contentOf(layout, { platform: 'linux/arm64' })).toBe('f arm64')
    await expect(contentOf(layout)).rejects.toThrow('found one for linux/arm64, one for linux/amd64;')
  })

  test('by its name, its tag or its digest', async () => {
    const layout = new TestLayout()
    const image = (content: string, annotations: Record<string, string>): TestDescriptor =>
      layout.image([named(content)], {}, { annotations })
    const reference = 'org.opencontainers.image.ref.name'
    const containerd = 'io.containerd.image.name'
    const inner = layout.index([layout.image([named('3')])], { annotations: { [reference]: 'three' } })
    const first = image('1', { [containerd]: 'docker.io/library/debian:12', [reference]: '12' })
    layout.top(first, image('2', { [reference]: 'example.org:5000/a/b:latest' }), inner)
    for (const [name, content] of [
      ['docker.io/library/debian:12', '1'],
      ['debian:12', '1'],
      ['12', '1'],
      [first.digest, '1'],
      ['example.org:5000/a/b', '2'],
      ['three', '3'],
      [inner.digest, '3'],
    ]) {
      expect([name, await contentOf(layout, { reference: name })]).toEqual([name, `f ${content}`])
    }
    await expect(contentOf(layout, { reference: 'debian' })).rejects.toThrow(
      'expected one image "debian", found "docker.io/library/debian:12" or "12" for linux/amd64, "example.org:5000/a/b:latest" for linux/amd64, "three" for linux/amd64',
    )
    await expect(contentOf(layout)).rejects.toThrow(/expected one image, found/)

    const same = new TestLayout()
    same.top(same.image([named('1')]), same.image([named('2')]))
    await expect(contentOf(same)).rejects.toThrow(
      /found one for linux\/amd64 \(sha256:\w{64}\), one for linux\/amd64 \(sha256:\w{64}\);/,
    )
  })

  test('in an archive of docker save', async () => {
    const arm = { architecture: 'arm', variant: 'v7' }
    const layout = new TestLayout().dockerImages(
      { tags: ['a:1', 'a:latest'], layers: [named('a')] },
      { tags: ['b:1'], layers: [named('b')], config: arm },
    )
    expect(await contentOf(layout, { reference: 'a' })).toBe('f a')
    expect(await contentOf(layout, { reference: 'docker.io/library/b:1' })).toBe('f b')
    expect(await contentOf(layout, { platform: 'linux/arm' })).toBe('f b')
    await expect(contentOf(layout)).rejects.toThrow(
      'expected one image, found "a:1" or "a:latest" for linux/amd64, "b:1" for linux/arm/v7',
    )
  })

  test('one manifest with two tags is one image', async () => {
    const layout = new TestLayout()
    const image = layout.image([named('1')])
    const tag = (name: string) => ({ ...image, annotations: { 'org.opencontainers.image.ref.name': name } })
    layout.top(tag('a'), tag('b'))
    expect(await contentOf(layout)).toBe('f 1')
  })

  test('attestations and what is no image are not looked at', async () => {
    const layout = new TestLayout()
    const unknown = { os: 'unknown', architecture: 'unknown' }
    const attestation = layout.image([named('no')], unknown, {
      platform: unknown,
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
    })
    const other = layout.blob(new Uint8Array(3), 'application/vnd.example+json')
    layout.top(layout.index([attestation, layout.image([named('yes')]), other]))
    expect(await contentOf(layout)).toBe('f yes')
  })
})

describe('files', () => {
  const content = text(3_000_000)
  const layout = layoutOf(
    plainLayerOf({ path: 'small', type: 'file', content: 'x' }, { path: 'large', type: 'file', content }),
  )
  const plan = (path: string) => ({
    ...{
      kind: 'oci' as const,
      path,
      to: '',
      merge: 'follow' as const,
      platform: undefined,
      reference: undefined,
    },
    time: { sec: 0, nsec: 0 },
  })
  const openIn = (folder: string) =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder)
      } catch {
        return false
      }
    })

  test('large ones of a layer that is not compressed can be read where they lie', async () => {
    const look = async (path: string) => {
      const kept: FileHandle[] = []
      const located: string[] = []
      for await (const entry of await openSource(plan(path), { retain: (file) => void kept.push(file) })) {
        if (entry.type !== 'file' || entry.location === undefined) continue
        located.push(entry.path as string)
        const bytes = new Uint8Array(entry.size)
        const file = kept.find(({ fd }) => fd === entry.location!.descriptor)!
        await file.read(bytes, 0, bytes.length, entry.location.offset)
        expect(Buffer.compare(bytes, content)).toBe(0)
      }
      expect(located).toEqual(['large'])
      for (const file of kept) await file.close()
      expect(openIn(path)).toEqual([])
    }
    await withLayout(layout, look)
    await withFile(layout.tar(), look)
  })

  test('are closed when all is read, and when it is left early or fails', async () => {
    const look = async (path: string) => {
      expect((await collect(await openSource(plan(path)))).map((entry) => entry.path)).toEqual([
        'small',
        'large',
      ])
      expect(openIn(path)).toEqual([])
      for await (const entry of await openSource(plan(path))) {
        expect([entry.path, openIn(path).length]).toEqual(['small', 1])
        break
      }
      expect(openIn(path)).toEqual([])
      await expect(entriesIn(path, { platform: 'linux/none' })).rejects.toThrow()
      expect(openIn(path)).toEqual([])
    }
    await withLayout(layout, look)
    await withFile(layout.tar(), look)
  })

  test('reading can be aborted, and is counted', async () => {
    await withLayout(layout, async (path) => {
      const signal = AbortSignal.abort(new Error('enough'))
      await expect(entriesIn(path, {}, { signal })).rejects.toThrow('enough')
      const reads: number[] = []
      await entriesIn(path, {}, { onRead: (bytes) => reads.push(bytes) })
      expect(reads).toEqual([...reads].sort((a, b) => a - b))
      expect(reads.at(-1)).toBeGreaterThan(2 * content.length)
    })
  })

  test('a blob may be a link to a file elsewhere, as stores have it', async () => {
    const blob = new TestLayout()
    const image = blob.image([named('x')])
    blob.top(image)
    const path = `blobs/${image.digest.replace(':', '/')}`
    const bytes = blob.files.get(path)!
    blob.files.delete(path)
    await withFile(bytes, (elsewhere) =>
      withLayout(blob, async (folder) => {
        symlinkSync(elsewhere, join(folder, path))
        expect(shown(await entriesIn(folder))).toEqual({ name: 'f x' })
      }),
    )
  })

  test('layers need no blocks of zeros at their end, and no padding', async () => {
    const { tar } = layerOf({ path: 'name', type: 'file', content: 'x' })
    for (const length of [513, 1024, 1536]) {
      const cut = tar.slice(0, length)
      expect(await contentOf(layoutOf({ tar: cut }))).toBe('f x')
      expect(await contentOf(layoutOf({ tar: cut, stored: cut }))).toBe('f x')
    }
    expect(await readLayout(layoutOf({ tar: new Uint8Array(0), stored: new Uint8Array(0) }))).toEqual([])
  })

  test('of Docker have types of their own', async () => {
    const docker = new TestLayout()
    const type = 'application/vnd.docker.image.rootfs.diff.tar.gzip'
    docker.top(docker.image([{ ...named('x'), mediaType: type }]))
    expect(await contentOf(docker)).toBe('f x')
    expect(OCI.layer).not.toBe(type)
  })
})
