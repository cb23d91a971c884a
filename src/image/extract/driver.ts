import { isSync, type ByteSource } from '../../lib/byte-source.ts'
import { run, runSync, type Reading } from '../../lib/read-routine.ts'

export type Perform = <T>(reading: Reading<T>) => T | Promise<T>

/**
 * Runs readings, and answers at once where the source does: most entries are small, and promises cost more than they
 * do.
 */
export function performer(source: ByteSource): Perform {
  return isSync(source) ? (reading) => runSync(source, reading) : (reading) => run(source, reading)
}
