/** The images of an OCI image layout. (image-spec, image-layout.md) */
import { InputError } from '../../lib/errors.ts'
import { findBlob, readDocument, whereIs, type Layout } from './blob.ts'
import { formatDigest, type ContentDigest } from './digest.ts'
import { indexDocument, layoutMarker, type Descriptor } from './documents.ts'
import { imageOfManifest, refuseOtherType, type StoredImage } from './image.ts'
import { isIndexType, isManifestType } from './media-types.ts'
import { isUnknown } from './platform.ts'
import type { StoredFile } from './stored-file.ts'

const REFERENCE_NAME = 'org.opencontainers.image.ref.name'
/** containerd's, with the name of the image; the one above has its tag alone then. */
const CONTAINERD_NAME = 'io.containerd.image.name'
/** Docker's, of manifests that are about other manifests. */
const DOCKER_REFERENCE_TYPE = 'vnd.docker.reference.type'

/** Indexes inside of indexes. Usual are two. */
const MAX_DEPTH = 8
/** Manifests and indexes that are looked at. */
const MAX_MANIFESTS = 10_000

/** Whether there is an OCI layout. */
export async function isOciLayout(layout: Layout): Promise<boolean> {
  const marker = await layout.files.find('oci-layout')
  if (marker === undefined) return false
  await readDocument(layout, marker, layoutMarker)
  return true
}

/**
 * The images of all indexes, in their order, each manifest once. What is no image is left out, as the specification
 * demands of unknown types, and so are attestations.
 *
 * @throws InputError when an index is missing, is not what its digest says, or there are too many of them
 */
export async function imagesOfLayout(layout: Layout): Promise<StoredImage[]> {
  const file = await layout.files.find('index.json')
  if (file === undefined) throw new InputError('there is no index.json', { source: layout.files.source })
  const images = new Map<string, StoredImage>()
  const indexes = new Map<string, Descriptor[]>()
  const open: OpenIndex[] = [{ manifests: await readIndex(layout, file), names: [], digests: [], depth: 0 }]
  let count = 0
  for (const { manifests, names: outerNames, digests, depth } of open) {
    count += manifests.length
    if (count > MAX_MANIFESTS || depth > MAX_DEPTH) {
      const limits = `${MAX_MANIFESTS} manifests, and ${MAX_DEPTH} levels of indexes`
      throw new InputError(`it is too large: expected at most ${limits}`, whereIs(layout, file))
    }
    for (const descriptor of manifests) {
      if (isAttestation(descriptor)) continue
      const digest = formatDigest(descriptor.digest)
      const names = [...outerNames, ...namesOf(descriptor)]
      if (isIndexType(descriptor.mediaType)) {
        const inner = indexes.get(digest) ?? (await openIndex(layout, descriptor))
        indexes.set(digest, inner)
        open.push({ manifests: inner, names, digests: [...digests, digest], depth: depth + 1 })
      } else if (isManifestType(descriptor.mediaType)) {
        const image = images.get(digest) ?? imageOfManifest(layout, descriptor)
        images.set(digest, image)
        for (const name of names) image.names.add(name)
        for (const each of digests) image.digests.add(each)
      }
    }
  }
  return [...images.values()]
}

/** What an index lists, and by what it is known itself. */
interface OpenIndex {
  manifests: Descriptor[]
  names: string[]
  digests: string[]
  depth: number
}

async function openIndex(layout: Layout, descriptor: Descriptor): Promise<Descriptor[]> {
  return readIndex(layout, await findBlob(layout, descriptor), descriptor.digest)
}

async function readIndex(layout: Layout, file: StoredFile, digest?: ContentDigest): Promise<Descriptor[]> {
  const { manifests, mediaType } = await readDocument(layout, file, indexDocument, digest)
  refuseOtherType(mediaType, isIndexType, whereIs(layout, file))
  return manifests
}

function namesOf({ annotations }: Descriptor): string[] {
  const names = [annotations?.[CONTAINERD_NAME], annotations?.[REFERENCE_NAME]]
  return names.filter((name) => name !== undefined)
}

function isAttestation({ platform, annotations }: Descriptor): boolean {
  return annotations?.[DOCKER_REFERENCE_TYPE] !== undefined || (platform ? isUnknown(platform) : false)
}
