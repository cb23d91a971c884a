import { afterFailure } from '../lib/clean-up.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import type { CreateScratch } from '../lib/random-access.ts'
import { accessFile } from '../output/access-output.ts'
import { decompress } from '../sources/decompress.ts'
import type { OpenedCopy } from './open-stored.ts'
import { piecesOf, writeSparse } from './write-sparse.ts'

/**
 * Decompresses an image that can only be read front to back, where there are no temporary files of the system.
 *
 * @param onRead called with the bytes of the compressed image that are done
 * @throws InputError when it is damaged or truncated
 * @throws OutputError when there is no room for it
 */
export async function scratchCopy(
  stored: ByteSource,
  name: string,
  { createScratch, onRead }: { createScratch: CreateScratch; onRead: (bytes: number) => void },
): Promise<OpenedCopy> {
  const scratch = await createScratch()
  try {
    const file = accessFile(scratch, `copy of ${name}`)
    const size = await writeSparse(file, decompress(piecesOf(stored, onRead), name))
    return {
      source: { size, read: (offset, length) => file.read(offset, Math.min(length, size - offset)) },
      close: async () => scratch.close(),
    }
  } catch (error) {
    throw await afterFailure(error, async () => scratch.close())
  }
}
