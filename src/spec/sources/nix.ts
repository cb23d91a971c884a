import * as z from 'zod/mini'
import { expected } from '../messages.ts'
import { fileName, text } from '../schema/values.ts'
import { sourceKeys, type SourceKeysSpec, type SourceKind } from './common.ts'

/**
 * Paths of a Nix store as a source.
 *
 * @example
 * { nix: { closureInfo: '/nix/store/...-closure-info' } }
 * @example
 * { nix: { binaryCache: 'cache', paths: ['hello-2.12.1'], trustedKeys: ['cache.nixos.org-1:6NCH...'] } }
 */
export interface NixSourceSpec extends SourceKeysSpec {
  /** Store paths, which are put into /nix/store. One of `closureInfo`, `paths` and `binaryCache` with `paths`. */
  nix: NixPathsSpec
}

/** Which store paths, and where they are. */
export interface NixPathsSpec {
  /** A directory that Nixpkgs' `closureInfo` has made: its store-paths, verified with its registration. */
  closureInfo?: string
  /**
   * Store paths, taken as they are: a list of them, or a file with one per line. With `binaryCache` also their hashes, or their
   * names without the hash, and all that they refer to is taken, too.
   */
  paths?: string[] | string
  /** The directory that has the store paths, if they are not read from a cache. Default: `/nix/store`. */
  store?: string
  /** The directory of a binary cache, as `nix copy --to file://...` makes it: `.narinfo` files and NARs. */
  binaryCache?: string
  /** Public keys like `cache.nixos.org-1:6NCH...`, one of which must have signed each path. Default: any path is taken. */
  trustedKeys?: string[]
  /**
   * Write /nix-path-registration, which `nix-store --load-db` reads. With `paths` of a store the references are
   * searched for in the content, as Nix does after a build. Default: false for `paths` of a store, else true.
   */
  registration?: boolean
}

/** Paths of files on this machine are absolute. */
export interface NixSourcePlan {
  kind: 'nix'
  closure: NixClosurePlan
}

export type NixClosurePlan = {
  /** A text for Nix's database is written, too. */
  registration: boolean
} & (
  | {
      from: 'closureInfo'
      directory: string
      /** Directory with the store paths. */
      store: string
    }
  | { from: 'paths'; paths: NixPathList; store: string }
  | {
      from: 'binaryCache'
      directory: string
      /** Store paths, their hashes, or names. */
      paths: NixPathList
      /** Each path must be signed by one of them; undefined: signatures are not verified. */
      trustedKeys: readonly string[] | undefined
    }
)

/** Store paths, or a file with one per line. */
export type NixPathList = readonly string[] | { file: string }

/** Store paths that will be read. */
export interface PlannedNixSource {
  kind: 'nix'
  nix: PlannedNixPaths
}

/** Store paths, and where they are. Keys that do not apply are left out. */
export interface PlannedNixPaths {
  closureInfo?: string
  /** A list, or a file with one per line. */
  paths?: string[] | string
  store?: string
  binaryCache?: string
  trustedKeys?: string[]
  registration: boolean
}

/** 32 bytes in base64. */
const publicKey = text(
  'a public key like "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="',
  /^[^:\s]+:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/,
)

const storePath = text('a store path like "/nix/store/<hash>-<name>"', /^[^\n\0]+$/)

const PATHS = 'a list of store paths, or the path of a file with one per line'

const nixPaths = z
  .strictObject({
    closureInfo: z
      .optional(fileName)
      .check(
        z.describe(
          'A directory that closureInfo made: the paths in its store-paths, verified with its registration.',
        ),
      ),
    paths: z
      .optional(
        z.union(
          [
            z.array(storePath).check(z.minLength(1, 'expected at least one store path, found none')),
            fileName,
          ],
          expected(PATHS),
        ),
      )
      .check(
        z.describe(
          'Store paths: a list, or a file with one per line; with "binaryCache" also hashes or names.',
        ),
      ),
    store: z
      .optional(fileName)
      .check(z.describe('Directory with the store paths.'), z.meta({ default: '/nix/store' })),
    binaryCache: z
      .optional(fileName)
      .check(
        z.describe('Directory of a binary cache, from which "paths" and everything they refer to are taken.'),
      ),
    trustedKeys: z
      .optional(z.array(publicKey).check(z.minLength(1, 'expected at least one public key, found none')))
      .check(z.describe('Public keys, one of which must have signed each path of the binary cache.')),
    registration: z
      .optional(z.boolean())
      .check(
        z.describe(
          'Write /nix-path-registration for Nix\'s database; by default, unless only "paths" are given.',
        ),
      ),
  })
  .check(({ value, issues }) => {
    const refuse = (message: string, ...path: string[]) =>
      void issues.push({ code: 'custom', message, path, input: value })
    const { closureInfo, paths, store, binaryCache, trustedKeys } = value
    if (closureInfo === undefined && paths === undefined) {
      refuse(
        binaryCache === undefined
          ? 'needs "closureInfo" or "paths"'
          : 'needs "paths": what to take of the cache',
      )
    }
    if (closureInfo !== undefined) {
      if (paths !== undefined) refuse('"closureInfo" lists the paths: leave out one of them', 'paths')
      if (binaryCache !== undefined) {
        refuse('a binary cache needs no "closureInfo": leave out one of them', 'binaryCache')
      }
    }
    if (binaryCache !== undefined && store !== undefined) {
      refuse('a binary cache needs no "store": leave out one of them', 'store')
    }
    if (binaryCache === undefined && trustedKeys !== undefined) {
      refuse('only paths of a "binaryCache" are signed', 'trustedKeys')
    }
  })
  .check(z.describe('Store paths, which are put into /nix/store.'))

/**
 * The keys of this kind of source, and what becomes of them.
 *
 * @internal the schema library is no part of the declarations
 */
export const nixSource = {
  schema: z.strictObject({ nix: nixPaths, ...sourceKeys }),
  resolve: ({ nix }, { resolvePath }) => ({ kind: 'nix', closure: resolveClosure(nix, resolvePath) }),
  show: ({ closure }) => ({ kind: 'nix', nix: showClosure(closure) }),
} satisfies SourceKind<NixSourceSpec, NixSourcePlan, PlannedNixSource>

function resolveClosure(
  { closureInfo, paths, store = '/nix/store', binaryCache, trustedKeys, registration }: NixPathsSpec,
  resolvePath: (path: string) => string,
): NixClosurePlan {
  if (closureInfo !== undefined) {
    const places = { directory: resolvePath(closureInfo), store: resolvePath(store) }
    return { from: 'closureInfo', ...places, registration: registration ?? true }
  }
  const list = typeof paths === 'string' ? { file: resolvePath(paths) } : [...paths!]
  if (binaryCache === undefined) {
    return { from: 'paths', paths: list, store: resolvePath(store), registration: registration ?? false }
  }
  const directory = resolvePath(binaryCache)
  return { from: 'binaryCache', directory, paths: list, trustedKeys, registration: registration ?? true }
}

function showClosure(closure: NixClosurePlan): PlannedNixPaths {
  const { from, registration } = closure
  if (from === 'closureInfo') return { closureInfo: closure.directory, store: closure.store, registration }
  const paths = 'file' in closure.paths ? closure.paths.file : [...closure.paths]
  if (from === 'paths') return { paths, store: closure.store, registration }
  const { directory, trustedKeys } = closure
  return {
    ...{ binaryCache: directory, paths, registration },
    ...(trustedKeys && { trustedKeys: [...trustedKeys] }),
  }
}
