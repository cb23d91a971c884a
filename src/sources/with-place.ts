/** Errors of the system about files of this machine. */
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import { systemMessageOf } from '../lib/system-message.ts'

/** Where an error is: `source` as the user named it, `entry` a path in it. */
export interface HostPlace {
  source: string
  entry?: string
}

/** The place of a path in a source; '' is the source itself. */
export function hostPlaceOf(source: string, path: ByteString): HostPlace {
  return path === '' ? { source } : { source, entry: toDisplay(path) }
}

/**
 * Does the work, and adds the place to errors of the system.
 *
 * @throws InputError for whatever the work throws
 */
export async function withPlace<T>(place: HostPlace, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw placed(place, error)
  }
}

/** The same for work that is done at once. */
export function withPlaceSync<T>(place: HostPlace, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw placed(place, error)
  }
}

function placed(place: HostPlace, error: unknown): InputError {
  if (error instanceof InputError) return error
  return new InputError(systemMessageOf(error), place, { cause: error })
}
