import { wholeContent } from '../../../src/file-tree/file-content.ts'
import type { SourceEntry } from '../../../src/file-tree/entry.ts'
import { NarEncoder } from '../../../src/sources/nix/nar-encoder.ts'

/**
 * The NAR of a tree, as `nix-store --dump` writes it.
 *
 * @param entries of the tree, in the order that `NarEncoder` needs
 */
export async function* writeNar(
  entries: AsyncIterable<SourceEntry>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new NarEncoder()
  for await (const entry of entries) {
    yield encoder.begin(entry)
    if (entry.type !== 'file') continue
    yield* wholeContent(entry)
    yield encoder.endFile(entry)
  }
  yield encoder.end()
}
