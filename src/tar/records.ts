/** Keywords of pax records that are no part of POSIX, as star, libarchive and GNU tar have them. */
import type { ByteString } from '../lib/byte-string.ts'

export const SCHILY_XATTR = 'SCHILY.xattr.'
export const CREATION_TIME = 'LIBARCHIVE.creationtime'
export const DEVICE_MAJOR = 'SCHILY.devmajor'
export const DEVICE_MINOR = 'SCHILY.devminor'
/** The access ACL and the default ACL, as text. */
export const ACL = { access: 'SCHILY.acl.access', default: 'SCHILY.acl.default' } as const
/** Flags of files by their names in libarchive. */
export const FFLAGS = 'SCHILY.fflags'
/** Prefix of the keywords of sparse files. */
export const GNU_SPARSE = 'GNU.sparse.'

/** GNU tar escapes what a keyword cannot hold, "=", and "%" with it. */
export function escapeKeyword(name: ByteString): ByteString {
  return name.replaceAll('%', '%25').replaceAll('=', '%3D')
}

export function unescapeKeyword(escaped: ByteString): ByteString {
  return escaped.replaceAll('%3D', '=').replaceAll('%25', '%')
}
