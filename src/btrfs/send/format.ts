/**
 * The format of `btrfs send`: a header, then commands, each with its attributes. The names are those of the kernel's
 * fs/btrfs/send.h, without their prefixes.
 */
import { bytes, struct, u16, u32 } from '../../lib/struct.ts'

/** (BTRFS_SEND_STREAM_MAGIC, with the NUL at its end) */
export const SEND_MAGIC = 'btrfs-stream\0'
/** Versions of the protocol that are known. */
export const SEND_VERSIONS = [1, 2] as const
export type SendVersion = (typeof SEND_VERSIONS)[number]

/** (struct btrfs_stream_header) */
export const SendHeader = struct('SendHeader', 17, { magic: bytes(13), version: u32 })

/** Start of a command; `len` bytes of attributes follow. (struct btrfs_cmd_header) */
export const CommandHeader = struct('CommandHeader', 10, {
  len: u32,
  cmd: u16,
  /** CRC32C without inversions of the whole command, with zeros in this field. */
  crc: u32,
})

/** Start of an attribute; `len` bytes follow. (struct btrfs_tlv_header) */
export const AttributeHeader = struct('AttributeHeader', 4, { type: u16, len: u16 })

/** Bytes of the longest command of version 1. (BTRFS_SEND_BUF_SIZE_V1) */
export const MAX_COMMAND_V1 = 64 * 1024
/** Bytes of content in one command of version 1. (BTRFS_SEND_READ_SIZE_V1) */
export const MAX_WRITE_V1 = 48 * 1024
/** Bytes of content in one command of version 2, and of a compressed extent. (BTRFS_MAX_COMPRESSED) */
export const MAX_WRITE_V2 = 128 * 1024

/** Attributes with the numbers of their types. (BTRFS_SEND_A_*) */
export const ATTRIBUTE = {
  uuid: 1,
  ctransid: 2,
  ino: 3,
  size: 4,
  mode: 5,
  uid: 6,
  gid: 7,
  rdev: 8,
  ctime: 9,
  mtime: 10,
  atime: 11,
  otime: 12,
  xattrName: 13,
  xattrData: 14,
  path: 15,
  pathTo: 16,
  pathLink: 17,
  fileOffset: 18,
  data: 19,
  cloneUuid: 20,
  cloneCtransid: 21,
  clonePath: 22,
  cloneOffset: 23,
  cloneLen: 24,
  fallocateMode: 25,
  fileattr: 26,
  unencodedFileLen: 27,
  unencodedLen: 28,
  unencodedOffset: 29,
  compression: 30,
  encryption: 31,
} as const
export type AttributeName = keyof typeof ATTRIBUTE

export interface CommandDescription {
  /** (BTRFS_SEND_C_*) */
  id: number
  /** Version of the protocol that has brought it. */
  since: SendVersion
  attributes: readonly AttributeName[]
  /** Attributes that may be missing. */
  optional?: readonly AttributeName[]
}

/** All commands, with the attributes that are needed. */
export const COMMANDS = {
  subvol: { id: 1, since: 1, attributes: ['path', 'uuid', 'ctransid'] },
  snapshot: {
    ...{ id: 2, since: 1 },
    attributes: ['path', 'uuid', 'ctransid', 'cloneUuid', 'cloneCtransid'],
  },
  mkfile: { id: 3, since: 1, attributes: ['path'], optional: ['ino'] },
  mkdir: { id: 4, since: 1, attributes: ['path'], optional: ['ino'] },
  mknod: { id: 5, since: 1, attributes: ['path', 'rdev', 'mode'], optional: ['ino'] },
  mkfifo: { id: 6, since: 1, attributes: ['path'], optional: ['ino', 'rdev', 'mode'] },
  mksock: { id: 7, since: 1, attributes: ['path'], optional: ['ino', 'rdev', 'mode'] },
  symlink: { id: 8, since: 1, attributes: ['path', 'pathLink'], optional: ['ino'] },
  rename: { id: 9, since: 1, attributes: ['path', 'pathTo'] },
  link: { id: 10, since: 1, attributes: ['path', 'pathLink'] },
  unlink: { id: 11, since: 1, attributes: ['path'] },
  rmdir: { id: 12, since: 1, attributes: ['path'] },
  setXattr: { id: 13, since: 1, attributes: ['path', 'xattrName', 'xattrData'] },
  removeXattr: { id: 14, since: 1, attributes: ['path', 'xattrName'] },
  write: { id: 15, since: 1, attributes: ['path', 'fileOffset', 'data'] },
  clone: {
    ...{ id: 16, since: 1 },
    attributes: [
      ...(['path', 'fileOffset', 'cloneLen'] as const),
      ...(['cloneUuid', 'cloneCtransid', 'clonePath', 'cloneOffset'] as const),
    ],
  },
  truncate: { id: 17, since: 1, attributes: ['path', 'size'] },
  chmod: { id: 18, since: 1, attributes: ['path', 'mode'] },
  chown: { id: 19, since: 1, attributes: ['path', 'uid', 'gid'] },
  utimes: { id: 20, since: 1, attributes: ['path', 'atime', 'mtime', 'ctime'], optional: ['otime'] },
  end: { id: 21, since: 1, attributes: [] },
  updateExtent: { id: 22, since: 1, attributes: ['path', 'fileOffset', 'size'] },
  fallocate: { id: 23, since: 2, attributes: ['path', 'fallocateMode', 'fileOffset', 'size'] },
  fileattr: { id: 24, since: 2, attributes: ['path', 'fileattr'] },
  encodedWrite: {
    ...{ id: 25, since: 2 },
    attributes: [
      ...(['path', 'fileOffset', 'unencodedFileLen', 'unencodedLen', 'unencodedOffset'] as const),
      'data',
    ],
    optional: ['compression', 'encryption'],
  },
} as const satisfies Record<string, CommandDescription>
export type CommandName = keyof typeof COMMANDS

/** Encodings of a compressed extent. (BTRFS_ENCODED_IO_COMPRESSION_*) */
export const ENCODING = { none: 0, zlib: 1, zstd: 2, lzo4k: 3 } as const
/** Of LZO with segments of 64 KiB; the numbers between stand for 8, 16 and 32 KiB. */
export const ENCODING_LZO_64K = 7

/** Modes of `fallocate`. (FALLOC_FL_*) */
export const FALLOCATE = { keepSize: 1, punchHole: 2, zeroRange: 16 } as const
