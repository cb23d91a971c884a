/** Applies the rules of a description to one entry. */
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { equalBytes } from '../lib/equal-bytes.ts'
import type { EntryMetadata, InodeFlag, SourceEntry, Xattr } from './entry.ts'
import type { DosChanges, EntryRulePlan } from './entry-rule.ts'
import { changeAclMode, POSIX_ACL_ACCESS } from './posix-acl.ts'
import type { StoragePlan } from './storage.ts'

/** The merged rules for one entry. Keys that are undefined change nothing. */
export interface EntryChanges {
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly mode: number | undefined
  readonly flags: readonly InodeFlag[] | undefined
  /** undefined: remove it. */
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array | undefined> | undefined
  readonly storage: EntryRulePlan['storage']
  readonly exclude: boolean
  readonly dos: DosChanges
}

/** The rules in their order: later ones override earlier ones, flags add up. */
export function mergeRules(rules: readonly EntryRulePlan[]): EntryChanges {
  const last = <Key extends 'uid' | 'gid' | 'mode'>(key: Key) =>
    rules.findLast((rule) => rule[key] !== undefined)?.[key]
  const flags = [...new Set(rules.flatMap((rule) => rule.flags))].sort()
  const xattrs = new Map(rules.flatMap((rule) => [...rule.xattrs]))
  return {
    uid: last('uid'),
    gid: last('gid'),
    mode: last('mode'),
    flags: flags.length > 0 ? flags : undefined,
    xattrs: xattrs.size > 0 ? xattrs : undefined,
    storage: Object.assign({}, ...rules.map(({ storage }) => storage)) as EntryRulePlan['storage'],
    exclude: rules.some(({ exclude }) => exclude),
    dos: Object.assign({}, ...rules.map(({ dos }) => dos)) as DosChanges,
  }
}

/** chattr(1) knows flags of files and directories only. */
export const canHaveFlags = (type: SourceEntry['type']): boolean => type === 'file' || type === 'directory'
/** Linux ignores the mode of a symlink. */
const canHaveMode = (type: SourceEntry['type']) => type !== 'symlink'

/** The kernel serves attributes of users for files and directories only. (xattr(7)) */
const canHaveXattr = (type: SourceEntry['type'], name: ByteString) =>
  canHaveFlags(type) || !name.startsWith('user.')

/** The metadata of an entry after the changes. */
export function changedMetadata(
  metadata: EntryMetadata,
  type: SourceEntry['type'],
  changes: EntryChanges,
): EntryMetadata {
  const { mtime, atime, ctime, birthtime } = metadata
  const newMode = canHaveMode(type) ? changes.mode : undefined
  return {
    mode: newMode ?? metadata.mode,
    uid: changes.uid ?? metadata.uid,
    gid: changes.gid ?? metadata.gid,
    mtime,
    atime,
    ctime,
    birthtime,
    xattrs: changedXattrs(metadata.xattrs, type, newMode, changes.xattrs),
    flags: canHaveFlags(type) ? joinedFlags(metadata.flags, changes.flags) : undefined,
  }
}

/** Flags add up. */
function joinedFlags(
  flags: EntryMetadata['flags'],
  more: EntryMetadata['flags'],
): readonly InodeFlag[] | undefined {
  if (flags === undefined || more === undefined) return flags ?? more
  return [...new Set([...flags, ...more])].sort()
}

/** As chmod(2) does, a new mode goes into the ACL that came with the entry. */
export function xattrForMode(xattr: Xattr, mode: number): Xattr {
  const { name, value } = xattr
  return name === POSIX_ACL_ACCESS ? { name, value: changeAclMode(value, mode) } : xattr
}

function changedXattrs(
  xattrs: readonly Xattr[] = [],
  type: SourceEntry['type'],
  mode: number | undefined,
  changes: EntryChanges['xattrs'] = new Map(),
): readonly Xattr[] | undefined {
  const result: Xattr[] = []
  for (const xattr of xattrs) {
    if (!changes.has(xattr.name)) result.push(mode === undefined ? xattr : xattrForMode(xattr, mode))
  }
  for (const [name, value] of changes) {
    if (value !== undefined && canHaveXattr(type, name)) result.push({ name, value })
  }
  return result.length > 0 ? result : undefined
}

/** The entry's storage after the changes; content without checksums is not compressed. */
export function changedStorage(storage: StoragePlan, { storage: changes }: EntryChanges): StoragePlan {
  if (Object.keys(changes).length === 0) return storage
  const nodatacow = changes.nodatacow ?? storage.nodatacow
  const { compression = storage.compression ?? 'none', bootFiles = storage.bootFiles } = changes
  const nodatasum = nodatacow ? undefined : (changes.nodatasum ?? storage.nodatasum)
  const isPlain = nodatacow || nodatasum || compression === 'none'
  return {
    nodatacow,
    ...(nodatasum && { nodatasum }),
    compression: isPlain ? undefined : compression,
    bootFiles,
  }
}

/** A change for another name of an inode that the inode itself does not have; undefined when it has all. */
export function conflictWith(
  changes: EntryChanges,
  type: SourceEntry['type'],
  metadata: EntryMetadata,
): string | undefined {
  for (const key of ['uid', 'gid'] as const) {
    if (changes[key] !== undefined && changes[key] !== metadata[key]) return `${key} ${changes[key]}`
  }
  if (changes.mode !== undefined && canHaveMode(type) && changes.mode !== metadata.mode) {
    return `mode ${changes.mode.toString(8).padStart(4, '0')}`
  }
  const missing = canHaveFlags(type) && changes.flags?.find((flag) => !metadata.flags?.includes(flag))
  if (missing) return `the flag ${missing}`
  for (const [name, value] of changes.xattrs ?? []) {
    if (!canHaveXattr(type, name)) continue
    const found = metadata.xattrs?.find((xattr) => xattr.name === name)?.value
    const isSame = found && value ? equalBytes(found, value) : found === value
    if (!isSame) {
      return `${value === undefined ? 'no' : 'another'} xattr ${JSON.stringify(toDisplay(name))}`
    }
  }
  return undefined
}
