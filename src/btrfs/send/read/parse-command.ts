/** Takes commands of a send stream apart. */
import { fromBytes } from '../../../lib/byte-string.ts'
import { id64, u16, u32, u64, viewOf, type Codec } from '../../../lib/struct.ts'
import { Timespec } from '../../format.ts'
import { SendProblem, type SendCommand } from '../command.ts'
import {
  ATTRIBUTE,
  AttributeHeader,
  COMMANDS,
  type AttributeName,
  type CommandDescription,
  type CommandName,
} from '../format.ts'

const UUID_SIZE = 16
/** Bytes of a path. (PATH_MAX) */
const MAX_PATH = 4096
/** (XATTR_NAME_MAX) */
const MAX_NAME = 255

type Decode = (bytes: Uint8Array) => unknown

const fixed =
  <T>(codec: Codec<T>): Decode =>
  (bytes) => {
    if (bytes.length !== codec.size) throw lengthProblem(codec.size, bytes.length)
    return codec.read(viewOf(bytes), 0)
  }

const time: Decode = (bytes) => {
  const { sec, nsec } = fixed(Timespec)(bytes) as { sec: number; nsec: number }
  if (nsec >= 1e9) throw new SendProblem(`expected nanoseconds below 1000000000, found ${nsec}`)
  return { sec, nsec }
}

/** A path in the subvolume; the root is empty. */
const path: Decode = (bytes) => {
  const text = link(bytes)
  if (text === '') return text
  for (const name of text.split('/')) {
    if (name !== '' && name !== '.' && name !== '..' && name.length <= MAX_NAME) continue
    throw new SendProblem('expected a path of names, relative to the subvolume')
  }
  return text
}

const link = (bytes: Uint8Array) => {
  if (bytes.length >= MAX_PATH) throw lengthProblem(`at most ${MAX_PATH - 1}`, bytes.length)
  if (bytes.includes(0)) throw new SendProblem('expected a path without NUL')
  return fromBytes(bytes)
}

const xattrName: Decode = (bytes) => {
  if (bytes.length === 0 || bytes.length > MAX_NAME) throw lengthProblem(`1 to ${MAX_NAME}`, bytes.length)
  if (bytes.includes(0)) throw new SendProblem('expected a name without NUL')
  return fromBytes(bytes)
}

const uuid: Decode = (bytes) => {
  if (bytes.length !== UUID_SIZE) throw lengthProblem(UUID_SIZE, bytes.length)
  return bytes.slice()
}

function lengthProblem(expected: number | string, found: number): SendProblem {
  return new SendProblem(`expected ${expected} bytes, found ${found}`)
}

const asIs: Decode = (bytes) => bytes

const DECODE: Record<AttributeName, Decode> = {
  uuid,
  ctransid: fixed(u64),
  ino: fixed(u64),
  size: fixed(u64),
  mode: fixed(u64),
  uid: fixed(u64),
  gid: fixed(u64),
  rdev: fixed(u64),
  ctime: time,
  mtime: time,
  atime: time,
  otime: time,
  xattrName,
  xattrData: (bytes) => bytes.slice(),
  path,
  pathTo: path,
  pathLink: link,
  fileOffset: fixed(u64),
  data: asIs,
  cloneUuid: uuid,
  cloneCtransid: fixed(u64),
  clonePath: path,
  cloneOffset: fixed(u64),
  cloneLen: fixed(u64),
  fallocateMode: fixed(u32),
  fileattr: fixed(id64),
  unencodedFileLen: fixed(u64),
  unencodedLen: fixed(u64),
  unencodedOffset: fixed(u64),
  compression: fixed(u32),
  encryption: fixed(u32),
}

const ATTRIBUTE_NAMES: (AttributeName | undefined)[] = []
for (const [name, type] of Object.entries(ATTRIBUTE)) ATTRIBUTE_NAMES[type] = name as AttributeName
const COMMAND_NAMES: (CommandName | undefined)[] = []
for (const [name, { id }] of Object.entries(COMMANDS)) COMMAND_NAMES[id] = name as CommandName
const NO_ATTRIBUTES: readonly AttributeName[] = []

/**
 * Decodes a command. Content and values of attributes are valid as long as `bytes` are.
 *
 * @param id (BTRFS_SEND_C_*)
 * @param bytes the command without its header
 * @param version of the stream
 * @throws SendProblem when it is not one of that version, or its attributes are not what they should be
 */
export function parseCommand(id: number, bytes: Uint8Array, version: number): SendCommand {
  const name = COMMAND_NAMES[id]
  if (name === undefined || COMMANDS[name].since > version) {
    throw new SendProblem(`unknown command ${id} in a stream of version ${version}`)
  }
  const command: Record<string, unknown> = { name }
  for (let at = 0; at < bytes.length;) at = parseAttribute(bytes, at, { version, command })
  const { attributes, optional = NO_ATTRIBUTES }: CommandDescription = COMMANDS[name]
  let known = 1
  for (const attribute of attributes) {
    if (command[attribute] === undefined) throw new SendProblem(`${name} without its ${attribute}`)
    known++
  }
  for (const attribute of optional) if (command[attribute] !== undefined) known++
  if (Object.keys(command).length > known) throw strangeAttribute(command, [...attributes, ...optional])
  return command as SendCommand
}

/** @returns offset of what follows */
function parseAttribute(
  bytes: Uint8Array,
  at: number,
  { version, command }: { version: number; command: Record<string, unknown> },
): number {
  const cut = () => new SendProblem(`${String(command.name)}: an attribute that ends after its command`)
  const { type: TYPE, len: LENGTH } = AttributeHeader.at
  if (at + u16.size > bytes.length) throw cut()
  const view = viewOf(bytes)
  const type = TYPE.get(view, at)
  const name = ATTRIBUTE_NAMES[type]
  if (name === undefined) throw new SendProblem(`${String(command.name)}: unknown attribute ${type}`)
  let start = at + AttributeHeader.size
  let end: number
  // Version 2: content has no length, and goes to the end of the command.
  if (name === 'data' && version >= 2) {
    start = at + u16.size
    end = bytes.length
  } else {
    if (start > bytes.length) throw cut()
    end = start + LENGTH.get(view, at)
    if (end > bytes.length) throw cut()
  }
  if (command[name] !== undefined) throw new SendProblem(`${String(command.name)}: two attributes ${name}`)
  try {
    command[name] = DECODE[name](bytes.subarray(start, end))
  } catch (error) {
    if (!(error instanceof SendProblem) && !(error instanceof RangeError)) throw error
    throw new SendProblem(`${String(command.name)}: ${name}: ${error.message}`)
  }
  return end
}

function strangeAttribute(command: Record<string, unknown>, known: readonly string[]): SendProblem {
  const [strange] = Object.keys(command).filter((key) => key !== 'name' && !known.includes(key))
  return new SendProblem(`${String(command.name)}: ${strange} is not one of its attributes`)
}
