import type { ByteSource } from '../lib/byte-source.ts'

/**
 * A source that keeps what was read of it, for reads that are repeated with the same range. Only for a few small
 * ranges, such as those of a partition table.
 */
export function keepReads(source: ByteSource): ByteSource {
  const kept = new Map<string, Uint8Array>()
  return {
    size: source.size,
    async read(offset, length) {
      const key = `${offset} ${length}`
      let bytes = kept.get(key)
      if (bytes === undefined) kept.set(key, (bytes = await source.read(offset, length)))
      // The caller may keep and change what it is given.
      return bytes.slice()
    },
  }
}
