/** Extended attributes and ACLs, in all the forms they have in archives. */
import { toBytes, toDisplay, type ByteString, toLatin1 } from '../../lib/byte-string.ts'
import type { EntryMetadata, SourceEntry } from '../../file-tree/entry.ts'
import { aclFromValue, type Acl } from '../../file-tree/posix-acl.ts'
import { readAcl } from '../../file-tree/xattr-rules.ts'
import { aclFromText } from '../acl-text.ts'
import { ACL, SCHILY_XATTR, unescapeKeyword } from '../records.ts'
import type { NameTables } from '../names.ts'
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
 * the same attribute in another form; an ACL that is there as bytes is not read as text. Whether the kernel would serve
 * them is not checked here: that depends on where they go.
 *
 * @throws TarProblem for names and encodings that are wrong, and for ACLs as text that make no sense
 */
export function applyXattrs(
  metadata: EntryMetadata,
  pax: ReadonlyMap<ByteString, ByteString>,
  type: EntryType,
  names: NameTables | undefined,
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
    }
  }
  for (const [name, value] of derived) if (!exact.has(name)) exact.set(name, value)
  for (const kind of ['access', 'default'] as const) {
    const name = `system.posix_acl_${kind}`
    const acl = exact.has(name) ? aclOf(exact.get(name)!) : aclOfText(pax, kind, type, names)
    if (acl?.value) exact.set(name, acl.value)
    // Beside text the ACL counts: libarchive writes the group's entry into the mode, where the kernel has the mask.
    if (acl && kind === 'access' && pax.has(ACL.access))
      metadata.mode = (metadata.mode & ~0o777) | acl.permissions
  }
  if (exact.size > 0) metadata.xattrs = Array.from(exact, ([name, value]) => ({ name, value }))
}

/** Undefined for one that no kernel would take. */
function aclOf(value: Uint8Array): Acl | undefined {
  try {
    return aclFromValue(value)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function aclOfText(
  pax: ReadonlyMap<ByteString, ByteString>,
  kind: 'access' | 'default',
  type: EntryType,
  names: NameTables | undefined,
): Acl | undefined {
  const text = pax.get(ACL[kind])
  if (text === undefined) return undefined
  return readAcl(`pax record ${ACL[kind]}`, type, kind, () => aclFromText(toLatin1(text), kind, names))
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
