/** Checks of the content of a block. (section 3.4 of the .xz file format) */
import { createCRC32, createCRC64, createSHA256, type IHasher } from 'hash-wasm'
import { equalBytes } from '../equal-bytes.ts'
import { XzProblem } from './decoder.ts'
import { CHECK_SIZES, corrupt } from './format.ts'

export interface XzCheck {
  update(content: Uint8Array): void
  /** @throws XzProblem when the content has another one */
  verify(stored: Uint8Array): void
}

const HASHERS: Readonly<Record<number, () => Promise<IHasher>>> = {
  1: () => createCRC32(),
  4: () => createCRC64(),
  10: () => createSHA256(),
}
const SHA256 = 10

/** @throws XzProblem for a kind that is not supported */
export async function openCheck(kind: number): Promise<XzCheck | undefined> {
  if (CHECK_SIZES[kind] === 0) return undefined
  if (!Object.hasOwn(HASHERS, kind)) {
    throw new XzProblem(
      `a kind of checksum that is not supported (${kind}): expected CRC32, CRC64 or SHA-256`,
      false,
    )
  }
  const hasher = (await HASHERS[kind]()).init()
  return {
    update: (content) => void hasher.update(content),
    verify(stored) {
      const found = hasher.digest('binary')
      hasher.init()
      // Numbers are stored with their lowest byte first.
      if (!equalBytes(kind === SHA256 ? found : found.reverse(), stored)) throw corrupt()
    },
  }
}
