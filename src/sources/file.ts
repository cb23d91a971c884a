/** Single files of this machine that a description names. */
import { readFile } from 'node:fs/promises'
import { InputError } from '../lib/errors.ts'

/**
 * All of a file that is small enough to be kept: a boot loader, a registration.
 *
 * @throws InputError when it cannot be read
 */
export async function readWholeFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new InputError((error as Error).message, { source: path }, { cause: error })
  }
}
