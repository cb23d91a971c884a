import type { EntryOrigin, Timestamp } from '../file-tree/entry.ts'
import { InputError } from '../lib/errors.ts'
import { toDisplay, type ByteString } from '../lib/byte-string.ts'

interface Common {
  /** Relative to the volume's root, with `/` between components. */
  path: ByteString
  mtime: Timestamp
  /** For messages. */
  origin?: EntryOrigin
}

export interface FatFile extends Common {
  type: 'file'
  /** Bytes of content. */
  size: number
  /** Sets the read-only attribute. */
  readOnly?: boolean
  /** The content, exactly `size` bytes; a piece is valid until the next one is asked for. */
  open(): AsyncIterable<Uint8Array>
}

export interface FatDirectory extends Common {
  type: 'directory'
}

/** What a FAT volume can hold. It knows no owners, modes, links and extended attributes. */
export type FatEntry = FatFile | FatDirectory

/** The error about an entry, naming it and where it came from. */
export function entryError(message: string, { path, origin }: Pick<Common, 'path' | 'origin'>): InputError {
  return new InputError(message, {
    source: origin?.source ?? 'FAT32 content',
    entry: toDisplay(path),
    offset: origin?.offset,
  })
}
