import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { fromBytes } from '../../../src/lib/byte-string.ts'
import { ArchiveFiles } from '../../../src/sources/oci/archive-files.ts'
import { readImage } from '../../../src/sources/oci/read-image.ts'
import type { LayoutFiles, OpenStoredFile } from '../../../src/sources/oci/stored-file.ts'
import { buildTar } from '../../tar/build-tar.ts'
import { layerOf, layoutOf, plainLayerOf, TestLayout } from '../../sources/oci/layout.ts'
import { SOURCE, words, type FuzzTarget } from '../target.ts'
import { checkNames } from './tar.ts'

/**
 * An input is an archive, or a recipe for a layout: lines `@file NAME`, each with the bytes of a file below it. In them,
 * `$NAME` becomes the digest of a file above, and `#NAME` its size; a file with the name `NAME.blob` is a blob. So a
 * changed document still has the right digest.
 */
const FILE = '\n@file '
const LAYERS = ['lower', 'upper'].map((name, i) => [
  name,
  Buffer.from(
    buildTar([
      { path: 'd', type: 'directory' },
      { path: i === 0 ? 'd/f' : 'd/.wh.f', type: 'file', content: i === 0 ? 'content' : '' },
      { path: `d/${name}`, type: 'file', content: name },
      { path: 'd/link', type: i === 0 ? 'symlink' : 'hardlink', target: 'd/upper' },
    ]),
  ).toString('latin1'),
])

const descriptor = (type: string, name: string) => ({
  mediaType: `application/vnd.oci.image.${type}`,
  digest: `$${name}`,
  size: `#${name}`,
})
const json = (value: unknown) => JSON.stringify(value).replace(/"(#\w+)"/g, '$1')

const RECIPE = recipe([
  ...LAYERS.map(([name, bytes]): [string, string] => [`${name}.blob`, bytes]),
  [
    'config.blob',
    json({
      os: 'linux',
      architecture: 'arm64',
      variant: 'v8',
      rootfs: { type: 'layers', diff_ids: ['$lower', '$upper'] },
    }),
  ],
  [
    'manifest.blob',
    json({
      schemaVersion: 2,
      config: descriptor('config.v1+json', 'config'),
      layers: [descriptor('layer.v1.tar', 'lower'), descriptor('layer.v1.tar', 'upper')],
    }),
  ],
  [
    'inner.blob',
    json({
      schemaVersion: 2,
      manifests: [
        {
          ...descriptor('manifest.v1+json', 'manifest'),
          platform: { os: 'linux', architecture: 'arm64' },
          annotations: { 'org.opencontainers.image.ref.name': 'latest' },
        },
      ],
    }),
  ],
  ['oci-layout', json({ imageLayoutVersion: '1.0.0' })],
  ['index.json', json({ schemaVersion: 2, manifests: [descriptor('index.v1+json', 'inner')] })],
])

export const oci: FuzzTarget = {
  name: 'oci',
  executions: 4000,
  maxLength: 48 * 1024,
  dictionary: words(
    ...[
      '"mediaType":',
      '"digest":',
      '"size":',
      '"platform":',
      '"annotations":',
      '"urls":',
      'null',
      '{}',
      '[]',
      '""',
    ],
    ...[
      '"$lower"',
      '"$config"',
      '"$manifest"',
      '"$inner"',
      '#lower',
      '#manifest',
      'sha256:',
      'sha512:',
      '"variant":',
    ],
    ...[
      'application/vnd.oci.image.index.v1+json',
      'application/vnd.oci.image.layer.v1.tar+gzip',
      '+zstd',
      '-1',
      '1e99',
    ],
    ...[
      '.wh.',
      '.wh..wh..opq',
      '../',
      '/',
      '@file oci-layout\n',
      '@file manifest.json\n',
      '@file index.json\n',
    ],
    ...['"Config":', '"RepoTags":', '"Layers":', 'ustar\x0000', '__proto__'],
  ),
  seeds: () => [
    RECIPE,
    Buffer.concat([
      RECIPE,
      Buffer.from(
        recipe([['manifest.json', '[{"Config":"config.blob","RepoTags":["a:b"],"Layers":["lower.blob"]}]']]),
      ),
    ]),
    layoutOf(plainLayerOf({ path: 'a', type: 'file', content: 'a' })).tar(),
    new TestLayout()
      .dockerImages({ tags: ['a:1'], layers: [layerOf({ path: 'a', type: 'directory' })] })
      .tar([{ path: 'l', type: 'symlink', target: 'manifest.json' }]),
    recipe([['x', gzipSync('x').toString('latin1')]]),
  ],
  async run(input) {
    const isRecipe = Buffer.from(input.subarray(0, FILE.length)).toString('latin1') === FILE
    const files = isRecipe ? layoutFrom(input) : await ArchiveFiles.open(inMemory(input), { source: SOURCE })
    const wanted = { reference: undefined, platform: undefined, time: { sec: 0, nsec: 0 } }
    for await (const entry of readImage({ files }, { ...wanted, leavesOut: () => false })) {
      checkNames(entry)
      if (entry.type === 'file') for await (const piece of entry.content) fromBytes(piece)
    }
  },
}

function recipe(files: readonly (readonly [string, string])[]): Uint8Array {
  return Buffer.from(files.map(([name, text]) => `${FILE}${name}\n${text}`).join(''), 'latin1')
}

function layoutFrom(input: Uint8Array): LayoutFiles {
  const files = new Map<string, Buffer>()
  const digests = new Map<string, { digest: string; size: number }>()
  for (const part of Buffer.from(input).toString('latin1').slice(FILE.length).split(FILE)) {
    const name = part.split('\n')[0]
    const text = part.slice(name.length + 1).replace(/([$#])(\w+)/g, (word, kind: string, of: string) => {
      const found = digests.get(of)
      return found === undefined ? word : String(kind === '$' ? found.digest : found.size)
    })
    const bytes = Buffer.from(text, 'latin1')
    const hex = createHash('sha256').update(bytes).digest('hex')
    digests.set(name.replace(/\.blob$/, ''), { digest: `sha256:${hex}`, size: bytes.length })
    files.set(name, bytes)
    if (name.endsWith('.blob')) files.set(`blobs/sha256/${hex}`, bytes)
  }
  return {
    source: SOURCE,
    find(path) {
      const bytes = files.get(path)
      if (bytes === undefined) return Promise.resolve(undefined)
      const size = bytes.length
      const stored: OpenStoredFile = {
        ...{ handle: inMemory(bytes), start: 0, size, source: SOURCE },
        keep: () => false,
        close: () => Promise.resolve(),
      }
      return Promise.resolve({ path, size, open: () => Promise.resolve(stored) })
    },
    close: () => Promise.resolve(),
  }
}

/** What is used of a file. */
function inMemory(bytes: Uint8Array): FileHandle {
  return {
    stat: () => Promise.resolve({ size: bytes.length }),
    close: () => Promise.resolve(),
    read(target: Uint8Array, offset: number, length: number, position: number) {
      const piece = bytes.subarray(position, position + length)
      target.set(piece, offset)
      return Promise.resolve({ bytesRead: piece.length, buffer: target })
    },
  } as unknown as FileHandle
}
