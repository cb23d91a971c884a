/** Which extended attributes the kernel serves and heeds. */
import { fromBytes, toDisplay, toLatin1, type ByteString } from '../lib/byte-string.ts'
import type { EntryType } from './entry.ts'
import { EntryProblem } from './entry-problem.ts'
import { aclFromValue, POSIX_ACL_ACCESS, POSIX_ACL_DEFAULT, type Acl } from './posix-acl.ts'

/** The handlers of BTRFS for these (btrfs_xattr_handlers in fs/btrfs/xattr.c) look at no value. */
const OPAQUE = /^(?:user|trusted|security)\./
/** prop_compression_validate in fs/btrfs/props.c; a level is taken and not heeded. */
const COMPRESSION = /^(?:(?:zlib|lzo|zstd)(?::-?\d{1,2})?|no|none)$/

/** What is wrong with an attribute that the kernel would not serve, or not have let anybody set; undefined: nothing. */
export function xattrFault(name: ByteString, value: Uint8Array, type: EntryType): string | undefined {
  try {
    checkXattr(name, value, type)
  } catch (error) {
    if (error instanceof EntryProblem) return error.message
    throw error
  }
  return undefined
}

function checkXattr(name: ByteString, value: Uint8Array, type: EntryType): void {
  const where = `extended attribute ${JSON.stringify(toDisplay(name))}`
  // Such a link is one more name of a file, which brings its own.
  const holdsContent = type === 'file' || type === 'directory' || type === 'hardlink'
  if (OPAQUE.test(toLatin1(name))) {
    if (name.endsWith('.') && name.indexOf('.') === name.length - 1) {
      throw new EntryProblem(`${where}: expected a name after the dot`)
    }
    if (name.startsWith('user.') && !holdsContent) {
      throw new EntryProblem(`${where}: a ${type} cannot have one in "user."`)
    }
  } else if (name === POSIX_ACL_ACCESS || name === POSIX_ACL_DEFAULT) {
    const kind = name === POSIX_ACL_ACCESS ? 'access' : 'default'
    readAcl(where, type, kind, () => aclFromValue(value))
  } else if (name === 'btrfs.compression') {
    const algorithm = fromBytes(value)
    if (!COMPRESSION.test(toLatin1(algorithm))) {
      throw new EntryProblem(
        `${where}: expected zlib, lzo, zstd or none, found ${JSON.stringify(toDisplay(algorithm))}`,
      )
    }
    if (!holdsContent) throw new EntryProblem(`${where}: a ${type} is never compressed`)
  } else {
    throw new EntryProblem(
      `${where}: BTRFS has none of this name; expected one in "user.", "trusted." or "security.", ` +
        '"btrfs.compression", or an ACL',
    )
  }
}

/**
 * @param where the attribute, for messages
 * @param read gives the ACL
 * @throws EntryProblem when it is damaged, or one that entries of this type do not have
 */
export function readAcl(
  where: string,
  type: EntryType,
  kind: 'access' | 'default',
  read: () => Acl | undefined,
): Acl | undefined {
  let acl: Acl | undefined
  try {
    acl = read()
  } catch (error) {
    throw new EntryProblem(`${where}: ${(error as Error).message}`)
  }
  if (acl && (type === 'symlink' || (kind === 'default' && type !== 'directory'))) {
    throw new EntryProblem(`${where}: a ${type} cannot have ${kind === 'default' ? 'a default' : 'an'} ACL`)
  }
  return acl
}
