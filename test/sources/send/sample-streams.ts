/** Small streams of both versions, with all commands. */
import { deflateSync } from 'node:zlib'
import { encodeCommand, encodeSendHeader } from '../../../src/btrfs/send/write/encode-command.ts'
import type { CommandAttributes } from '../../../src/btrfs/send/command.ts'
import type { CommandName, SendVersion } from '../../../src/btrfs/send/format.ts'

export const UUID = Uint8Array.from({ length: 16 }, (_, i) => i + 1)
export const NEXT_UUID = Uint8Array.from({ length: 16 }, (_, i) => i + 101)
export const time = { sec: 1_700_000_000, nsec: 5 }

/** Puts commands of one version together. */
export function commandsOf(version: SendVersion) {
  return <Name extends CommandName>(name: Name, attributes: CommandAttributes<Name>) =>
    encodeCommand(name, attributes, version)
}

const v1 = commandsOf(1)
const v2 = commandsOf(2)

export const SUBVOLUME = v1('subvol', { path: 'home', uuid: UUID, ctransid: 7 })
export const END = v1('end', {})
const cloneFrom = { cloneUuid: UUID, cloneCtransid: 7 }

/** A stream of version 1 with these commands. */
export const streamOf = (...commands: Uint8Array[]) => [encodeSendHeader(1), SUBVOLUME, ...commands, END]

const FULL = streamOf(
  v1('mkdir', { path: 'o257-7-0', ino: 257 }),
  v1('rename', { path: 'o257-7-0', pathTo: 'dir' }),
  v1('mkfile', { path: 'dir/file', ino: 258 }),
  v1('setXattr', { path: 'dir/file', xattrName: 'user.a', xattrData: Buffer.from('value') }),
  v1('write', { path: 'dir/file', fileOffset: 0, data: Buffer.alloc(5000, 'text ') }),
  v1('clone', {
    path: 'dir/file',
    fileOffset: 8192,
    cloneLen: 4096,
    ...cloneFrom,
    clonePath: 'dir/file',
    cloneOffset: 0,
  }),
  v1('truncate', { path: 'dir/file', size: 12_000 }),
  v1('chown', { path: 'dir/file', uid: 1000, gid: 100 }),
  v1('chmod', { path: 'dir/file', mode: 0o4755 }),
  v1('utimes', { path: 'dir/file', atime: time, mtime: time, ctime: time }),
  v1('link', { path: 'other', pathLink: 'dir/file' }),
  v1('symlink', { path: 'link', ino: 259, pathLink: '../elsewhere' }),
  v1('mknod', { path: 'device', mode: 0o020620, rdev: 0x1234567 }),
  v1('mkfifo', { path: 'fifo', ino: 260 }),
  v1('mksock', { path: 'socket', ino: 261 }),
)

const INCREMENTAL = [
  encodeSendHeader(2),
  v2('snapshot', { path: 'home2', uuid: NEXT_UUID, ctransid: 9, cloneUuid: UUID, cloneCtransid: 7 }),
  v2('removeXattr', { path: 'dir/file', xattrName: 'user.a' }),
  v2('unlink', { path: 'other' }),
  v2('mkdir', { path: 'empty' }),
  v2('rmdir', { path: 'empty' }),
  v2('mkfile', { path: 'packed' }),
  v2('encodedWrite', {
    ...{ path: 'packed', fileOffset: 0, unencodedFileLen: 20_000, unencodedLen: 20_000, unencodedOffset: 0 },
    ...{ compression: 1, encryption: 0, data: deflateSync(Buffer.alloc(20_000, 'packed ')) },
  }),
  v2('fallocate', { path: 'packed', fallocateMode: 3, fileOffset: 4096, size: 4096 }),
  v2('fallocate', { path: 'packed', fallocateMode: 0, fileOffset: 0, size: 40_000 }),
  v2('fileattr', { path: 'packed', fileattr: 0x200n }),
  v2('utimes', { path: 'packed', atime: time, mtime: time, ctime: time, otime: time }),
  v2('write', { path: 'dir/file', fileOffset: 100, data: Buffer.from('changed') }),
  v2('end', {}),
]

/** Each is a file: a full stream, and one with an incremental one behind it. */
export const SAMPLE_STREAMS: readonly (readonly Uint8Array[])[] = [FULL, [...FULL, ...INCREMENTAL]]
