/** Media types of the OCI image format, and of Docker's, from which it comes. (image-spec, media-types.md) */

const INDEXES = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
])

const MANIFESTS = new Set([
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
])

const CONFIGS = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
])

/** How layers are compressed, their first bytes tell. */
const LAYER =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+\w+)?|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.\w+)?)$/

export const isIndexType = (mediaType: string): boolean => INDEXES.has(mediaType)
export const isManifestType = (mediaType: string): boolean => MANIFESTS.has(mediaType)
export const isConfigType = (mediaType: string): boolean => CONFIGS.has(mediaType)
export const isLayerType = (mediaType: string): boolean => LAYER.test(mediaType)

/** Layers encrypted by ocicrypt have the type of the layer and this suffix. */
export const isEncrypted = (mediaType: string): boolean => mediaType.endsWith('+encrypted')
