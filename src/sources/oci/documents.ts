/** The JSON documents of image layouts: their form, as far as it is looked at. Unknown keys are ignored, as demanded. */
import * as z from 'zod/mini'
import { EXPECTED_DIGEST, parseDigest } from './digest.ts'

const digest = z.pipe(
  z.string(),
  z.transform((text: string, { issues }) => {
    const parsed = parseDigest(text)
    if (parsed !== undefined) return parsed
    const message = `expected ${EXPECTED_DIGEST}, found ${JSON.stringify(text)}`
    issues.push({ code: 'custom', message, input: text })
    return z.NEVER
  }),
)

/** Programs in Go write lists that are empty as null. */
const listOf = <Item extends z.ZodMiniType>(item: Item) =>
  z.pipe(
    z.nullish(z.array(item)),
    z.transform((list) => list ?? []),
  )

/** (image-spec, image-index.md, "platform") */
const platform = z.object({
  os: z.string(),
  architecture: z.string(),
  variant: z.nullish(z.string()),
})

/** (image-spec, descriptor.md) */
const descriptor = z.object({
  mediaType: z.string(),
  digest,
  size: z.int().check(z.minimum(0)),
  urls: z.nullish(z.array(z.string())),
  annotations: z.nullish(z.record(z.string(), z.string())),
  platform: z.nullish(platform),
})

export type Descriptor = z.output<typeof descriptor>

const versioned = { schemaVersion: z.literal(2), mediaType: z.nullish(z.string()) }

/** (image-spec, image-layout.md, "oci-layout file") */
export const layoutMarker = z.object({ imageLayoutVersion: z.literal('1.0.0') })

/** (image-spec, image-index.md) */
export const indexDocument = z.object({ ...versioned, manifests: listOf(descriptor) })

/** (image-spec, manifest.md) */
export const manifestDocument = z.object({ ...versioned, config: descriptor, layers: listOf(descriptor) })

/** (image-spec, config.md) */
export const configDocument = z.object({
  os: z._default(z.string(), ''),
  architecture: z._default(z.string(), ''),
  variant: z.nullish(z.string()),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: listOf(digest) }),
})

export type ConfigDocument = z.output<typeof configDocument>

/** `manifest.json` of `docker save`: the images in the archive. (moby, image/spec/v1.2.md, "Combined Image JSON") */
export const dockerManifest = z.array(
  z.object({ Config: z.string(), RepoTags: listOf(z.string()), Layers: listOf(z.string()) }),
)

export type DockerImage = z.output<typeof dockerManifest>[number]
