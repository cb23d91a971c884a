import { isSync, type ByteSource } from '../../lib/byte-source.ts'
import { drive, driveSync, type ReadRoutine } from '../../lib/read-routine.ts'

export type Perform = <T>(reading: ReadRoutine<T>) => T | Promise<T>

/**
 * Runs readings, and answers at once where the source does: most entries are small, and promises cost more than they
 * do.
 */
export function driver(source: ByteSource): Perform {
  return isSync(source) ? (reading) => driveSync(source, reading) : (reading) => drive(source, reading)
}
