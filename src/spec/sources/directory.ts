import * as z from 'zod/mini'
import { expected } from '../messages.ts'
import { fileName } from '../schema/values.ts'
import { sourceKeys, type SourceKeysSpec, type SourceKind } from './common.ts'

/** A folder of this machine as a source. */
export interface DirectorySourceSpec extends SourceKeysSpec {
  /** A folder, whose content is taken as it is. Its owners are not, unless `owner` asks for them. */
  directory: string
  /**
   * File that says what entries of the folder are in the image: their owners, permissions, times, attributes; and which
   * devices there are. In the format of mtree(5), or JSON.
   */
  manifest?: string
  /**
   * The names of owners in the manifest count, not their numbers: the folder's own `/etc/passwd` and `/etc/group` say what
   * they stand for. The number counts where a name is in neither. Default: false.
   */
  resolveNames?: boolean
  /** Follow symlinks: take what they lead to. Default: false. */
  followSymlinks?: boolean
  /**
   * True: extended attributes are read, with ACLs and capabilities; where that is impossible, it is an error. False: they are
   * not. Default: they are read, and where that is impossible, the result has a notice.
   */
  xattrs?: boolean
}

export interface DirectorySourcePlan {
  kind: 'directory'
  /** Absolute. */
  path: string
  manifest?: string | undefined
  resolveNames?: boolean
  /** Owners as they are here, for the common keys to change; otherwise all is root's. */
  keepOwners?: boolean
  followSymlinks?: boolean
  /** Undefined: as far as it is possible. */
  xattrs?: boolean | undefined
}

/** A folder that will be read. */
export interface PlannedDirectorySource {
  kind: 'directory'
  directory: string
  manifest?: string
  resolveNames?: true
  followSymlinks?: true
  xattrs?: boolean
}

/**
 * The keys of this kind of source, and what becomes of them.
 *
 * @internal the schema library is no part of the declarations
 */
export const directorySource = {
  schema: z
    .strictObject({
      directory: fileName.check(z.describe('A folder, whose content is taken as it is.')),
      manifest: z
        .optional(fileName)
        .check(z.describe('File that describes the entries, in the format of mtree(5) or in JSON.')),
      resolveNames: z
        .optional(z.boolean(expected('true or false')))
        .check(
          z.describe(
            'Use the names of owners in the manifest instead of their numbers, and look them up in the ' +
              "folder's own /etc/passwd and /etc/group.",
          ),
          z.meta({ default: false }),
        ),
      followSymlinks: z
        .optional(z.boolean())
        .check(z.describe('Follow symlinks: take what they lead to.'), z.meta({ default: false })),
      xattrs: z
        .optional(z.boolean())
        .check(z.describe('Whether extended attributes are read; by default, where that is possible.')),
      ...sourceKeys,
    })
    .check(
      z.refine(({ manifest, resolveNames }) => manifest !== undefined || resolveNames !== true, {
        path: ['resolveNames'],
        message: 'is for the names of owners in a manifest, and there is none ("manifest")',
      }),
    ),
  resolve: (
    { directory, manifest, resolveNames = false, followSymlinks = false, xattrs, owner = 'root' },
    { resolvePath },
  ) => ({
    kind: 'directory',
    path: resolvePath(directory),
    ...(manifest !== undefined && { manifest: resolvePath(manifest) }),
    ...(resolveNames && { resolveNames }),
    ...(owner !== 'root' && { keepOwners: true }),
    ...(followSymlinks && { followSymlinks }),
    ...(xattrs !== undefined && { xattrs }),
  }),
  show: ({ path, manifest, resolveNames, followSymlinks, xattrs }) => ({
    kind: 'directory',
    directory: path,
    ...(manifest !== undefined && { manifest }),
    ...(resolveNames === true && { resolveNames }),
    ...(followSymlinks === true && { followSymlinks }),
    ...(xattrs !== undefined && { xattrs }),
  }),
} satisfies SourceKind<DirectorySourceSpec, DirectorySourcePlan, PlannedDirectorySource>
