/**
 * The words of the Nix archive format (NAR). A NAR is a sequence of strings, each with its length before it (64 bits, little
 * endian) and padded with zeros to a multiple of 8 bytes. There is one NAR for every tree: no times, no owners, no modes
 * but whether a file is executable, and names in the order of their bytes. (Dolstra, The Purely Functional Software
 * Deployment Model, figure 5.2; Nix's archive.cc)
 */
import type { ByteString } from '../../lib/byte-string.ts'
import type { EntryMetadata } from '../../file-tree/entry.ts'

export const NAR_MAGIC = 'nix-archive-1'
/** Bytes of a length. */
export const LENGTH = 8
/** Metadata of everything in a store: root's, of time 1, never writable. (canonicalisePathMetaData) */
const CANONICAL = { uid: 0, gid: 0, mtime: { sec: 1, nsec: 0 } }
export const DIRECTORY_METADATA: EntryMetadata = { mode: 0o555, ...CANONICAL }
export const FILE_METADATA: EntryMetadata = { mode: 0o444, ...CANONICAL }
export const EXECUTABLE_METADATA: EntryMetadata = { mode: 0o555, ...CANONICAL }
export const SYMLINK_METADATA: EntryMetadata = { mode: 0o777, ...CANONICAL }

/** Zeros behind `length` bytes of a string. */
export function narPadding(length: number): number {
  return (8 - (length % 8)) % 8
}

/** A string with its length and its padding. */
export function narString(text: ByteString): ByteString {
  return `${narLength(text.length)}${text as string}${'\0'.repeat(narPadding(text.length))}`
}

/** 64 bits, little endian. */
export function narLength(length: number): ByteString {
  let bytes = ''
  for (let i = 0, left = length; i < LENGTH; i++, left = Math.floor(left / 256)) {
    bytes += String.fromCharCode(left % 256)
  }
  return bytes
}
