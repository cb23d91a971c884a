/** Names of users and groups, and their numbers, as /etc/passwd and /etc/group have them. */
import { fromBytes, type ByteString, toLatin1 } from '../lib/byte-string.ts'

/** Numbers by names. */
export interface NameTables {
  readonly users: ReadonlyMap<ByteString, number>
  readonly groups: ReadonlyMap<ByteString, number>
}

/** (INVALID_UID) */
const NO_ID = 2 ** 32 - 1

/**
 * The names and numbers in a file like passwd(5) or group(5): both are the first and the third field of a line. The first
 * of several lines with one name counts, as for getpwnam(3); lines of another form are left out, as there.
 */
export function parseNameTable(file: Uint8Array): Map<ByteString, number> {
  const numbers = new Map<ByteString, number>()
  for (const line of toLatin1(fromBytes(file)).split('\n')) {
    const [name, , id] = line.split(':')
    if (name === '' || name.startsWith('#') || id === undefined || !/^\d{1,10}$/.test(id)) continue
    if (Number(id) < NO_ID && !numbers.has(name)) numbers.set(name, Number(id))
  }
  return numbers
}
