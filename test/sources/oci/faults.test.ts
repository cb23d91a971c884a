/** What is wrong with a layout is one error that says where. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../../src/lib/errors.ts'
import { digestOf, jsonBytes, layerOf, layoutOf, OCI, TestLayout, type TestDescriptor } from './layout.ts'
import { entriesIn, readLayout, withFile, withLayout } from './read.ts'

const layer = layerOf({ path: 'a', type: 'file', content: 'some content' })
const flip = (at: number) => (bytes: Uint8Array) => {
  const copy = bytes.slice()
  copy.fill(copy[at] ^ 1, at, at + 1)
  return copy
}
const longer = (bytes: Uint8Array) => new Uint8Array([...bytes, 0])

/** A layout with one image, and what it consists of. */
function parts(more: Partial<typeof layer> = {}) {
  const layout = new TestLayout()
  const manifest = layout.image([{ ...layer, ...more }])
  const inner = layout.index([manifest])
  layout.top(inner)
  const read = (descriptor: TestDescriptor) =>
    JSON.parse(
      new TextDecoder().decode(layout.files.get(`blobs/${descriptor.digest.replace(':', '/')}`)),
    ) as { config: TestDescriptor; layers: TestDescriptor[] }
  const { config, layers } = read(manifest)
  return { layout, manifest, inner, config, layer: layers[0] }
}

/** A layout whose manifest says something else. */
function manifestWith(change: (manifest: Record<string, unknown>) => object): TestLayout {
  const { layout, config, layer } = parts()
  const manifest = { schemaVersion: 2, mediaType: OCI.manifest, config, layers: [layer] }
  return layout.top(layout.blob(jsonBytes(change(manifest)), OCI.manifest))
}

function configWith(config: object): TestLayout {
  const { layout, layer } = parts()
  const blob = layout.blob(jsonBytes(config), OCI.config)
  const manifest = { schemaVersion: 2, mediaType: OCI.manifest, config: blob, layers: [layer] }
  return layout.top(layout.blob(jsonBytes(manifest), OCI.manifest))
}

async function expectRefused(layout: TestLayout, message: RegExp): Promise<void> {
  const reading = readLayout(layout)
  await expect(reading).rejects.toThrow(message)
  await expect(reading).rejects.toBeInstanceOf(InputError)
  const archive = withFile(layout.tar(), (path) => entriesIn(path))
  await expect(archive).rejects.toThrow(message)
}

test('a layer that expands to more than is allowed', async () => {
  const { tar } = layer
  await withLayout(parts({ stored: gzipSync(tar) }).layout, async (folder) => {
    expect(await entriesIn(folder, {}, { maxSize: tar.length })).not.toEqual([])
    await expect(entriesIn(folder, {}, { maxSize: tar.length - 1 })).rejects.toThrow(
      /: layer 1 \(blobs\/.*\): expands to more than the \d+ bytes/,
    )
  })
})

describe('a blob', () => {
  const names = ['inner', 'manifest', 'config', 'layer'] as const

  test.each(names)('that is not what its digest says: %s', async (name) => {
    const all = parts()
    const { digest } = all[name]
    all.layout.change(all[name], flip(20))
    await expectRefused(
      all.layout,
      new RegExp(`blobs/sha256/${digest.slice(7)}": expected the digest ${digest}, found sha256:`),
    )
  })

  test.each(names)('that is missing: %s', async (name) => {
    const all = parts()
    all.layout.files.delete(`blobs/${all[name].digest.replace(':', '/')}`)
    await expectRefused(
      all.layout,
      new RegExp(`blobs/sha256/${all[name].digest.slice(7)}": the blob is missing`),
    )
  })

  test.each(names)('of another size: %s', async (name) => {
    const all = parts()
    all.layout.change(all[name], longer)
    const { size } = all[name]
    await expectRefused(
      all.layout,
      new RegExp(`expected ${size} bytes, as its descriptor says, found ${size + 1}`),
    )
  })

  test('whose size is a lie that the digest does not notice', () =>
    expectRefused(
      manifestWith((manifest) => ({
        ...manifest,
        layers: (manifest.layers as TestDescriptor[]).map((each) => ({ ...each, size: 1e15 })),
      })),
      /expected 1000000000000000 bytes, as its descriptor says, found \d+/,
    ))

  test('of SHA-512 that is not what its digest says', async () => {
    const layout = new TestLayout('sha512')
    const manifest = layout.image([layer])
    layout.top(manifest)
    layout.change(manifest, flip(20))
    await expectRefused(layout, /expected the digest sha512:\w{128}, found sha512:/)
  })
})

describe('a digest that is none', () => {
  test.each([
    'sha256:../../../../etc/passwd',
    `sha256:${'A'.repeat(64)}`,
    `sha256:${'a'.repeat(63)}`,
    `sha1:${'a'.repeat(40)}`,
    `../sha256:${'a'.repeat(64)}`,
    '',
  ])('%s', (digest) => {
    const { layout, manifest } = parts()
    layout.top({ ...manifest, digest })
    return expectRefused(
      layout,
      /index\.json": .*manifests\.0\.digest: expected "sha256:" and 64 .*, found "/,
    )
  })
})

describe('a layer', () => {
  test('whose decompressed content is another', async () => {
    const other = layerOf({ path: 'b', type: 'file', content: 'other' })
    const { layout } = parts({ stored: gzipSync(other.tar) })
    await expectRefused(
      layout,
      /layer 1 \(blobs.*\): decompressed, it is not what the image's configuration says \(diff_ids\): expected the digest sha256:\w+, found sha256:/,
    )
    const plain = parts({ stored: other.tar })
    await expectRefused(plain.layout, /diff_ids\): expected sha256:\w+, found sha256:/)
  })

  test('of docker save that is not what the configuration says', async () => {
    const layout = new TestLayout().dockerImages({ tags: ['a'], layers: [layer] })
    const path = [...layout.files.keys()].find((each) => each.endsWith('layer.tar'))!
    layout.files.set(path, flip(600)(layout.files.get(path)!))
    await expectRefused(layout, /layer\.tar": expected the digest sha256:\w+, found sha256:/)
  })

  test('that is damaged although the digest fits', async () => {
    const bytes = gzipSync(layer.tar)
    await expectRefused(
      parts({ stored: bytes.subarray(0, 50) }).layout,
      /layer 1 .*: damaged or truncated gzip data/,
    )
    const noTar = new TextEncoder().encode('this is no archive')
    await expectRefused(
      parts({ tar: noTar, stored: noTar }).layout,
      /layer 1 .* at offset 0: truncated header/,
    )
  })

  test.each([
    ['application/vnd.oci.image.layer.v1.tar+gzip+encrypted', /is encrypted .*skopeo copy --decryption-key/],
    [
      'application/vnd.example.tar',
      /the layer sha256:\w+ has the unknown type application\/vnd\.example\.tar/,
    ],
  ])('of type %s', (mediaType, message) => expectRefused(parts({ mediaType }).layout, message))

  test('that lies elsewhere', async () => {
    const more = { urls: ['https://example.org/layer'] }
    const mediaType = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'
    const all = parts({ mediaType, more })
    expect(await readLayout(all.layout)).toHaveLength(1)
    all.layout.files.delete(`blobs/${all.layer.digest.replace(':', '/')}`)
    await expectRefused(
      all.layout,
      /missing; it is available at https:\/\/example\.org\/layer, but nothing is downloaded/,
    )
  })
})

describe('a document', () => {
  test.each<[string, TestLayout, RegExp]>([
    ['that is no JSON', layoutOf(layer), /index\.json": expected JSON: /],
    [
      'of another version',
      manifestWith((manifest) => ({ ...manifest, schemaVersion: 1 })),
      /not the document it should be: schemaVersion: /,
    ],
    [
      'that is an index where a manifest should be',
      manifestWith((manifest) => ({ ...manifest, mediaType: OCI.index })),
      /name different types: found application\/vnd\.oci\.image\.index/,
    ],
    [
      'that is about something else than a container',
      manifestWith((manifest) => ({
        ...manifest,
        config: { ...(manifest.config as object), mediaType: 'application/vnd.cncf.helm.config.v1+json' },
      })),
      /expected a container image, found something else: .*helm/,
    ],
    ['without layers in the configuration', configWith({ os: 'linux' }), /rootfs: /],
    [
      'with fewer layers than the manifest',
      configWith({ rootfs: { type: 'layers', diff_ids: [] } }),
      /expected as many diff_ids as the manifest has layers, 1, found 0/,
    ],
  ])('%s', async (name, layout, message) => {
    if (name === 'that is no JSON') layout.files.set('index.json', new TextEncoder().encode('{"a":'))
    await expectRefused(layout, message)
  })

  test('of a size that no document has', async () => {
    const layout = layoutOf(layer)
    layout.files.set('index.json', new Uint8Array((16 << 20) + 1))
    await expectRefused(layout, /index\.json": a document of 16777217 bytes: expected at most 16777216/)
  })

  test('that leads out of the archive', async () => {
    const layout = new TestLayout().dockerImages({ tags: ['a'], layers: [layer] })
    for (const path of ['../secret', '/etc/passwd', 'a/../../b', 'a\0b', '']) {
      layout.files.set('manifest.json', jsonBytes([{ Config: path, RepoTags: null, Layers: [] }]))
      await expectRefused(layout, /manifest\.json": expected the path of a file in the archive, found "/)
    }
    layout.files.set('manifest.json', jsonBytes([{ Config: 'missing.json', RepoTags: null, Layers: [] }]))
    await expectRefused(layout, /"missing\.json": the file is missing/)
  })
})

describe('indexes', () => {
  test('inside of each other without end', async () => {
    const layout = new TestLayout()
    let top = layout.image([layer])
    for (let depth = 0; depth < 20; depth++) top = layout.index([top])
    await expectRefused(
      layout.top(top),
      /it is too large: expected at most 10000 manifests, and 8 levels of indexes/,
    )
  })

  test('that name each other in a circle', async () => {
    // No digest can be part of what it is the digest of: one of them is wrong.
    const layout = new TestLayout()
    const digest = digestOf(new Uint8Array(0))
    const outer = layout.index([layout.index([{ mediaType: OCI.index, digest, size: 0 }])])
    layout.files.set(
      `blobs/sha256/${digest.slice(7)}`,
      layout.files.get(`blobs/sha256/${outer.digest.slice(7)}`)!,
    )
    await expectRefused(layout.top(outer), /expected 0 bytes, as its descriptor says/)
  })

  test('that name each other again and again', async () => {
    const layout = new TestLayout()
    let top = layout.image([layer])
    for (let depth = 0; depth < 6; depth++) top = layout.index(Array.from({ length: 50 }, () => top))
    await expectRefused(layout.top(top), /it is too large/)
  })

  test('of nothing', async () => {
    await expectRefused(new TestLayout().top(), /it holds no image/)
    const docker = new TestLayout()
    docker.files.set('manifest.json', jsonBytes([]))
    await expectRefused(docker, /it holds no image/)
  })
})

describe('no layout', () => {
  test.each<[string, (layout: TestLayout) => void, RegExp]>([
    ['nothing of one', (layout) => layout.files.clear(), /expected an OCI image layout .* found neither/],
    ['no index', (layout) => layout.files.delete('index.json'), /there is no index\.json/],
    [
      'one of another version',
      (layout) => layout.files.set('oci-layout', jsonBytes({ imageLayoutVersion: '2.0.0' })),
      /oci-layout": not the document it should be: imageLayoutVersion/,
    ],
  ])('%s', async (_, change, message) => {
    const layout = layoutOf(layer)
    change(layout)
    layout.files.set('something', new Uint8Array(1))
    await expectRefused(layout, message)
  })

  test('what is missing, no tar archive, or empty', async () => {
    await expect(entriesIn('/nowhere/at/all')).rejects.toThrow(
      /\/nowhere\/at\/all: no such file or directory/,
    )
    await withFile(new Uint8Array(1000).fill(65), (path) =>
      expect(entriesIn(path)).rejects.toThrow(/bad number in header field chksum/),
    )
    await withFile(new Uint8Array(0), (path) =>
      expect(entriesIn(path)).rejects.toThrow(/the archive is empty/),
    )
    await withFile(gzipSync(layoutOf(layer).tar()).subarray(0, 400), (path) =>
      expect(entriesIn(path)).rejects.toThrow(/damaged or truncated gzip data/),
    )
  })

  test('a folder in the place of a file', () =>
    withLayout(new TestLayout(), async (folder) => {
      writeFileSync(join(folder, 'oci-layout'), jsonBytes({ imageLayoutVersion: '1.0.0' }))
      mkdirSync(join(folder, 'index.json'))
      await expect(entriesIn(folder)).rejects.toThrow(/entry "index\.json": expected a file/)
    }))

  test('an archive that is cut off', async () => {
    const archive = layoutOf(layer).tar()
    for (let length = 512; length < archive.length; length += 512) {
      const reading = withFile(archive.subarray(0, length), (path) => entriesIn(path))
      // One block of zeros ends an archive.
      if (length === archive.length - 512) await reading
      else await expect(reading).rejects.toBeInstanceOf(InputError)
    }
  })
})
