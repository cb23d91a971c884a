/** Extended attributes and ACLs: all the forms they have in archives, and which of them the kernel would serve. */
import { Buffer } from 'node:buffer'
import { toBytes, toDisplay, type ByteString, toLatin1 } from '../../lib/byte-string.ts'
import type { EntryMetadata, SourceEntry } from '../../file-tree/entry.ts'
import { aclFromText, aclFromValue, type Acl } from '../posix-acl.ts'
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
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(toLatin1(value)))
    throw badValue(toLatin1(keyword), 'base64', toLatin1(value))
  return new Uint8Array(Buffer.from(toLatin1(value), 'base64'))
}

function readAcl(
  where: string,
  type: EntryType,
  kind: 'access' | 'default',
  read: () => Acl | undefined,
): Acl | undefined {
  let acl: Acl | undefined
  try {
    acl = read()
  } catch (error) {
    throw new TarProblem(`${where}: ${(error as Error).message}`)
  }
  if (acl && (type === 'symlink' || (kind === 'default' && type !== 'directory'))) {
    throw new TarProblem(`${where}: a ${type} cannot have ${kind === 'default' ? 'a default' : 'an'} ACL`)
  }
  return acl
}

/** The handlers of BTRFS for these (btrfs_xattr_handlers in fs/btrfs/xattr.c) look at no value. */
const OPAQUE = /^(?:user|trusted|security)\./
/** prop_compression_validate in fs/btrfs/props.c; a level is taken and not heeded. */
const COMPRESSION = /^(?:(?:zlib|lzo|zstd)(?::-?\d{1,2})?|no|none)$/

/** Would the kernel give this attribute to who asks for it, and heed it? */
function checkXattr(name: ByteString, value: Uint8Array, type: EntryType): void {
  const where = `extended attribute ${JSON.stringify(toDisplay(name))}`
  // Such a link is one more name of a file, which brings its own.
  const holdsContent = type === 'file' || type === 'directory' || type === 'hardlink'
  if (OPAQUE.test(toLatin1(name))) {
    if (name.endsWith('.') && name.indexOf('.') === name.length - 1) {
      throw new TarProblem(`${where}: expected a name after the dot`)
    }
    if (name.startsWith('user.') && !holdsContent) {
      throw new TarProblem(`${where}: a ${type} cannot have one in "user."`)
    }
  } else if (name === 'system.posix_acl_access' || name === 'system.posix_acl_default') {
    const kind = name === 'system.posix_acl_access' ? 'access' : 'default'
    readAcl(where, type, kind, () => aclFromValue(value))
  } else if (name === 'btrfs.compression') {
    const algorithm = Buffer.from(value).toString('latin1')
    if (!COMPRESSION.test(algorithm)) {
      throw new TarProblem(
        `${where}: expected zlib, lzo, zstd or none, found ${JSON.stringify(toDisplay(algorithm))}`,
      )
    }
    if (!holdsContent) throw new TarProblem(`${where}: a ${type} is never compressed`)
  } else {
    throw new TarProblem(
      `${where}: BTRFS has none of this name; expected one in "user.", "trusted." or "security.", ` +
        '"btrfs.compression", or an ACL',
    )
  }
}
