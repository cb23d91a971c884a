/** POSIX ACLs as the bytes in which the kernel keeps them. (include/uapi/linux/posix_acl_xattr.h) */
import { struct, u16, u32, viewOf } from '../lib/struct.ts'

export const POSIX_ACL_ACCESS = 'system.posix_acl_access'
export const POSIX_ACL_DEFAULT = 'system.posix_acl_default'

/** struct posix_acl_xattr_header (linux/posix_acl_xattr.h) */
const HeaderStruct = struct('posix_acl_xattr_header', 4, { version: u32 })
/** struct posix_acl_xattr_entry */
const EntryStruct = struct('posix_acl_xattr_entry', 8, { tag: u16, perm: u16, id: u32 })

const VERSION = 2
/** Id of entries that name no user or group. (ACL_UNDEFINED_ID) */
export const NO_ID = 0xffff_ffff

/** ACL_USER_OBJ and so on, in the order in which the kernel demands them. */
export const TAG = { userObj: 0x01, user: 0x02, groupObj: 0x04, group: 0x08, mask: 0x10, other: 0x20 }

/** One entry: who may do what. */
export interface AclEntry {
  tag: number
  perm: number
  id: number
}

export interface Acl {
  /** The permission bits of an inode with this access ACL: the group's are those of the mask, if there is one. */
  permissions: number
  /** Value of `system.posix_acl_access` or `_default`; undefined when the permission bits say it all. */
  value: Uint8Array | undefined
}

/**
 * Reads an ACL as the kernel keeps it, in `system.posix_acl_access` and `_default`.
 *
 * @throws RangeError when the kernel would not take it (posix_acl_from_xattr, posix_acl_valid)
 */
export function aclFromValue(value: Uint8Array): Acl {
  const entries = decodeAcl(value)
  verifyAcl(entries)
  return { permissions: permissionsOf(entries), value }
}

export function decodeAcl(value: Uint8Array): AclEntry[] {
  const count = (value.length - HeaderStruct.size) / EntryStruct.size
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`ACL of ${value.length} bytes: expected a header of 4 and entries of 8`)
  }
  const { version } = HeaderStruct.decode(value)
  if (version !== VERSION) throw new RangeError(`ACL of version ${version}, expected ${VERSION}`)
  const entries = Array.from({ length: count }, (_, i) =>
    EntryStruct.decode(value, HeaderStruct.size + i * EntryStruct.size),
  )
  let previous = 0
  for (const { tag, perm, id } of entries) {
    if (!Object.values(TAG).includes(tag)) throw new RangeError(`ACL entry with the unknown tag ${tag}`)
    if (tag < previous) throw new RangeError('ACL entries are not in the order of their tags')
    if (perm > 7) throw new RangeError(`ACL entry with the permissions ${perm}, expected at most 7`)
    if ((tag === TAG.user || tag === TAG.group) && id === NO_ID) {
      throw new RangeError('ACL entry that names nobody')
    }
    previous = tag
  }
  return entries
}

export function permissionsOf(entries: readonly AclEntry[]): number {
  const perm = (tag: number) => entries.find((entry) => entry.tag === tag)?.perm
  const group = perm(TAG.mask) ?? perm(TAG.groupObj)!
  return (perm(TAG.userObj)! << 6) | (group << 3) | perm(TAG.other)!
}

export function encodeAcl(entries: readonly AclEntry[]): Uint8Array {
  const out = new Uint8Array(HeaderStruct.size + entries.length * EntryStruct.size)
  const view = viewOf(out)
  HeaderStruct.write(view, 0, { version: VERSION })
  entries.forEach((entry, i) => EntryStruct.write(view, HeaderStruct.size + i * EntryStruct.size, entry))
  return out
}

/** The rules of posix_acl_valid() in the kernel: one of each base entry, a mask when somebody is named. */
export function verifyAcl(entries: readonly AclEntry[]): void {
  const count = (tag: number) => entries.filter((entry) => entry.tag === tag).length
  for (const [name, tag] of Object.entries({ user: TAG.userObj, group: TAG.groupObj, other: TAG.other })) {
    if (count(tag) !== 1) throw new RangeError(`ACL has ${count(tag)} entries "${name}::", expected one`)
  }
  const named = count(TAG.user) + count(TAG.group)
  if (count(TAG.mask) > 1 || (named > 0 && count(TAG.mask) === 0)) {
    throw new RangeError(`ACL has ${count(TAG.mask)} entries "mask::", expected one`)
  }
  entries.forEach((entry, i) => {
    const before = entries[i - 1]
    if (before?.tag === entry.tag && before.id === entry.id) {
      throw new RangeError(`ACL names id ${entry.id} twice`)
    }
  })
}

/** An access ACL with the permissions of a mode: with a mask, that is what the mode's group bits mean. */
export function changeAclMode(acl: Uint8Array, mode: number): Uint8Array {
  const changed = acl.slice()
  const view = viewOf(changed)
  const { tag, perm } = EntryStruct.at
  const places = new Map<number, number>()
  for (let at = HeaderStruct.size; at + EntryStruct.size <= acl.length; at += EntryStruct.size) {
    places.set(tag.get(view, at), at)
  }
  const set = (which: number, permissions: number) => {
    const at = places.get(which)
    if (at !== undefined) perm.set(view, at, permissions & 7)
  }
  set(TAG.userObj, mode >> 6)
  set(places.has(TAG.mask) ? TAG.mask : TAG.groupObj, mode >> 3)
  set(TAG.other, mode)
  return changed
}

/**
 * The same ACL with other numbers for the users and groups that it names.
 *
 * @throws RangeError when two of them get one number
 */
export function mapAclIds(
  value: Uint8Array,
  userOf: (uid: number) => number,
  groupOf: (gid: number) => number,
): Uint8Array {
  const entries = decodeAcl(value).map(({ tag, perm, id }) => {
    if (tag === TAG.user) return { tag, perm, id: userOf(id) }
    return { tag, perm, id: tag === TAG.group ? groupOf(id) : id }
  })
  entries.sort((a, b) => a.tag - b.tag || a.id - b.id)
  verifyAcl(entries)
  return encodeAcl(entries)
}
