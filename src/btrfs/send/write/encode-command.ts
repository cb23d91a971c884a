/** Puts commands of a send stream together. */
import { toBytes } from '../../../lib/byte-string.ts'
import { id64, struct, u16, u32, u64, viewOf, type Codec } from '../../../lib/struct.ts'
import { sendChecksum } from '../../checksum.ts'
import { Timespec } from '../../format.ts'
import type { CommandAttributes } from '../command.ts'
import {
  ATTRIBUTE,
  AttributeHeader,
  CommandHeader,
  COMMANDS,
  SEND_MAGIC,
  SendHeader,
  type AttributeName,
  type CommandName,
  type SendVersion,
} from '../format.ts'

/** Start of content in version 2, which has no length. */
const DataHeader = struct('DataHeader', 2, { type: u16 })

const { crc: CRC } = CommandHeader.at

const encoded =
  <T>(codec: Codec<T>) =>
  (value: unknown) => {
    const bytes = new Uint8Array(codec.size)
    codec.write(viewOf(bytes), 0, value as T)
    return bytes
  }
const number = encoded(u64)
const number32 = encoded(u32)
const time = encoded(Timespec)
const path = (value: unknown) => toBytes(value as string)
const asIs = (value: unknown) => value as Uint8Array

const ENCODE: Record<AttributeName, (value: unknown) => Uint8Array> = {
  uuid: asIs,
  ctransid: number,
  ino: number,
  size: number,
  mode: number,
  uid: number,
  gid: number,
  rdev: number,
  ctime: time,
  mtime: time,
  atime: time,
  otime: time,
  xattrName: path,
  xattrData: asIs,
  path,
  pathTo: path,
  pathLink: path,
  fileOffset: number,
  data: asIs,
  cloneUuid: asIs,
  cloneCtransid: number,
  clonePath: path,
  cloneOffset: number,
  cloneLen: number,
  fallocateMode: number32,
  fileattr: encoded(id64),
  unencodedFileLen: number,
  unencodedLen: number,
  unencodedOffset: number,
  compression: number32,
  encryption: number32,
}

/** The header of a stream. */
export function encodeSendHeader(version: SendVersion): Uint8Array {
  return SendHeader.encode({ magic: toBytes(SEND_MAGIC), version })
}

/**
 * A command with its checksum.
 *
 * @param attributes in the order in which they are written; content comes last
 */
export function encodeCommand<Name extends CommandName>(
  name: Name,
  attributes: CommandAttributes<Name>,
  version: SendVersion,
): Uint8Array {
  const parts: { header: Uint8Array; value: Uint8Array }[] = []
  let length = 0
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === undefined) continue
    const bytes = ENCODE[attribute as AttributeName](value)
    const type = ATTRIBUTE[attribute as AttributeName]
    const header =
      attribute === 'data' && version >= 2
        ? DataHeader.encode({ type })
        : AttributeHeader.encode({ type, len: bytes.length })
    parts.push({ header, value: bytes })
    length += header.length + bytes.length
  }
  const command = new Uint8Array(CommandHeader.size + length)
  const view = viewOf(command)
  CommandHeader.write(view, 0, { len: length, cmd: COMMANDS[name].id, crc: 0 })
  let at = CommandHeader.size
  for (const { header, value } of parts) {
    command.set(header, at)
    command.set(value, at + header.length)
    at += header.length + value.length
  }
  const sum = sendChecksum(command.subarray(0, CommandHeader.size), command.subarray(CommandHeader.size))
  CRC.set(view, 0, sum)
  return command
}
