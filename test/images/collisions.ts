import { nameHash } from '../../src/btrfs/checksum.ts'
import { fromBytes, toBytes, type ByteString } from '../../src/lib/byte-string.ts'

const LENGTH = 12

/** Names of lower-case letters, the same ones in every run. */
function* names(): Generator<ByteString> {
  let state = 1
  for (;;) {
    const codes = Array.from({ length: LENGTH }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return 97 + ((state >>> 16) % 26)
    })
    yield String.fromCharCode(...codes)
  }
}

/** Differences that leave the hash of a name of this length as it is: the hash is linear. */
function differences(count: number): Uint8Array[] {
  const seen = new Map<number, ByteString>()
  const found: Uint8Array[] = []
  for (const name of names()) {
    const other = seen.get(nameHash(name))
    if (other === undefined) {
      seen.set(nameHash(name), name)
      continue
    }
    found.push(toBytes(name).map((byte, i) => byte ^ other.charCodeAt(i)))
    if (found.length === count) return found
  }
  return found
}

/** Names of 12 bytes that begin alike and share one name hash, 2^`bits` of them. */
export function collidingNames(bits: number): ByteString[] {
  const steps = differences(bits)
  for (const start of names()) {
    const all = [toBytes(start)]
    for (const step of steps) all.push(...all.map((name) => name.map((byte, i) => byte ^ step[i])))
    // Letters and their differences may meet in a slash or a NUL.
    if (all.every((name) => !name.includes(0) && !name.includes(0x2f)))
      return all.map((name) => fromBytes(name))
  }
  throw new Error('there is no end of names')
}
