import * as z from 'zod/mini'
import { expected } from '../messages.ts'
import { fileName } from '../schema/values.ts'
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

/**
 * The keys of this kind of source, and what becomes of them.
 *
 * @internal the schema library is no part of the declarations
 */
export const tarSource = {
  schema: z
    .strictObject({
      tar: fileName.check(
        z.describe(
          'A tar archive, plain or compressed (gzip, zstd, xz, bzip2, lz4), read once, front to back; "-" is ' +
            'standard input.',
        ),
      ),
      concatenated: z
        .optional(z.boolean(expected('true or false')))
        .check(
          z.describe('Also read archives that follow the end of the first one, as tar --ignore-zeros does.'),
          z.meta({ default: false }),
        ),
      resolveNames: z
        .optional(z.boolean(expected('true or false')))
        .check(
          z.describe(
            'Use the names of owners, also in ACLs, instead of their numbers, and look them up in the ' +
              "archive's own /etc/passwd and /etc/group.",
          ),
          z.meta({ default: false }),
        ),
      ...sourceKeys,
    })
    .check(
      z.refine(({ tar, resolveNames }) => tar !== '-' || resolveNames !== true, {
        path: ['resolveNames'],
        message: 'reads the archive twice, and standard input can be read once: expected a file',
      }),
    ),
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
