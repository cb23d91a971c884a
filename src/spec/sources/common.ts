/** The keys that sources of all kinds have, and what a kind of source is. */
import * as z from 'zod/mini'
import type { Timestamp } from '../../file-tree/entry.ts'
import type { MergeRule } from '../../file-tree/merge.ts'
import { MODE_CHANGE_PATTERN, parseModeChange } from '../../file-tree/mode-change.ts'
import type { UnsupportedPolicy } from '../../file-tree/unsupported.ts'
import { toText, type ByteString } from '../../lib/byte-string.ts'
import { expected } from '../messages.ts'
import { parseTime } from '../notation/times.ts'
import { toTreePath } from '../resolve/tree-path.ts'
import { glob, integer, ownerId, path, text, time } from '../schema/values.ts'

/** Keys of sources of all kinds. They apply in this order: `from`, `strip`, `include`, `exclude`, then the changes. */
export interface SourceKeysSpec {
  /** Path in the partition below which the source's root is put. Default: `/`. */
  to?: string
  /** Path in the source that becomes its root; everything outside is left out. Default: `/`. */
  from?: string
  /**
   * Number of leading components to remove from every path, and from the targets of hard links, as `tar
   * --strip-components` does. Entries with no more components are left out. Default: 0.
   */
  strip?: number
  /**
   * Patterns of entries to take, with everything below them and the directories above them. They are for paths as `from` and
   * `strip` leave them. Default: everything.
   */
  include?: string[]
  /** Patterns of entries to leave out, with everything below them, whatever `include` says. */
  exclude?: string[]
  /**
   * Owners: `keep` leaves them as they are, `root` sets all to 0, an object changes some. Default: `root` for directories,
   * `keep` for other sources.
   *
   * @example { uid: { 1000: 0 }, gid: 100 }
   */
  owner?: 'keep' | 'root' | SourceOwnerSpec
  /**
   * Permissions: one change for everything, or one for directories and one for everything else. Symlinks have none. Octal
   * digits, or clauses as for chmod(1), where those without `u`, `g`, `o` or `a` apply to all, whatever the umask is.
   *
   * @example 'go=rX'
   */
  mode?: string | SourceModeSpec
  /** Times (of content, access, metadata, creation) later than this one are replaced by it. */
  clampTime?: number | string
  /**
   * What happens to an entry of an earlier source with the same path; directories are always merged. `follow`: it is
   * replaced, but a directory follows a symlink to a directory, as `tar --keep-directory-symlink` does, and replacing a
   * directory that is not empty is an error. `replace`: it is replaced, whatever its type. `refuse`: an error. Default:
   * `follow`.
   */
  merge?: MergeRule
  /** Short for `clampTime` with the description's `time`, or SOURCE_DATE_EPOCH. Default: false. */
  clamp?: boolean
  /**
   * What happens to what the file system cannot hold, after the rules. `error`: the build fails. `drop`: it is left
   * out, and the result counts it: extended attributes, ACLs and flags that BTRFS does not have; symlinks and special
   * files on FAT32, which drops all attributes in any case. Default: `error`.
   */
  unsupported?: 'error' | 'drop'
}

/** New owners of the entries of a source. */
export interface SourceOwnerSpec {
  /** Owner of all entries, or a map from old ids to new ones; ids that are not in it stay. */
  uid?: number | Record<string, number>
  /** Group of all entries, or a map from old ids to new ones; ids that are not in it stay. */
  gid?: number | Record<string, number>
}

/** New permissions of the entries of a source. */
export interface SourceModeSpec {
  /** For everything except directories and symlinks. */
  files?: string
  /** For directories. */
  directories?: string
}

/** Common keys with everything decided. */
export interface SourceKeysPlan {
  /** Path below which the source's root is put; '' is the partition's root. */
  to: ByteString
  merge: MergeRule
  /** Undefined when all of the source is taken as it is. */
  selection?: SelectionPlan
  /** Default: an error. */
  unsupported?: UnsupportedPolicy | undefined
}

/** What is taken of a source, and what it becomes. */
export interface SelectionPlan {
  /** JSON path of the source, for findings. */
  name: string
  from: ByteString
  strip: number
  include: readonly string[]
  exclude: readonly string[]
  owner: OwnerPlan
  mode: SourceModeSpec | undefined
  clampTime: Timestamp | undefined
}

export type OwnerPlan = 'keep' | { uid?: IdPlan; gid?: IdPlan }
type IdPlan = number | ReadonlyMap<number, number>

/** Common keys as a plan shows them: those that change something. */
export interface PlannedSourceKeys {
  to: string
  /** Left out for `follow`. */
  merge?: MergeRule
  from?: string
  strip?: number
  include?: string[]
  exclude?: string[]
  owner?: SourceOwnerSpec
  mode?: SourceModeSpec
  /** Seconds since 1970; an object if there are nanoseconds. */
  clampTime?: number | Timestamp
  /** What the file system cannot hold is left out. Without this key, it is an error. */
  unsupported?: 'drop'
}

const OWNER_MAP = 'a number from 0 to 4294967294, or new numbers by old ones like {"1000": 0}'
const idChange = z.optional(
  z.union(
    [ownerId, z.record(z.string().check(z.regex(/^(?:0|[1-9]\d{0,9})$/)), ownerId)],
    expected(OWNER_MAP),
  ),
)
const modeChange = text(
  'permissions like "0755", or changes like "go=rX"',
  MODE_CHANGE_PATTERN,
  (value) => parseModeChange(value) !== undefined,
)
const OWNER = '"keep", "root" or {"uid": ..., "gid": ...}'

/**
 * The keys that all kinds have.
 *
 * @internal the schema library is no part of the declarations
 */
export const sourceKeys = {
  to: z
    .optional(path)
    .check(
      z.describe("Path in the partition below which the source's root is put."),
      z.meta({ default: '/' }),
    ),
  from: z
    .optional(path)
    .check(
      z.describe('Path in the source that becomes its root; everything outside is left out.'),
      z.meta({ default: '/' }),
    ),
  strip: z
    .optional(integer('a number of components', 0, 255))
    .check(
      z.describe(
        'Number of leading components to remove from every path; entries with no more components are left out.',
      ),
      z.meta({ default: 0 }),
    ),
  include: z
    .optional(z.array(glob).check(z.minLength(1, expected('at least one pattern'))))
    .check(
      z.describe('Patterns of entries to take, with everything below them and the directories above them.'),
    ),
  exclude: z
    .optional(z.array(glob))
    .check(z.describe('Patterns of entries to leave out, with everything below them.')),
  owner: z
    .optional(
      z.union(
        [
          z.literal(['keep', 'root']),
          z.strictObject({
            uid: idChange.check(z.describe('Owner of all entries, or a map from old ids to new ones.')),
            gid: idChange.check(z.describe('Group of all entries, or a map from old ids to new ones.')),
          }),
        ],
        expected(OWNER),
      ),
    )
    .check(
      z.describe(
        'Owners: "keep" leaves them as they are, "root" sets all to 0, an object changes some. By default ' +
          '"root" for directories, and "keep" for other sources.',
      ),
    ),
  mode: z
    .optional(
      z.union(
        [
          modeChange,
          z.strictObject({
            files: z
              .optional(modeChange)
              .check(z.describe('For everything except directories and symlinks.')),
            directories: z.optional(modeChange).check(z.describe('For directories.')),
          }),
        ],
        expected('permissions like "0755" or "go=rX", or {"files": ..., "directories": ...}'),
      ),
    )
    .check(z.describe('New permissions in octal digits, or changes as for chmod(1).')),
  merge: z
    .optional(z.literal(['follow', 'replace', 'refuse'], expected('"follow", "replace" or "refuse"')))
    .check(
      z.describe(
        'What happens to an entry of an earlier source with the same path. "follow": it is replaced, but a ' +
          'directory follows a symlink to a directory, and replacing a directory that is not empty is an ' +
          'error. "replace": it is replaced. "refuse": an error.',
      ),
      z.meta({ default: 'follow' }),
    ),
  clampTime: z.optional(time).check(z.describe('Later times are replaced by this one.')),
  clamp: z
    .optional(z.boolean())
    .check(
      z.describe('Short for "clampTime" with the "time" of the description, or SOURCE_DATE_EPOCH.'),
      z.meta({ default: false }),
    ),
  unsupported: z
    .optional(z.enum(['error', 'drop'], expected('"error" or "drop"')))
    .check(
      z.describe(
        'What happens to what the file system cannot hold, after the rules: an error, or it is left out and counted.',
      ),
      z.meta({ default: 'error' }),
    ),
}

export function resolveSourceKeys(spec: SourceKeysSpec, { name, time }: SourceContext): SourceKeysPlan {
  const {
    to = '/',
    merge = 'follow',
    from = '/',
    strip = 0,
    include = [],
    exclude = [],
    owner = 'keep',
    mode,
  } = spec
  const clampTime =
    spec.clamp === true ? time : spec.clampTime === undefined ? undefined : parseTime(spec.clampTime)
  const isAsItIs = from === '/' && strip === 0 && include.length === 0 && exclude.length === 0
  const isUnchanged = owner === 'keep' && mode === undefined && clampTime === undefined
  const common = { to: toTreePath(to), merge, ...(spec.unsupported && { unsupported: spec.unsupported }) }
  if (isAsItIs && isUnchanged) return common
  return {
    ...common,
    selection: {
      name,
      from: toTreePath(from),
      strip,
      include,
      exclude,
      owner: resolveOwner(owner),
      mode: typeof mode === 'string' ? { files: mode, directories: mode } : mode,
      clampTime,
    },
  }
}

function resolveOwner(owner: NonNullable<SourceKeysSpec['owner']>): OwnerPlan {
  if (owner === 'keep') return owner
  if (owner === 'root') return { uid: 0, gid: 0 }
  const ids = (change: SourceOwnerSpec['uid']) =>
    typeof change === 'object'
      ? new Map(Object.entries(change).map(([id, other]) => [Number(id), other]))
      : change
  return { uid: ids(owner.uid), gid: ids(owner.gid) }
}

export function showSourceKeys({ to, merge, selection, unsupported }: SourceKeysPlan): PlannedSourceKeys {
  const shownPath = (tree: ByteString) => `/${toText(tree)!}`
  const shown = {
    to: shownPath(to),
    ...(merge !== 'follow' && { merge }),
    ...(unsupported === 'drop' && { unsupported }),
  }
  if (selection === undefined) return shown
  const { from, strip, include, exclude, owner, mode, clampTime } = selection
  const ids = (id: IdPlan | undefined) => (typeof id === 'object' ? Object.fromEntries(id) : id)
  const { uid, gid } = owner === 'keep' ? {} : { uid: ids(owner.uid), gid: ids(owner.gid) }
  return {
    ...shown,
    ...(from !== '' && { from: shownPath(from) }),
    ...(strip > 0 && { strip }),
    ...(include.length > 0 && { include: [...include] }),
    ...(exclude.length > 0 && { exclude: [...exclude] }),
    ...(owner !== 'keep' && {
      owner: { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) },
    }),
    ...(mode && { mode: { ...mode } }),
    ...(clampTime && { clampTime: clampTime.nsec === 0 ? clampTime.sec : { ...clampTime } }),
  }
}

/** What resolving a source needs besides its description. */
export interface SourceContext {
  /** Its JSON path, for messages about what has no other name. */
  name: string
  /** Time of what has none of its own. */
  time: Timestamp
  resolvePath: (path: string) => string
}

/**
 * A kind of source: its keys in the description, and what becomes of them. The common keys are not its business.
 *
 * @internal
 */
export interface SourceKind<Spec, Plan, Planned> {
  /** All keys, the common ones included. */
  schema: z.ZodMiniObject
  resolve(spec: Spec, context: SourceContext): Plan
  /** The plan as `planImage` shows it. */
  show(plan: Plan): Planned
}
