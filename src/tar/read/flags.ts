/** Flags of files, as bsdtar and star write them. */
import type { EntryMetadata, InodeFlag, UnsupportedProperty } from '../../file-tree/entry.ts'
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import type { TarEntryType } from './entry-type.ts'

/** Names of libarchive (archive_entry_fflags_text) for the flags that chattr(1) sets on Linux. */
const FLAGS: Readonly<Record<string, InodeFlag>> = {
  sappnd: 'append',
  sappend: 'append',
  schg: 'immutable',
  schange: 'immutable',
  simmutable: 'immutable',
  noatime: 'noatime',
  nodump: 'nodump',
  sync: 'sync',
}

interface ParsedFlags {
  flags: readonly InodeFlag[] | undefined
  /** chattr +c */
  compress: boolean
  /** chattr +C */
  nodatacow: boolean
  unsupported: readonly UnsupportedProperty[] | undefined
}

/** By their text: archives have few, and entries with the same flags share one list. */
const parsed = new Map<ByteString, ParsedFlags>()
const MAX_PARSED = 1000

/** Takes over the flags of a record like `schg,nodump`, as far as entries of the type have any. */
export function applyFlags(metadata: EntryMetadata, text: ByteString, type: TarEntryType): void {
  // On other types chattr(1) sets none.
  if (text === '' || (type !== 'file' && type !== 'directory')) return
  const { flags, compress, nodatacow, unsupported } = parseFlags(text)
  if (flags) metadata.flags = flags
  if (nodatacow) metadata.nodatacow = true
  if (unsupported) metadata.unsupported = [...(metadata.unsupported ?? []), ...unsupported]
  // What the kernel makes of the flag: the property with its default algorithm. (btrfs_fileattr_set)
  if (compress && !nodatacow && !metadata.xattrs?.some(({ name }) => name === COMPRESSION)) {
    metadata.xattrs = [...(metadata.xattrs ?? []), ZLIB]
  }
}

const COMPRESSION = 'btrfs.compression'
const ZLIB = { name: COMPRESSION, value: new TextEncoder().encode('zlib') }

function parseFlags(text: ByteString): ParsedFlags {
  const known = parsed.get(text)
  if (known !== undefined) return known
  const words = text.split(',').filter((word) => word !== '')
  const flags = [...new Set(words.flatMap((word) => FLAGS[word] ?? []))].sort()
  const others = words.filter(
    (word) => !Object.hasOwn(FLAGS, word) && word !== 'compress' && word !== 'nocow',
  )
  const result = {
    flags: flags.length > 0 ? flags : undefined,
    compress: words.includes('compress'),
    nodatacow: words.includes('nocow'),
    unsupported:
      others.length > 0
        ? others.map((word) => ({
            kind: 'flags' as const,
            name: `the file flag ${JSON.stringify(toDisplay(word))}`,
          }))
        : undefined,
  }
  if (parsed.size < MAX_PARSED) parsed.set(text, result)
  return result
}
