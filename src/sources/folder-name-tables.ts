/** The names of users and groups of a folder. */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteString } from '../lib/byte-string.ts'
import { readWholeFile } from './file.ts'
import { MAX_NAME_TABLE, nameTableTooLarge } from './name-tables.ts'
import { parseNameTable, type NameTables } from '../tar/names.ts'

/**
 * The tables of a folder. One that is missing, or no file, has no names.
 *
 * @throws InputError when one of the two cannot be read, or is larger than 16 MiB
 */
export async function nameTablesOf(folder: string): Promise<NameTables> {
  const table = async (name: string) => {
    const source = join(folder, 'etc', name)
    const stats = await lstat(source).catch(() => undefined)
    if (stats?.isFile() !== true) return new Map<ByteString, number>()
    if (stats.size > MAX_NAME_TABLE) throw nameTableTooLarge(stats.size, { source })
    return parseNameTable(await readWholeFile(source))
  }
  return { users: await table('passwd'), groups: await table('group') }
}
