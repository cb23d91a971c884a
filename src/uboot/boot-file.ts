import type { ByteString } from '../lib/byte-string.ts'

/** A file of the boot folder. */
export type BootFile = {
  /** In the boot folder, without a slash at the start. */
  path: ByteString
} & (
  | { content: Uint8Array }
  /** The same content as this file of the system's tree, without symlinks on the way. */
  | { from: ByteString }
)
