/** Makes image layouts and archives as `docker save` makes them, for tests. Shares no code with the reader. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { buildTar, type TarInput } from '../../tar/build-tar.ts'

type Json = Record<string, unknown>

export interface TestDescriptor extends Json {
  mediaType: string
  digest: string
  size: number
  annotations?: Record<string, string>
  platform?: { os: string; architecture: string; variant?: string }
}

export interface TestLayer {
  /** The tar archive. */
  tar: Uint8Array
  /** What the layout holds of it; by default the archive, compressed by gzip. */
  stored?: Uint8Array
  mediaType?: string
  /** More keys of the descriptor. */
  more?: Json
}

export type Algorithm = 'sha256' | 'sha512'

export const OCI = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
}

export const digestOf = (bytes: Uint8Array, algorithm: Algorithm = 'sha256') =>
  `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`

export const jsonBytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

export const layerOf = (...entries: TarInput[]): TestLayer => ({ tar: buildTar(entries) })
export const plainLayerOf = (...entries: TarInput[]): TestLayer => {
  const tar = buildTar(entries)
  return { tar, stored: tar }
}

/** The files of a layout, by path. Tests may change and delete them. */
export class TestLayout {
  readonly files = new Map<string, Uint8Array>()
  readonly #algorithm: Algorithm

  constructor(algorithm: Algorithm = 'sha256') {
    this.#algorithm = algorithm
  }

  blob(bytes: Uint8Array, mediaType: string, more: Json = {}): TestDescriptor {
    const digest = digestOf(bytes, this.#algorithm)
    this.files.set(`blobs/${digest.replace(':', '/')}`, bytes)
    return { mediaType, digest, size: bytes.length, ...more }
  }

  image(
    layers: readonly TestLayer[],
    { os = 'linux', architecture = 'amd64', ...config }: Json = {},
    more: Json = {},
  ): TestDescriptor {
    const descriptors = layers.map((layer) => {
      const stored = layer.stored ?? gzipSync(layer.tar)
      const mediaType = layer.stored === undefined ? `${OCI.layer}+gzip` : OCI.layer
      return this.blob(stored, layer.mediaType ?? mediaType, layer.more)
    })
    const diffIds = layers.map(({ tar }) => digestOf(tar, this.#algorithm))
    const rootfs = { type: 'layers', diff_ids: diffIds }
    const configBlob = this.blob(jsonBytes({ os, architecture, rootfs, ...config }), OCI.config)
    const manifest = { schemaVersion: 2, mediaType: OCI.manifest, config: configBlob, layers: descriptors }
    return this.blob(jsonBytes(manifest), OCI.manifest, more)
  }

  index(manifests: readonly TestDescriptor[], more: Json = {}): TestDescriptor {
    return this.blob(jsonBytes({ schemaVersion: 2, mediaType: OCI.index, manifests }), OCI.index, more)
  }

  /** Makes it an OCI layout with these manifests and indexes. */
  top(...manifests: TestDescriptor[]): this {
    this.files.set('oci-layout', jsonBytes({ imageLayoutVersion: '1.0.0' }))
    this.files.set('index.json', jsonBytes({ schemaVersion: 2, manifests }))
    return this
  }

  /** Makes it an archive of `docker save` before version 25. */
  dockerImages(...images: { tags: string[] | null; layers: TestLayer[]; config?: Json }[]): this {
    const manifest = images.map(({ tags, layers, config }, i) => {
      const diffIds = layers.map(({ tar }) => digestOf(tar))
      const rootfs = { type: 'layers', diff_ids: diffIds }
      const bytes = jsonBytes({ os: 'linux', architecture: 'amd64', rootfs, ...config })
      const configName = `${digestOf(bytes).slice(7)}.json`
      this.files.set(configName, bytes)
      const paths = layers.map(({ tar, stored }, layer) => {
        const path = `${digestOf(jsonBytes([i, layer])).slice(7)}/layer.tar`
        this.files.set(path, stored ?? tar)
        return path
      })
      return { Config: configName, RepoTags: tags, Layers: paths }
    })
    this.files.set('manifest.json', jsonBytes(manifest))
    return this
  }

  /** Changes a blob without changing the digests that name it. */
  change({ digest }: Pick<TestDescriptor, 'digest'>, change: (bytes: Uint8Array) => Uint8Array): void {
    const path = `blobs/${digest.replace(':', '/')}`
    this.files.set(path, change(this.files.get(path)!))
  }

  writeTo(folder: string): string {
    for (const [path, bytes] of this.files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), bytes)
    }
    return folder
  }

  tar(more: readonly TarInput[] = []): Uint8Array {
    const files = Array.from(this.files, ([path, content]): TarInput => ({ path, type: 'file', content }))
    return buildTar([...files, ...more])
  }
}

/** A layout with one image. */
export const layoutOf = (...layers: TestLayer[]): TestLayout => {
  const layout = new TestLayout()
  return layout.top(layout.image(layers))
}
