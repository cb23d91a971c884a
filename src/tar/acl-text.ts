/** POSIX ACLs as text, as archives have them. */
import {
  decodeAcl,
  encodeAcl,
  NO_ID,
  permissionsOf,
  TAG,
  verifyAcl,
  type Acl,
  type AclEntry,
} from '../file-tree/posix-acl.ts'
import type { NameTables } from './names.ts'

const WORD: Record<number, string> = {
  [TAG.userObj]: 'user',
  [TAG.user]: 'user',
  [TAG.groupObj]: 'group',
  [TAG.group]: 'group',
  [TAG.mask]: 'mask',
  [TAG.other]: 'other',
}

/**
 * Reads an ACL in text form: entries such as `user::rwx`, `group:100:r-x` or, as star and libarchive write them,
 * `user:name:rw-:1000`, separated by commas or newlines. Undefined when there are none.
 *
 * @param names what names without numbers stand for; they go before the numbers
 * @throws RangeError when the text is no valid ACL, or names a user or group whose number is not known
 */
export function aclFromText(text: string, kind: 'access' | 'default', names?: NameTables): Acl | undefined {
  const entries = text
    .split(/[,\n]/)
    .map((part) => part.replace(/#.*/, '').trim())
    .filter((part) => part !== '')
    .map((part) => parseEntry(part, names))
    .sort((a, b) => a.tag - b.tag || a.id - b.id)
  if (entries.length === 0) return undefined
  verifyAcl(entries)
  // posix_acl_equiv_mode() in the kernel.
  const isMinimal = kind === 'access' && entries.length === 3
  return { permissions: permissionsOf(entries), value: isMinimal ? undefined : encodeAcl(entries) }
}

/** The ACL that `system.posix_acl_access` or `_default` holds, as text that `aclFromText` and other tars read. */
export function aclToText(value: Uint8Array): string {
  return decodeAcl(value)
    .map(({ tag, perm, id }) => {
      const name = tag === TAG.user || tag === TAG.group ? String(id) : ''
      return `${WORD[tag]}:${name}:${perm & 4 ? 'r' : '-'}${perm & 2 ? 'w' : '-'}${perm & 1 ? 'x' : '-'}`
    })
    .join(',')
}

function parseEntry(text: string, names: NameTables | undefined): AclEntry {
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
  const known = (kind === 'u' ? names?.users : names?.groups)?.get(name)
  const id = known ?? number ?? (/^\d+$/.test(name) ? name : undefined)
  if (id === undefined) {
    const what = kind === 'u' ? 'user' : 'group'
    throw new RangeError(
      names === undefined
        ? `ACL entry "${text}" has a ${what} name without its number ("resolveNames" takes it from the archive's ` +
            "/etc/passwd and /etc/group; GNU tar with --xattrs-include='*' writes numbers, too)"
        : `ACL entry "${text}" has a ${what} that the archive's ${kind === 'u' ? '/etc/passwd' : '/etc/group'} does not have`,
    )
  }
  if (Number(id) >= NO_ID) throw new RangeError(`ACL entry "${text}" has an id beyond 32 bits`)
  return { tag: kind === 'u' ? TAG.user : TAG.group, perm, id: Number(id) }
}
