import { Buffer } from 'node:buffer'
import { type ByteString, toLatin1 } from '../../lib/byte-string.ts'

const SLASH = Buffer.from('/')

/** A path for the system below a directory, byte by byte. */
export function pathBytes(directory: Buffer, below: ByteString | Buffer): Buffer {
  const bytes = Buffer.isBuffer(below) ? below : Buffer.from(toLatin1(below), 'latin1')
  return bytes.length === 0 ? directory : Buffer.concat([directory, SLASH, bytes])
}
