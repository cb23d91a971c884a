/** The names of users and groups that an archive brings along. */
import type { SourceEntry } from '../file-tree/entry.ts'
import type { ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import { firstBytes } from '../lib/first-bytes.ts'
import { parseNameTable, type NameTables } from '../tar/names.ts'

/** Bytes of a table, which is held in memory. */
export const MAX_NAME_TABLE = 16 << 20

class AnyName extends Map<ByteString, number> {
  override get(): number {
    return 0
  }
}

/** Tables in which every name is, for a reading that looks at no owner. */
export const ANY_NAME: NameTables = { users: new AnyName(), groups: new AnyName() }

/**
 * Reads all entries. The last /etc/passwd and /etc/group count, as they do when an archive is unpacked.
 *
 * @throws InputError when one of the two is larger than 16 MiB
 */
export async function readNameTables(entries: AsyncIterable<SourceEntry>): Promise<NameTables> {
  const tables = new Map<ByteString, Map<ByteString, number>>()
  for await (const entry of entries) {
    const { path } = entry
    if (path !== 'etc/passwd' && path !== 'etc/group') continue
    if (entry.type === 'file') tables.set(path, parseNameTable(await contentOf(entry)))
    else tables.delete(path)
  }
  return { users: tables.get('etc/passwd') ?? new Map(), groups: tables.get('etc/group') ?? new Map() }
}

/** The error for a table that is too large. */
export function nameTableTooLarge(
  size: number,
  place: { source: string; entry?: string; offset?: number },
): InputError {
  return new InputError(`a table of names with ${size} bytes: expected at most ${MAX_NAME_TABLE}`, place)
}

async function contentOf({
  origin,
  path,
  size,
  content,
}: SourceEntry & { type: 'file' }): Promise<Uint8Array> {
  if (size > MAX_NAME_TABLE) throw nameTableTooLarge(size, { ...origin, entry: path as string })
  return firstBytes(content, size)
}
