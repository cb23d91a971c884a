/** The JSON documents of image layouts: their form, as far as it is looked at. Unknown keys are ignored, as demanded. */
import * as z from 'zod'
import { EXPECTED_DIGEST, parseDigest } from './digest.ts'

const digest = z.string().transform((text, context) => {
  const parsed = parseDigest(text)
  if (parsed !== undefined) return parsed
  context.addIssue({ code: 'custom', message: `expected ${EXPECTED_DIGEST}, found ${JSON.stringify(text)}` })
  return z.NEVER
})

/** Programs in Go write lists that are empty as null. */
const listOf = <Item extends z.ZodType>(item: Item) =>
  z
    .array(item)
    .nullish()
    .transform((list) => list ?? [])

/** (image-spec, image-index.md, "platform") */
const platform = z.object({
  os: z.string(),
  architecture: z.string(),
  variant: z.string().nullish(),
})

/** (image-spec, descriptor.md) */
const descriptor = z.object({
  mediaType: z.string(),
  digest,
  size: z.number().int().min(0),
  urls: z.array(z.string()).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  platform: platform.nullish(),
})

export type Descriptor = z.output<typeof descriptor>

const versioned = { schemaVersion: z.literal(2), mediaType: z.string().nullish() }

/** (image-spec, image-layout.md, "oci-layout file") */
export const layoutMarker = z.object({ imageLayoutVersion: z.literal('1.0.0') })

/** (image-spec, image-index.md) */
export const indexDocument = z.object({ ...versioned, manifests: listOf(descriptor) })

/** (image-spec, manifest.md) */
export const manifestDocument = z.object({ ...versioned, config: descriptor, layers: listOf(descriptor) })

/** (image-spec, config.md) */
export const configDocument = z.object({
  os: z.string().default(''),
  architecture: z.string().default(''),
  variant: z.string().nullish(),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: listOf(digest) }),
})

export type ConfigDocument = z.output<typeof configDocument>

/** `manifest.json` of `docker save`: the images in the archive. (moby, image/spec/v1.2.md, "Combined Image JSON") */
export const dockerManifest = z.array(
  z.object({ Config: z.string(), RepoTags: listOf(z.string()), Layers: listOf(z.string()) }),
)

export type DockerImage = z.output<typeof dockerManifest>[number]
