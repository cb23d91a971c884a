import * as z from 'zod/mini'
import type { Timestamp } from '../../file-tree/entry.ts'
import { fileName, text } from '../schema/values.ts'
import { sourceKeys, type SourceKeysSpec, type SourceKind } from './common.ts'

/**
 * A container image as a source: what its layers make of each other, without the configuration to run it.
 *
 * @example
 * { oci: 'debian.tar', platform: 'linux/arm64' }
 */
export interface OciSourceSpec extends SourceKeysSpec {
  /** An OCI image layout or an archive of `docker save`: a folder, or a tar archive of one; `-` is standard input. */
  oci: string
  /** Operating system and architecture, with or without its variant, like `linux/arm64`. Default: the only one. */
  platform?: string
  /** Name, tag or digest of the image, like `debian:12`. Default: the only one. */
  reference?: string
}

export interface OciSourcePlan {
  kind: 'oci'
  /** Absolute; `-` is standard input. */
  path: string
  platform: string | undefined
  reference: string | undefined
  /** Time of directories for which the image has no entry. */
  time: Timestamp
}

/** A container image that will be read. */
export interface PlannedOciSource {
  kind: 'oci'
  oci: string
  /** Left out for the only one in the layout. */
  platform?: string
  /** Left out for the only one in the layout. */
  reference?: string
}

/**
 * The keys of this kind of source, and what becomes of them.
 *
 * @internal the schema library is no part of the declarations
 */
export const ociSource = {
  schema: z.strictObject({
    oci: fileName.check(
      z.describe(
        'A container image: an OCI image layout or an archive of docker save, as a folder or a tar archive; "-" is standard input.',
      ),
    ),
    platform: z
      .optional(text('a platform like "linux/arm64" or "linux/arm/v6"', /^[\w.-]+(?:\/[\w.-]+){1,2}$/))
      .check(z.describe('Operating system and architecture of the image; by default, the only one.')),
    reference: z
      .optional(text('a name, tag or digest, like "debian:12"', /^\S+$/))
      .check(z.describe('Name, tag or digest of the image; by default, the only one.')),
    ...sourceKeys,
  }),
  resolve: ({ oci, platform, reference }, { resolvePath, time }) => ({
    ...{ kind: 'oci', platform, reference, time },
    path: oci === '-' ? oci : resolvePath(oci),
  }),
  show: ({ path, platform, reference }) => ({
    kind: 'oci',
    oci: path,
    ...(platform !== undefined && { platform }),
    ...(reference !== undefined && { reference }),
  }),
} satisfies SourceKind<OciSourceSpec, OciSourcePlan, PlannedOciSource>
