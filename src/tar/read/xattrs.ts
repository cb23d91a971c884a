/** Extended attributes and ACLs: all the forms they have in archives, and which of them the kernel would serve. */
import { toBytes, toDisplay, type ByteString, toLatin1 } from '../../lib/byte-string.ts'
import type { EntryMetadata, SourceEntry } from '../../file-tree/entry.ts'
import { checkXattr, readAcl } from '../../file-tree/xattr-rules.ts'
import { aclFromText } from '../acl-text.ts'
import { ACL, SCHILY_XATTR, unescapeKeyword } from '../records.ts'
import { badValue } from './pax.ts'
import { TarProblem } from './header.ts'

type EntryType = SourceEntry['type']

const LIBARCHIVE_XATTR = 'LIBARCHIVE.xattr.'

/** Libarchive escapes everything special, in both of the forms it writes. */
function fromUrl(escaped: ByteString): ByteString {
  return escaped.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
}

/**
 * Extended attributes of all the forms they have in archives. A value given as bytes (SCHILY.xattr) goes before
 * the same attribute in another form.
 *
 * @throws TarProblem for what the kernel would not serve, or not have let anybody set
 */
export function applyXattrs(
  metadata: EntryMetadata,
  pax: ReadonlyMap<ByteString, ByteString>,
  type: EntryType,
): void {
  const exact = new Map<ByteString, Uint8Array>()
  const derived = new Map<ByteString, Uint8Array>()
  for (const [keyword, value] of pax) {
    if (keyword.startsWith(SCHILY_XATTR)) {
      const escaped = keyword.slice(SCHILY_XATTR.length)
      const isOfLibarchive = pax.has(`${LIBARCHIVE_XATTR}${escaped}`)
      exact.set(
        xattrName(keyword, isOfLibarchive ? fromUrl(escaped) : unescapeKeyword(escaped)),
        toBytes(value),
      )
    } else if (keyword.startsWith(LIBARCHIVE_XATTR)) {
      const name = fromUrl(keyword.slice(LIBARCHIVE_XATTR.length))
      derived.set(xattrName(keyword, name), fromBase64(keyword, value))
    } else if (keyword === 'RHT.security.selinux' && value !== '') {
      // The kernel keeps the context as a C string.
      derived.set('security.selinux', toBytes(value.endsWith('\0') ? value : `${value}\0`))
    } else if (keyword === ACL.access || keyword === ACL.default) {
      const kind = keyword === ACL.access ? 'access' : 'default'
      const acl = readAcl(`pax record ${keyword}`, type, kind, () => aclFromText(toLatin1(value), kind))
      if (acl?.value) derived.set(`system.posix_acl_${kind}`, acl.value)
      // The ACL counts: libarchive writes the group's entry into the mode, where the kernel has the mask.
      if (acl && kind === 'access') metadata.mode = (metadata.mode & ~0o777) | acl.permissions
    }
  }
  for (const [name, value] of derived) if (!exact.has(name)) exact.set(name, value)
  for (const [name, value] of exact) checkXattr(name, value, type)
  if (exact.size > 0) metadata.xattrs = Array.from(exact, ([name, value]) => ({ name, value }))
}

function xattrName(keyword: ByteString, name: ByteString): ByteString {
  if (name === '' || name.length > 255 || name.includes('\0')) {
    throw new TarProblem(
      `pax record ${toDisplay(keyword)}: expected an attribute name of 1 to 255 bytes without NUL, found ${name.length} bytes`,
    )
  }
  return name
}

function fromBase64(keyword: ByteString, value: ByteString): Uint8Array {
  const digits = toLatin1(value).replace(/={1,2}$/, '')
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1) {
    throw badValue(toLatin1(keyword), 'base64', value)
  }
  return toBytes(atob(digits))
}
