import type { Entry } from '../../file-tree/entry.ts'
import { described, isIterable } from '../../file-tree/entry-values.ts'
import { toEntry } from '../../file-tree/to-entry.ts'
import { fromText, type ByteString } from '../../lib/byte-string.ts'
import { BOOLEAN, checkOptions, TEXT, type OptionTable } from '../../lib/options.ts'
import { readTarEntries } from './entries.ts'

export interface ReadTarOptions {
  /** The archive's name in messages, and in the `origin` of entries. Default: `tar archive`. */
  name?: string
  /** Archives that follow the end of another one are read, too, as by `tar --ignore-zeros`. Default: false. */
  concatenated?: boolean
  /**
   * The bytes are known to be all there are, because a decompressor saw its end: an archive without blocks of zeros at its end
   * is no error. Default: false.
   */
  whole?: boolean
  /**
   * Numbers of users by name: owners, and those that ACLs name. Without it the numbers of the archive count, and where a name
   * is not in it, too.
   */
  users?: ReadonlyMap<string, number>
  /** The same for groups. */
  groups?: ReadonlyMap<string, number>
}

const NAMES = {
  expected: 'a Map of names and numbers',
  accepts: (value: unknown) => value instanceof Map,
}

const READ_TAR_OPTIONS: OptionTable<ReadTarOptions> = {
  name: TEXT,
  concatenated: BOOLEAN,
  whole: BOOLEAN,
  users: NAMES,
  groups: NAMES,
}

/**
 * Reads an uncompressed tar archive: V7, ustar, pax, GNU or star, sparse files and extended attributes included.
 *
 * The content of a file is read, at most once, before the next entry is asked for; what is not read is passed over. A
 * piece of it is valid until the next piece is asked for. Names and attributes are bytes as they are in the archive;
 * owners are the numbers, unless `users` and `groups` say what the names are. Whether a hard link's target exists is not checked here.
 *
 * @param bytes the archive, whole or in pieces of any size; a piece is not looked at once the next is asked for
 * @returns the entries in their order; `origin.offset` is the byte offset of an entry's header
 * @throws InputError that names the archive, the entry and its offset: an archive that is damaged or truncated or has
 *   no end marker, names that are empty or hold `..` or NUL, and what is not supported (archives of several volumes,
 *   incremental ones, ACLs that name users without their numbers)
 * @throws TypeError when an option is wrong, or `bytes` are none
 * @example
 * for await (const { path, type } of readTar(createReadStream('root.tar'))) console.log(type, path)
 */
export async function* readTar(
  bytes: Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ReadTarOptions = {},
): AsyncGenerator<Entry, void, undefined> {
  checkOptions('readTar', options, READ_TAR_OPTIONS)
  const { name = 'tar archive', concatenated, whole = false, users, groups } = options
  const names = users || groups ? { users: byBytes(users), groups: byBytes(groups) } : undefined
  const entries = readTarEntries(piecesOf(bytes), name, { concatenated, isWhole: () => whole, names })
  for await (const entry of entries) yield toEntry(entry)
}

function byBytes(names: ReadonlyMap<string, number> | undefined): ReadonlyMap<ByteString, number> {
  return new Map([...(names ?? [])].map(([name, id]) => [fromText(name), id]))
}

async function* piecesOf(
  bytes: Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes instanceof Uint8Array) {
    yield bytes
    return
  }
  if (!isIterable(bytes)) {
    throw new TypeError(
      `readTar: expected bytes, or pieces of them that can be iterated, found ${described(bytes)}`,
    )
  }
  for await (const piece of bytes) {
    if (!(piece instanceof Uint8Array)) {
      throw new TypeError(`readTar: expected pieces that are byte arrays, found ${described(piece)}`)
    }
    yield piece
  }
}
