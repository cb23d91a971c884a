/** Files of this machine whose content goes into an image. */
import { Buffer } from 'node:buffer'
import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs'
import { contentLength, type DataRange } from '../file-tree/file-content.ts'
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import { yieldToEventLoop } from '../lib/yield.ts'
import { hostPlaceOf, withPlaceSync } from './with-place.ts'

const READ_SIZE = 256 << 10

/** Files that are looked at before the event loop goes on. */
export const FILES_A_TURN = 64

export interface HostFile {
  /** The source's name, for messages. */
  source: string
  /** Its path in the source, for messages. */
  path: ByteString
  host: Buffer
  /** Of the file when it was found. */
  stats: BigIntStats
  /** Where it has content; undefined: it has no holes. */
  ranges?: readonly DataRange[] | undefined
  /** A symlink leads to it, and may. */
  followed?: boolean
}

/**
 * Reads files one after the other through one buffer.
 *
 * A small file is opened, looked at, read and closed, which takes a tenth of the time when it is done at once instead of
 * in a thread of the system's pool. Whoever reads many lets the event loop go on in between.
 */
export class HostFiles {
  readonly #buffer = Buffer.allocUnsafeSlow(READ_SIZE)

  /**
   * The content of a file, which may be read at any time and more than once.
   *
   * @throws InputError while it is read, when the file is not what it was when it was found, or changes
   */
  contentOf(file: HostFile): AsyncIterable<Uint8Array> {
    return { [Symbol.asyncIterator]: () => this.#read(file) }
  }

  async *#read(file: HostFile): AsyncGenerator<Uint8Array, void, undefined> {
    const { source, path } = file
    const size = Number(file.stats.size)
    const ranges = file.ranges ?? [{ offset: 0, length: size }]
    const expected = contentLength({ size, ranges })
    const descriptor = openHostFile(file)
    const read = (length: number, position: number) =>
      withPlaceSync(hostPlaceOf(source, path), () => readSync(descriptor, this.#buffer, 0, length, position))
    try {
      refuseChanged(file, descriptor)
      let done = 0
      for (const { offset, length } of ranges) {
        for (let at = 0; at < length;) {
          const bytesRead = read(Math.min(READ_SIZE, length - at), offset + at)
          if (bytesRead === 0) throw changed(file, `expected ${expected} bytes, found ${done}`)
          at += bytesRead
          done += bytesRead
          yield new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset, bytesRead)
          if (bytesRead === READ_SIZE) await yieldToEventLoop()
        }
      }
      // Files of /proc say that they are empty, and are not.
      if (read(1, size) > 0) throw changed(file, `expected ${size} bytes, found more`)
      refuseChanged(file, descriptor)
    } finally {
      closeSync(descriptor)
    }
  }
}

/** Opens a file; should something else have taken its place, that is neither followed nor waited for. @returns its descriptor */
export function openHostFile({ source, path, host, followed = false }: HostFile): number {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (followed ? 0 : constants.O_NOFOLLOW)
  return withPlaceSync(hostPlaceOf(source, path), () => openSync(host, flags))
}

function refuseChanged(file: HostFile, descriptor: number): void {
  const { stats } = file
  const now = withPlaceSync(hostPlaceOf(file.source, file.path), () =>
    fstatSync(descriptor, { bigint: true }),
  )
  if (!now.isFile() || now.ino !== stats.ino || now.dev !== stats.dev) {
    throw changed(file, 'it was replaced')
  }
  if (now.size !== stats.size) throw changed(file, `expected ${stats.size} bytes, found ${now.size}`)
  if (now.mtimeNs !== stats.mtimeNs) throw changed(file, 'it was written to')
  if (now.ctimeNs !== stats.ctimeNs) throw changed(file, 'its metadata changed')
}

function changed({ source, path }: HostFile, what: string): InputError {
  return new InputError(`the file changed while it was read: ${what}`, { source, entry: toDisplay(path) })
}
