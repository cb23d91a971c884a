/** Keeps POSIX ACLs and modes together. (include/uapi/linux/posix_acl.h and posix_acl_xattr.h) */
export const POSIX_ACL_ACCESS = 'system.posix_acl_access'

/** (struct posix_acl_xattr_header, struct posix_acl_xattr_entry) */
const HEADER_SIZE = 4
const ENTRY_SIZE = 8
const PERM = 2

const USER_OBJ = 0x01
const GROUP_OBJ = 0x04
const MASK = 0x10
const OTHER = 0x20

/** An access ACL with the permissions of a mode: with a mask, that is what the mode's group bits mean. */
export function changeAclMode(acl: Uint8Array, mode: number): Uint8Array {
  const changed = acl.slice()
  const view = new DataView(changed.buffer)
  const entries = new Map<number, number>()
  for (let at = HEADER_SIZE; at + ENTRY_SIZE <= acl.length; at += ENTRY_SIZE) {
    entries.set(view.getUint16(at, true), at)
  }
  const set = (tag: number, permissions: number) => {
    const at = entries.get(tag)
    if (at !== undefined) view.setUint16(at + PERM, permissions & 7, true)
  }
  set(USER_OBJ, mode >> 6)
  set(entries.has(MASK) ? MASK : GROUP_OBJ, mode >> 3)
  set(OTHER, mode)
  return changed
}
