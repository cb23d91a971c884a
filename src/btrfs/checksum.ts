import crc32cJs from 'crc-32/crc32c.js'
import type { BlockHash } from '../lib/block-hash.ts'
import { type ByteString, toLatin1 } from '../lib/byte-string.ts'
import { crc32c } from '../lib/crc32c.ts'
import { equalBytes } from '../lib/equal-bytes.ts'
import { hexText } from '../lib/hex.ts'
import { viewOf } from '../lib/struct.ts'
import { ExtentDataRef, Header } from './format.ts'

/** By byte: what it leaves of a sum of zero. */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => ~crc32cJs.buf([byte], ~0))

/**
 * CRC32C without the inversions before and after, of the bytes from `start` to before `end`. (crc32c() of the kernel) These
 * are few, so that making an array of them would take longer.
 */
function crc32cRaw(seed: number, bytes: Uint8Array, start: number, end: number): number {
  let crc = seed
  for (let at = start; at < end; at++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[at]) & 0xff]
  return crc >>> 0
}

/**
 * Checksum of a command of a send stream: that of its header, with zeros for the checksum, and of what follows. (crc32c() of
 * the kernel, from 0 on)
 */
export function sendChecksum(header: Uint8Array, content: Uint8Array): number {
  return ~crc32c(content, crc32c(header, 0xffff_ffff)) >>> 0
}

/** `crc32cRaw` of a byte string. */
function crc32cRawOf(seed: number, name: ByteString): number {
  return ~crc32cJs.bstr(toLatin1(name), ~seed) >>> 0
}

const { csum: CSUM } = Header.at

/** Writes the checksum of a tree block or a superblock into `target`: that of all bytes after its field. */
function hashBlock(block: Uint8Array, hash: BlockHash, target: Uint8Array): void {
  const content = block.subarray(CSUM.offset + CSUM.size)
  hash.hashBlocks(content, content.length, target)
}

/** Fills in the checksum at the start of a tree block or a superblock. */
export function sealBlock(block: Uint8Array, hash: BlockHash): void {
  hashBlock(block, hash, block)
}

/** Checks the checksum at the start of a tree block or a superblock; undefined when it is right. */
export function checksumProblem(
  block: Uint8Array,
  hash: BlockHash,
): { expected: string; found: string } | undefined {
  const sum = new Uint8Array(hash.size)
  hashBlock(block, hash, sum)
  const stored = block.subarray(0, hash.size)
  return equalBytes(sum, stored) ? undefined : { expected: hexText(sum), found: hexText(stored) }
}

/** Key offset of the DIR_ITEM or XATTR_ITEM of a name. (btrfs_name_hash) */
export function nameHash(name: ByteString): number {
  return crc32cRawOf(0xffff_fffe, name)
}

/** `nameHash` of a name in bytes: those from `start` to before `end`. */
export function nameBytesHash(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return crc32cRaw(0xffff_fffe, bytes, start, end)
}

/** Key offset of the INODE_EXTREF of a name in a directory. (btrfs_extref_hash) */
export function extrefHash(parentObjectid: number, name: ByteString): number {
  return crc32cRawOf(parentObjectid >>> 0, name)
}

/** `extrefHash` of a name in bytes, those from `start` to before `end`, and the low half of the directory's number. */
export function extrefBytesHash(parentLow: number, bytes: Uint8Array, start: number, end: number): number {
  return crc32cRaw(parentLow >>> 0, bytes, start, end)
}

const REF = ExtentDataRef.at
const refBytes = new Uint8Array(ExtentDataRef.size)
const refView = viewOf(refBytes)

/** Orders the references of an extent, and is the key offset of those outside its item. (hash_extent_data_ref) */
export function extentDataRefHash(root: bigint, objectid: number, offset: number): bigint {
  REF.root.set(refView, 0, root)
  REF.objectid.set(refView, 0, objectid)
  REF.offset.set(refView, 0, offset)
  return storedDataRefHash(refBytes, 0)
}

/** `extentDataRefHash` of a reference on disk, at `at`. */
export function storedDataRefHash(bytes: Uint8Array, at: number): bigint {
  const objectid = at + REF.objectid.offset
  const high = crc32cRaw(0xffff_ffff, bytes, at, objectid)
  const low = crc32cRaw(0xffff_ffff, bytes, objectid, at + REF.count.offset)
  return (BigInt(high) << 31n) ^ BigInt(low)
}
