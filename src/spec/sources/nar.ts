import * as z from 'zod/mini'
import { fileName } from '../schema/values.ts'
import { sourceKeys, type SourceKeysSpec, type SourceKind } from './common.ts'

/** A Nix archive as a source. */
export interface NarSourceSpec extends SourceKeysSpec {
  /**
   * A Nix archive, plain or compressed, whose root is put at `to`, be it a directory, a file or a symlink; or what
   * `nix-store --export` has written: its store paths are put into /nix/store, with a registration for Nix's database.
   * `-` is standard input.
   */
  nar: string
}

export interface NarSourcePlan {
  kind: 'nar'
  /** Absolute; `-` is standard input. */
  path: string
}

/** A Nix archive that will be read. */
export interface PlannedNarSource {
  kind: 'nar'
  nar: string
}

/**
 * The keys of this kind of source, and what becomes of them.
 *
 * @internal the schema library is no part of the declarations
 */
export const narSource = {
  schema: z.strictObject({
    nar: fileName.check(
      z.describe(
        'A Nix archive (.nar, .nar.xz, ...), whose root is put at "to", or the output of nix-store --export; "-" is standard input.',
      ),
    ),
    ...sourceKeys,
  }),
  resolve: ({ nar }, { resolvePath }) => ({ kind: 'nar', path: resolvePath(nar) }),
  show: ({ path }) => ({ kind: 'nar', nar: path }),
} satisfies SourceKind<NarSourceSpec, NarSourcePlan, PlannedNarSource>
