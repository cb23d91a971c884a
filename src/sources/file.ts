/** Single files of this machine that a description names. */
import { readFile } from 'node:fs/promises'
import { withPlace } from './with-place.ts'

/**
 * All of a file that is small enough to be kept: a boot loader, a registration.
 *
 * @throws InputError when it cannot be read
 */
export function readWholeFile(path: string): Promise<Uint8Array> {
  return withPlace({ source: path }, () => readFile(path))
}
