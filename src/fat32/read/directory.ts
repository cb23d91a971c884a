import { fromBytes, fromText, type ByteString } from '../../lib/byte-string.ts'
import { fromCodePage } from '../code-page.ts'
import {
  ATTR_DIRECTORY,
  ATTR_LONG_NAME,
  ATTR_LONG_NAME_MASK,
  ATTR_VOLUME_ID,
  DirEntry,
  LongNameEntry,
  NAME_DELETED,
  NAME_END,
  NT_LOWER_BASE,
  NT_LOWER_EXTENSION,
} from '../format.ts'
import { unescapeShortName } from '../names.ts'
import { decodeLongName } from '../long-name.ts'

/** A short record of a directory with its long name. */
export interface DirectoryRecord {
  /** Byte offset of the short record from the start of the volume. */
  offset: number
  entry: DirEntry
  /** 11 bytes, as stored. */
  short: ByteString
  /** UTF-8: the long name, or the short one with its dot and case. */
  name: ByteString
  /** UTF-8: the short name, with its dot. */
  alias: ByteString
}

export interface ParsedDirectory {
  /** The volume label, if it is in this directory. */
  label: DirectoryRecord | undefined
  /** `.` and `..` included. */
  records: DirectoryRecord[]
}

/**
 * Reads the records of a directory, up to its end mark or the end of its clusters. Long entries that belong to no
 * short one are ignored, as drivers do.
 *
 * @param offsetOf from the start of the volume, of a byte of the directory
 */
export function parseDirectory(bytes: Uint8Array, offsetOf: (at: number) => number): ParsedDirectory {
  const parsed: ParsedDirectory = { label: undefined, records: [] }
  let pending: LongNameEntry[] = []
  for (let at = 0; at + DirEntry.size <= bytes.length; at += DirEntry.size) {
    const entry = DirEntry.decode(bytes, at)
    if (entry.name[0] === NAME_END) break
    if (entry.name[0] === NAME_DELETED) {
      pending = []
    } else if (isLongNameEntry(entry)) {
      pending.push(LongNameEntry.decode(bytes, at))
    } else {
      const record = recordOf(entry, { offset: offsetOf(at), pending })
      pending = []
      if ((entry.attributes & ATTR_VOLUME_ID) === 0) parsed.records.push(record)
      else if ((entry.attributes & ATTR_DIRECTORY) === 0) parsed.label ??= record
    }
  }
  return parsed
}

export function isLongNameEntry({ attributes }: Pick<DirEntry, 'attributes'>): boolean {
  return (attributes & ATTR_LONG_NAME_MASK) === ATTR_LONG_NAME
}

function recordOf(
  entry: DirEntry,
  { offset, pending }: { offset: number; pending: readonly LongNameEntry[] },
): DirectoryRecord {
  const short = fromBytes(entry.name)
  const long = decodeLongName(pending, short)
  const name = long !== undefined && !isDangerous(long) ? long : shortNameText(short, entry.ntCase)
  return { offset, entry, short, name: fromText(name), alias: fromText(shortNameText(short, 0)) }
}

/** A name that would lead out of its directory as part of a path. */
const isDangerous = (name: string) => name === '.' || name === '..' || name.includes('/')

/** Never empty and without a slash, so that even a damaged name is one component of a path. */
export function shortNameText(short: ByteString, ntCase: number): string {
  const text = fromCodePage(unescapeShortName(short)).replace(/[/\0]/g, '_')
  const part = (raw: string, lower: boolean) => {
    const trimmed = raw.replace(/ +$/, '')
    return lower ? trimmed.toLowerCase() : trimmed
  }
  const base = part(text.slice(0, 8), (ntCase & NT_LOWER_BASE) !== 0)
  const extension = part(text.slice(8), (ntCase & NT_LOWER_EXTENSION) !== 0)
  if (extension !== '') return `${base}.${extension}`
  return base === '' ? '_' : base
}
