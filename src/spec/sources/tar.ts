import * as z from 'zod'
import { fileName } from '../values.ts'
import { sourceKeys, type SourceKeysSpec, type SourceKind } from './common.ts'

/** A tar archive as a source. */
export interface TarSourceSpec extends SourceKeysSpec {
  /** A tar archive, plain or compressed (gzip, zstd, xz, bzip2, lz4), read once, front to back; `-` is standard input. */
  tar: string
}

export interface TarSourcePlan {
  kind: 'tar'
  /** Absolute; `-` is standard input. */
  path: string
}

/** A tar archive that will be read. */
export interface PlannedTarSource {
  kind: 'tar'
  tar: string
}

export const tarSource = {
  schema: z.strictObject({
    tar: fileName.describe(
      'A tar archive, plain or compressed (gzip, zstd, xz, bzip2, lz4), read once, front to back; "-" is standard input.',
    ),
    ...sourceKeys,
  }),
  resolve: ({ tar }, { resolvePath }) => ({ kind: 'tar', path: resolvePath(tar) }),
  show: ({ path }) => ({ kind: 'tar', tar: path }),
} satisfies SourceKind<TarSourceSpec, TarSourcePlan, PlannedTarSource>
