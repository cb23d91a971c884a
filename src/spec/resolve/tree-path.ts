import { type ByteString, fromText } from '../../lib/byte-string.ts'

/** A path of a description, as paths in trees are kept: in bytes, without the leading slash. */
export function toTreePath(path: string): ByteString {
  return fromText(path.slice(1))
}
