/** Reads send streams command by command. */
import { sendChecksum } from '../../btrfs/checksum.ts'
import { SendProblem, type SendCommand } from '../../btrfs/send/command.ts'
import {
  CommandHeader,
  MAX_COMMAND_V1,
  SEND_MAGIC,
  SEND_VERSIONS,
  SendHeader,
} from '../../btrfs/send/format.ts'
import { parseCommand } from '../../btrfs/send/read/parse-command.ts'
import { fromBytes } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import { FOREIGN_START, foreignFormatOf } from '../../lib/foreign-format.ts'
import { u32, viewOf } from '../../lib/struct.ts'
import { ChunkReader, type FileChunks } from '../../tar/read/chunk-reader.ts'

/** Bytes of the longest command of version 2. The kernel has no limit but its memory, and sends less than a fifth of this. */
const MAX_COMMAND_V2 = 1024 * 1024

const { len: LENGTH, cmd: COMMAND, crc: CRC } = CommandHeader.at

/** A command, and where it is. */
export interface ReadCommand {
  command: SendCommand
  /** Offset in the stream. */
  offset: number
  /** Offset of the content of commands that have some. */
  dataOffset: number
}

/** One file or pipe: a stream, or several, one after the other. */
export class SendStreamReader {
  readonly #reader: ChunkReader
  readonly #chunks: Partial<FileChunks>
  readonly #source: string
  readonly #header = new Uint8Array(CommandHeader.size)
  /** Of the stream at hand; undefined: a header comes next. */
  #version: number | undefined
  #offset = 0

  constructor(chunks: AsyncIterable<Uint8Array>, source: string) {
    this.#chunks = chunks as Partial<FileChunks>
    this.#reader = new ChunkReader(chunks)
    this.#source = source
  }

  /** The open file that the stream is, after the first command was read. */
  get descriptor(): number | undefined {
    return this.#chunks.file?.descriptor
  }

  /**
   * The next command; undefined at the end. Its content is valid until the next call.
   *
   * @throws InputError that names the offset of what is no stream, is cut off or damaged
   */
  async next(): Promise<ReadCommand | undefined> {
    const reader = this.#reader
    if (this.#version === undefined && !(await this.#begin())) return undefined
    this.#offset = reader.offset
    const { size } = CommandHeader
    if (reader.available < size && !(await reader.gather(size))) {
      throw this.error(
        reader.available === 0
          ? 'the stream ends without its end command'
          : 'the stream is cut off in a command',
      )
    }
    const length = LENGTH.get(reader.view, reader.at)
    const most = this.#version === 1 ? MAX_COMMAND_V1 : MAX_COMMAND_V2
    if (size + length > most)
      throw this.error(`expected a command of at most ${most} bytes, found ${size + length}`)
    if (reader.available < size + length && !(await reader.gather(size + length))) {
      throw this.error('the stream is cut off in a command')
    }
    const start = reader.at + size
    const content = reader.buffer.subarray(start, start + length)
    this.#checkSum(content)
    const id = COMMAND.get(reader.view, reader.at)
    let command: SendCommand
    try {
      command = parseCommand(id, content, this.#version!)
    } catch (error) {
      throw this.errorOf(error)
    }
    reader.at = start + length
    if (command.name === 'end') this.#version = undefined
    const dataOffset =
      'data' in command ? this.#offset + size + command.data.byteOffset - content.byteOffset : 0
    return { command, offset: this.#offset, dataOffset }
  }

  /** An error at the command at hand. */
  error(message: string, cause?: unknown): InputError {
    return new InputError(
      message,
      { source: this.#source, offset: this.#offset },
      cause === undefined ? {} : { cause },
    )
  }

  /** The error for users of what the command at hand has led to. */
  errorOf(error: unknown): unknown {
    return error instanceof SendProblem ? this.error(error.message, error) : error
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  #checkSum(content: Uint8Array): void {
    const reader = this.#reader
    const header = this.#header
    header.set(reader.buffer.subarray(reader.at, reader.at + header.length))
    const stored = CRC.get(reader.view, reader.at)
    header.fill(0, CRC.offset, CRC.offset + u32.size)
    const sum = sendChecksum(header, content)
    if (sum === stored) return
    const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`
    throw this.error(`the command is damaged: expected the checksum ${hex(stored)}, found ${hex(sum)}`)
  }

  /** Reads the header of a stream. @returns false when there is none any more */
  async #begin(): Promise<boolean> {
    const reader = this.#reader
    const isFirst = reader.offset === 0
    this.#offset = reader.offset
    const isWhole = await reader.gather(SendHeader.size)
    if (reader.available === 0 && !isFirst) return false
    const bytes = reader.buffer.subarray(reader.at, reader.at + SendHeader.size)
    if (!isWhole || fromBytes(bytes, 0, SEND_MAGIC.length) !== SEND_MAGIC) {
      if (!isFirst) throw this.error('expected another stream, or nothing, after the end of one')
      await reader.gather(FOREIGN_START)
      const found = foreignFormatOf(reader.buffer.subarray(reader.at))
      const expected = 'expected a stream of btrfs send'
      throw this.error(found === undefined ? expected : `this is ${found}: ${expected}`)
    }
    const version = SendHeader.at.version.get(viewOf(bytes), 0)
    if (!(SEND_VERSIONS as readonly number[]).includes(version)) {
      throw this.error(`expected a stream of version 1 or 2, found ${version}`)
    }
    reader.at += SendHeader.size
    this.#version = version
    return true
  }
}
