import * as z from 'zod'
import { expected } from '../messages.ts'
import { fileName } from '../values.ts'
import { sourceKeys, type SourceKeysSpec, type SourceKind } from './common.ts'

/** A tar archive as a source. */
export interface TarSourceSpec extends SourceKeysSpec {
  /** A tar archive, plain or compressed (gzip, zstd, xz, bzip2, lz4), read once, front to back; `-` is standard input. */
  tar: string
  /** Archives that follow the end of another one are read, too, as by `tar --ignore-zeros`. Default: false. */
  concatenated?: boolean
  /**
   * The names of owners, and those in ACLs, count, not their numbers: the archive's own `/etc/passwd` and `/etc/group` say what
   * they stand for. The number counts where a name is in neither. The archive is read twice, so it must be a file. Default:
   * false.
   */
  resolveNames?: boolean
}

export interface TarSourcePlan {
  kind: 'tar'
  /** Absolute; `-` is standard input. */
  path: string
  concatenated?: boolean | undefined
  resolveNames?: boolean | undefined
}

/** A tar archive that will be read. */
export interface PlannedTarSource {
  kind: 'tar'
  tar: string
  concatenated?: true
  resolveNames?: true
}

export const tarSource = {
  schema: z
    .strictObject({
      tar: fileName.describe(
        'A tar archive, plain or compressed (gzip, zstd, xz, bzip2, lz4), read once, front to back; "-" is standard input.',
      ),
      concatenated: z
        .boolean(expected('true or false'))
        .optional()
        .describe('Archives that follow the end of another one are read, too, as by tar --ignore-zeros.')
        .meta({ default: false }),
      resolveNames: z
        .boolean(expected('true or false'))
        .optional()
        .describe(
          "The names of owners, and those in ACLs, count, not their numbers: the archive's own /etc/passwd and /etc/group say what they stand for.",
        )
        .meta({ default: false }),
      ...sourceKeys,
    })
    .refine(({ tar, resolveNames }) => tar !== '-' || resolveNames !== true, {
      path: ['resolveNames'],
      message: 'reads the archive twice, and standard input can be read once: expected a file',
    }),
  resolve: ({ tar, concatenated, resolveNames }, { resolvePath }) => ({
    kind: 'tar',
    path: resolvePath(tar),
    ...(concatenated && { concatenated }),
    ...(resolveNames && { resolveNames }),
  }),
  show: ({ path, concatenated, resolveNames }) => ({
    kind: 'tar',
    tar: path,
    ...(concatenated && { concatenated }),
    ...(resolveNames && { resolveNames }),
  }),
} satisfies SourceKind<TarSourceSpec, TarSourcePlan, PlannedTarSource>
