import { FOREIGN_START, foreignFormatOf } from '../../lib/foreign-format.ts'
import { BLOCK } from '../format.ts'
import type { ChunkReader } from './chunk-reader.ts'
import { hasValidChecksum, isUstar } from './header.ts'

/**
 * What input is that does not begin as tar archives do, with its article. Nothing is passed.
 *
 * @returns undefined when it may be a tar archive, or is nothing that is known
 */
export async function otherFormat(reader: ChunkReader): Promise<string | undefined> {
  await reader.gather(BLOCK)
  if (isUstar(reader.buffer, reader.at)) return undefined
  await reader.gather(FOREIGN_START)
  const { buffer, view, at, available } = reader
  const found = foreignFormatOf(buffer.subarray(at))
  // An archive older than ustar may begin with any name.
  if (found === undefined || (available >= BLOCK && buffer[at] !== 0 && hasValidChecksum(buffer, view, at))) {
    return undefined
  }
  return found
}
