import { Buffer } from 'node:buffer'
import type { ByteString } from '../../lib/byte-string.ts'

const SLASH = Buffer.from('/')

/** A path for the system below a directory, byte by byte. */
export function pathBytes(directory: Buffer, below: ByteString | Buffer): Buffer {
  const bytes = typeof below === 'string' ? Buffer.from(below, 'latin1') : below
  return bytes.length === 0 ? directory : Buffer.concat([directory, SLASH, bytes])
}
