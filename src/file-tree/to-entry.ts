import { toBytes, toDisplay, toText, type ByteString } from '../lib/byte-string.ts'
import type { Entry, EntryXattr, SourceEntry, Xattr } from './entry.ts'

/** An entry of an archive as the API gives it: names as text, and as bytes where they are not UTF-8. */
export function toEntry({ path, xattrs, ...entry }: SourceEntry): Entry {
  const { text, bytes } = textOf(path === '' ? '/' : path)
  const common = {
    ...entry,
    path: text,
    ...(bytes && { pathBytes: bytes }),
    ...(xattrs && { xattrs: xattrs.map(toEntryXattr) }),
  }
  if (!('target' in common)) return common
  const target = textOf(common.target)
  return { ...common, target: target.text, ...(target.bytes && { targetBytes: target.bytes }) }
}

function toEntryXattr({ name, value }: Xattr): EntryXattr {
  const { text, bytes } = textOf(name)
  return { name: text, ...(bytes && { nameBytes: bytes }), value }
}

function textOf(name: ByteString): { text: string; bytes?: Uint8Array } {
  const text = toText(name)
  return text === undefined ? { text: toDisplay(name), bytes: toBytes(name) } : { text }
}
