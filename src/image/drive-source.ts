import { isSync, type ByteSource } from '../lib/byte-source.ts'
import { drive, driveSync, type ReadRoutine } from '../lib/read-routine.ts'

export type Drive = <T>(routine: ReadRoutine<T>) => T | Promise<T>

/**
 * Drives routines with a source, and returns at once where the source does: most entries are small, and promises take
 * longer than they do.
 */
export function driveWith(source: ByteSource): Drive {
  return isSync(source) ? (routine) => driveSync(source, routine) : (routine) => drive(source, routine)
}
