/** Commands of a send stream, with their attributes as values. */
import type { Timestamp } from '../../file-tree/entry.ts'
import type { ByteString } from '../../lib/byte-string.ts'
import type { AttributeName, CommandName, COMMANDS } from './format.ts'

/** Values of attributes. Sizes and offsets are bytes. */
interface AttributeValues extends Record<AttributeName, unknown> {
  uuid: Uint8Array
  ctransid: number
  ino: number
  size: number
  mode: number
  uid: number
  gid: number
  rdev: number
  ctime: Timestamp
  mtime: Timestamp
  atime: Timestamp
  otime: Timestamp
  xattrName: ByteString
  xattrData: Uint8Array
  path: ByteString
  pathTo: ByteString
  pathLink: ByteString
  fileOffset: number
  data: Uint8Array
  cloneUuid: Uint8Array
  cloneCtransid: number
  clonePath: ByteString
  cloneOffset: number
  cloneLen: number
  fallocateMode: number
  fileattr: bigint
  unencodedFileLen: number
  unencodedLen: number
  unencodedOffset: number
  compression: number
  encryption: number
}

type Needed<Name extends CommandName> = (typeof COMMANDS)[Name]['attributes'][number]
type Optional<Name extends CommandName> = (typeof COMMANDS)[Name] extends {
  optional: readonly (infer Attribute extends AttributeName)[]
}
  ? Attribute
  : never

/** The attributes of a command. */
export type CommandAttributes<Name extends CommandName> = Pick<AttributeValues, Needed<Name>> &
  Partial<Pick<AttributeValues, Optional<Name>>>

/** A command of a send stream. */
export type SendCommand = {
  [Name in CommandName]: { readonly name: Name } & Readonly<CommandAttributes<Name>>
}[CommandName]

/** Something in a stream that is not as it should be. Whoever knows where it is makes an error of it for users. */
export class SendProblem extends Error {}
