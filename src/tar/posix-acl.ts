/** POSIX ACLs: as text in archives, and as the bytes in which the kernel keeps them. */
import { struct, u16, u32, viewOf } from '../lib/struct.ts'

/** struct posix_acl_xattr_header (linux/posix_acl_xattr.h) */
const AclHeader = struct('posix_acl_xattr_header', 4, { version: u32 })
/** struct posix_acl_xattr_entry */
const AclEntry = struct('posix_acl_xattr_entry', 8, { tag: u16, perm: u16, id: u32 })

const VERSION = 2
const NO_ID = 0xffff_ffff

/** ACL_USER_OBJ and so on, in the order in which the kernel demands them. */
const TAG = { userObj: 0x01, user: 0x02, groupObj: 0x04, group: 0x08, mask: 0x10, other: 0x20 }

const WORD: Record<number, string> = {
  [TAG.userObj]: 'user',
  [TAG.user]: 'user',
  [TAG.groupObj]: 'group',
  [TAG.group]: 'group',
  [TAG.mask]: 'mask',
  [TAG.other]: 'other',
}

interface Entry {
  tag: number
  perm: number
  id: number
}

export interface Acl {
  /** The permission bits of an inode with this access ACL: the group's are those of the mask, if there is one. */
  permissions: number
  /** What `system.posix_acl_access` or `_default` holds; undefined when the permission bits say it all. */
  value: Uint8Array | undefined
}

/**
 * Reads an ACL in text form: entries such as `user::rwx`, `group:100:r-x` or, as star and libarchive write them,
 * `user:name:rw-:1000`, separated by commas or newlines. Undefined when there are none.
 *
 * @throws RangeError when the text is no valid ACL, or names a user or group without its number
 */
export function aclFromText(text: string, kind: 'access' | 'default'): Acl | undefined {
  const entries = text
    .split(/[,\n]/)
    .map((part) => part.replace(/#.*/, '').trim())
    .filter((part) => part !== '')
    .map(parseEntry)
    .sort((a, b) => a.tag - b.tag || a.id - b.id)
  if (entries.length === 0) return undefined
  verify(entries)
  // posix_acl_equiv_mode() in the kernel.
  const isMinimal = kind === 'access' && entries.length === 3
  return { permissions: permissionsOf(entries), value: isMinimal ? undefined : encode(entries) }
}

/** The ACL that `system.posix_acl_access` or `_default` holds, as text that `aclFromText` and other tars read. */
export function aclToText(value: Uint8Array): string {
  return decode(value)
    .map(({ tag, perm, id }) => {
      const name = tag === TAG.user || tag === TAG.group ? String(id) : ''
      return `${WORD[tag]}:${name}:${perm & 4 ? 'r' : '-'}${perm & 2 ? 'w' : '-'}${perm & 1 ? 'x' : '-'}`
    })
    .join(',')
}

/**
 * Reads an ACL as the kernel keeps it, in `system.posix_acl_access` and `_default`.
 *
 * @throws RangeError when the kernel would not take it (posix_acl_from_xattr, posix_acl_valid)
 */
export function aclFromValue(value: Uint8Array): Acl {
  const entries = decode(value)
  verify(entries)
  return { permissions: permissionsOf(entries), value }
}

function decode(value: Uint8Array): Entry[] {
  const count = (value.length - AclHeader.size) / AclEntry.size
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`ACL of ${value.length} bytes: expected a header of 4 and entries of 8`)
  }
  const { version } = AclHeader.decode(value)
  if (version !== VERSION) throw new RangeError(`ACL of version ${version}, expected ${VERSION}`)
  const entries = Array.from({ length: count }, (_, i) =>
    AclEntry.decode(value, AclHeader.size + i * AclEntry.size),
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

function permissionsOf(entries: readonly Entry[]): number {
  const perm = (tag: number) => entries.find((entry) => entry.tag === tag)?.perm
  const group = perm(TAG.mask) ?? perm(TAG.groupObj)!
  return (perm(TAG.userObj)! << 6) | (group << 3) | perm(TAG.other)!
}

function encode(entries: readonly Entry[]): Uint8Array {
  const out = new Uint8Array(AclHeader.size + entries.length * AclEntry.size)
  const view = viewOf(out)
  AclHeader.write(view, 0, { version: VERSION })
  entries.forEach((entry, i) => AclEntry.write(view, AclHeader.size + i * AclEntry.size, entry))
  return out
}

function parseEntry(text: string): Entry {
  const match =
    /^(?:d(?:efault)?:)?(u(?:ser)?|g(?:roup)?|m(?:ask)?|o(?:ther)?):([^:]*):([rwxRWX-]*)(?::(\d+))?$/.exec(
      text,
    ) ??
    // The qualifier of mask and other may be left out.
    /^(?:d(?:efault)?:)?(m(?:ask)?|o(?:ther)?):()([rwxRWX-]+)$/.exec(text)
  if (!match) throw new RangeError(`ACL entry "${text}" is not understood`)
  const [, word, name, permissions, number] = match as unknown as [string, string, string, string, string?]
  const perm =
    (/r/i.test(permissions) ? 4 : 0) | (/w/i.test(permissions) ? 2 : 0) | (/x/i.test(permissions) ? 1 : 0)
  const kind = word[0] as 'u' | 'g' | 'm' | 'o'

  if (name === '') {
    const tag = { u: TAG.userObj, g: TAG.groupObj, m: TAG.mask, o: TAG.other }[kind]
    return { tag, perm, id: NO_ID }
  }
  if (kind === 'm' || kind === 'o') throw new RangeError(`ACL entry "${text}" must not name anybody`)
  const id = number ?? (/^\d+$/.test(name) ? name : undefined)
  if (id === undefined) {
    throw new RangeError(
      `ACL entry "${text}" has a ${kind === 'u' ? 'user' : 'group'} name without its number ` +
        '(GNU tar writes numbers with --numeric-owner)',
    )
  }
  if (Number(id) >= NO_ID) throw new RangeError(`ACL entry "${text}" has an id beyond 32 bits`)
  return { tag: kind === 'u' ? TAG.user : TAG.group, perm, id: Number(id) }
}

/** The rules of posix_acl_valid() in the kernel: one of each base entry, a mask when somebody is named. */
function verify(entries: readonly Entry[]): void {
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
