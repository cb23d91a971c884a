/** The images that a layout holds, before one is chosen. */
import { InputError } from '../../lib/errors.ts'
import { findBlob, readDocument, whereIs, type Layout } from './blob.ts'
import { blobPath, formatDigest } from './digest.ts'
import { configDocument, manifestDocument, type ConfigDocument, type Descriptor } from './documents.ts'
import type { LayerBlob } from './layer.ts'
import { isConfigType, isEncrypted, isLayerType, isManifestType } from './media-types.ts'
import type { ImagePlatform } from './platform.ts'

/** One image of a layout. */
export interface StoredImage {
  /** Names and tags. */
  names: Set<string>
  /** Digests that choose it, too: of its manifest and of indexes around it, or of its configuration. */
  digests: Set<string>
  /** Undefined when only the configuration says it. */
  platform: ImagePlatform | undefined
  /** Whether its manifest is in the layout: an index may name more than is there. */
  isThere(): Promise<boolean>
  /** @throws InputError when something of it is missing, is not what its digest says, or is no container image */
  open(): Promise<OpenImage>
}

export interface OpenImage {
  platform: ImagePlatform
  /** The lowest first. */
  layers: LayerBlob[]
}

/** The image of a manifest. */
export function imageOfManifest(layout: Layout, manifest: Descriptor): StoredImage {
  return {
    names: new Set(),
    digests: new Set([formatDigest(manifest.digest)]),
    platform: manifest.platform ?? undefined,
    isThere: async () => (await layout.files.find(blobPath(manifest.digest))) !== undefined,
    open: () => openManifest(layout, manifest),
  }
}

async function openManifest(layout: Layout, descriptor: Descriptor): Promise<OpenImage> {
  const file = await findBlob(layout, descriptor)
  const where = whereIs(layout, file)
  const { config, layers, mediaType } = await readDocument(layout, file, manifestDocument, descriptor.digest)
  refuseOtherType(mediaType, isManifestType, where)
  if (!isConfigType(config.mediaType)) {
    throw new InputError(
      `expected a container image, found something else: its configuration has the type ${config.mediaType}`,
      where,
    )
  }
  const configFile = await findBlob(layout, config)
  const platformAndLayers = await readDocument(layout, configFile, configDocument, config.digest)
  for (const layer of layers) refuseLayer(layer, where)
  const blobs: Omit<LayerBlob, 'diffId'>[] = []
  for (const layer of layers) blobs.push({ file: await findBlob(layout, layer), digest: layer.digest })
  return withDiffIds(blobs, platformAndLayers, whereIs(layout, configFile))
}

/** @throws InputError when the configuration is of another number of layers */
export function withDiffIds(
  blobs: readonly Omit<LayerBlob, 'diffId'>[],
  { os, architecture, variant, rootfs }: ConfigDocument,
  where: { source: string; entry: string },
): OpenImage {
  const ids = rootfs.diff_ids
  if (ids.length !== blobs.length) {
    throw new InputError(
      `expected as many diff_ids as the manifest has layers, ${blobs.length}, found ${ids.length}`,
      where,
    )
  }
  return {
    platform: { os, architecture, variant },
    layers: blobs.map((blob, i) => ({ ...blob, diffId: ids[i] })),
  }
}

/** Where a document says its own type, it must be the one for which it was read. */
export function refuseOtherType(
  mediaType: string | null | undefined,
  isExpected: (mediaType: string) => boolean,
  where: { source: string; entry: string },
): void {
  if (mediaType && !isExpected(mediaType)) {
    throw new InputError(
      `its descriptor and the document itself name different types: found ${mediaType}`,
      where,
    )
  }
}

function refuseLayer({ mediaType, digest }: Descriptor, where: { source: string; entry: string }): void {
  const layer = `the layer ${formatDigest(digest)}`
  if (isEncrypted(mediaType)) {
    throw new InputError(
      `${layer} is encrypted (${mediaType}): decrypt the image first, for example with skopeo copy --decryption-key`,
      where,
    )
  }
  if (!isLayerType(mediaType)) throw new InputError(`${layer} has the unknown type ${mediaType}`, where)
}
