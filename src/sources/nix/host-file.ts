/** Files of this machine that belong to a store or to a cache of it. */
import { Buffer } from 'node:buffer'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { InputError } from '../../lib/errors.ts'
import { yieldToEventLoop } from '../../lib/yield.ts'
import { withPlace, withPlaceSync, type HostPlace } from '../with-place.ts'

const READ_SIZE = 256 << 10

/** Should a fifo lie there, opening it must not wait for somebody who writes. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/**
 * The content of a file, in pieces that are valid until the next one is asked for.
 *
 * @param size bytes that it has to have; undefined: any number
 * @throws InputError when it cannot be read, is no file, or has another size
 */
export async function* readHostFile(
  path: string | Buffer,
  place: HostPlace,
  { size, followSymlinks = true }: { size?: number; followSymlinks?: boolean } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const flags = FLAGS | (followSymlinks ? 0 : constants.O_NOFOLLOW)
  const descriptor = withPlaceSync(place, () => openSync(path, flags))
  try {
    if (!fstatSync(descriptor).isFile()) throw new InputError('expected a file', place)
    const buffer = Buffer.allocUnsafeSlow(size === undefined ? READ_SIZE : Math.min(READ_SIZE, size + 1))
    let done = 0
    for (;;) {
      const bytesRead = withPlaceSync(place, () => readSync(descriptor, buffer, 0, buffer.length, done))
      if (bytesRead === 0) break
      done += bytesRead
      if (size !== undefined && done > size) throw changed(place, `expected ${size} bytes, found more`)
      yield buffer.subarray(0, bytesRead)
      if (bytesRead === READ_SIZE) await yieldToEventLoop()
    }
    if (size !== undefined && done < size) throw changed(place, `expected ${size} bytes, found ${done}`)
  } finally {
    closeSync(descriptor)
  }
}

/** All of a small file that has to be text. */
export async function readHostText(path: string, place: HostPlace): Promise<string> {
  const bytes = await withPlace(place, () => readFile(path))
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new InputError('expected text, found bytes that are not UTF-8', place, { cause: error })
  }
}

function changed(place: HostPlace, what: string): InputError {
  return new InputError(`the file changed while it was read: ${what}`, place)
}
