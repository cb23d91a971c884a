import { fromBytes, fromText, type ByteString } from '../lib/byte-string.ts'
import {
  ATTR_LONG_NAME,
  ATTR_LONG_NAME_MASK,
  ATTR_VOLUME_ID,
  DirEntry,
  LongNameEntry,
  NAME_DELETED,
  NAME_END,
  NAME_KANJI_E5,
  NT_LOWER_BASE,
  NT_LOWER_EXTENSION,
} from './format.ts'
import { decodeLongName } from './long-name.ts'

/** A record of a directory with the long name that belongs to it. */
export interface DirectoryRecord {
  /** Byte offset of the short record in its directory. */
  offset: number
  entry: DirEntry
  cluster: number
  /** 11 bytes, as stored. */
  short: ByteString
  /** UTF-8: the long name, or the short one with its dot and case. */
  name: ByteString
}

export interface ParsedDirectory {
  /** The volume label, if it is in this directory: 11 bytes. */
  label: ByteString | undefined
  /** `.` and `..` included. */
  records: DirectoryRecord[]
  /** Byte offsets of long entries that belong to no short one. Drivers ignore them. */
  orphans: number[]
}

/** Reads the records of a directory, up to its end mark or the end of its clusters. */
export function parseDirectory(bytes: Uint8Array): ParsedDirectory {
  const parsed: ParsedDirectory = { label: undefined, records: [], orphans: [] }
  let pending: LongNameEntry[] = []
  let pendingAt = 0
  const drop = () => {
    pending.forEach((_, i) => parsed.orphans.push(pendingAt + i * DirEntry.size))
    pending = []
  }
  for (let offset = 0; offset + DirEntry.size <= bytes.length; offset += DirEntry.size) {
    const entry = DirEntry.decode(bytes, offset)
    if (entry.name[0] === NAME_END) break
    if (entry.name[0] === NAME_DELETED) {
      drop()
      continue
    }
    if ((entry.attributes & ATTR_LONG_NAME_MASK) === ATTR_LONG_NAME) {
      if (pending.length === 0) pendingAt = offset
      pending.push(LongNameEntry.decode(bytes, offset))
      continue
    }
    const short = fromBytes(entry.name)
    if (entry.attributes & ATTR_VOLUME_ID) {
      drop()
      parsed.label ??= short
      continue
    }
    const long = decodeLongName(pending, short)
    if (long === undefined) drop()
    pending = []
    parsed.records.push({
      offset,
      entry,
      short,
      cluster: entry.firstClusterHigh * 0x10000 + entry.firstClusterLow,
      name: fromText(long ?? shortNameText(short, entry.ntCase)),
    })
  }
  drop()
  return parsed
}

/** Code page 437 from 0x80 on, what Linux takes short names to be in when it is not told. */
const CODE_PAGE =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀' +
  'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0'

function shortNameText(short: ByteString, ntCase: number): string {
  const stored = short.charCodeAt(0) === NAME_KANJI_E5 ? '\xe5' + short.slice(1) : short
  const text = stored.replace(/[\x80-\xff]/g, (byte) => CODE_PAGE[byte.charCodeAt(0) - 0x80])
  const part = (raw: string, lower: boolean) => {
    const trimmed = raw.replace(/ +$/, '')
    return lower ? trimmed.toLowerCase() : trimmed
  }
  const base = part(text.slice(0, 8), (ntCase & NT_LOWER_BASE) !== 0)
  const extension = part(text.slice(8), (ntCase & NT_LOWER_EXTENSION) !== 0)
  return extension === '' ? base : `${base}.${extension}`
}
