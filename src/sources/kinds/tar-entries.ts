import type { SourceEntry } from '../../file-tree/entry.ts'
import { marksItsEnd } from '../../lib/compression-format.ts'
import type { NameTables } from '../../tar/names.ts'
import { readTarEntries } from '../../tar/read/entries.ts'
import type { DecompressOptions } from '../decompress.ts'

export interface TarEntriesOptions {
  /** For messages. */
  source: string
  concatenated?: boolean | undefined
  /** What names of owners stand for; undefined: the numbers count. */
  names?: NameTables | undefined
  /** Bytes that the archive may expand to. */
  maxSize?: number | undefined
}

/** The entries of a tar archive. @param open gives its bytes, decompressed */
export function tarEntries(
  open: (decompression: DecompressOptions) => AsyncIterable<Uint8Array>,
  { source, concatenated, names, maxSize }: TarEntriesOptions,
): AsyncIterable<SourceEntry> {
  let isWhole = false
  const onStart = (start: Uint8Array) => (isWhole = marksItsEnd(start))
  const chunks = open({ onStart, expansion: { maxSize } })
  return readTarEntries(chunks, source, { concatenated, isWhole: () => isWhole, names })
}
