import type { ImageSink } from '../../lib/image-sink.ts'
import { viewOf } from '../../lib/struct.ts'
import { FAT_ENTRY_FORMS } from '../format.ts'
import { clusterOffset, fatOffset, rootOffset } from '../geometry.ts'
import { bootSectors } from './boot-sectors.ts'
import { encodeDirectory } from './directory.ts'
import type { FatLayout } from './plan.ts'
import type { ClusterRun, PlannedFile } from './plan-tree.ts'

/** Entries of a FAT that are encoded and written at once: more than a FAT12 has. */
const ENTRIES_PER_PIECE = 16384

export interface WriteLayoutOptions {
  /** Called with the number of bytes after each piece of file content. */
  onBytes?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Writes a planned volume, front to back. Free clusters are not written.
 *
 * @param sink its offset 0 is the start of the partition
 * @throws InputError when the content of a file is longer or shorter than declared
 */
export async function writeLayout(
  layout: FatLayout,
  sink: ImageSink,
  { onBytes, signal }: WriteLayoutOptions = {},
): Promise<void> {
  const { geometry, directories, files } = layout
  for (const [sector, bytes] of bootSectors(layout)) await sink.write(sector * geometry.sectorSize, bytes)
  for (let copy = 0; copy < geometry.fats; copy++) {
    let offset = fatOffset(geometry, copy)
    for (const piece of fatPieces(layout)) {
      await sink.write(offset, piece)
      offset += piece.length
    }
  }
  for (const directory of directories) {
    signal?.throwIfAborted()
    const records = encodeDirectory(directory, layout)
    const { count, first } = directory.run
    // The root directory of FAT12 and FAT16 lies in no cluster.
    const offset = count === 0 ? rootOffset(geometry) : clusterOffset(geometry, first)
    if (records.length > 0) await sink.write(offset, records)
  }
  for (const file of files) {
    await writeContent(file, clusterOffset(geometry, file.run.first), sink, { onBytes, signal })
  }
}

async function writeContent(
  { content }: PlannedFile,
  start: number,
  sink: ImageSink,
  { onBytes, signal }: WriteLayoutOptions,
): Promise<void> {
  let done = 0
  signal?.throwIfAborted()
  for await (const piece of content.open()) {
    signal?.throwIfAborted()
    if (piece.length === 0) continue
    await sink.write(start + done, piece)
    done += piece.length
    onBytes?.(piece.length)
  }
}

/** The used part of a FAT. A piece is valid until the next one is requested. */
function* fatPieces({ geometry, boot, directories, files, nextFree }: FatLayout): Iterable<Uint8Array> {
  const { bits, mask, set } = FAT_ENTRY_FORMS[geometry.type]
  const bytesOf = (entries: number) => Math.ceil((entries * bits) / 8)
  // The last entry of FAT12 may be in the lower half of the byte that follows it.
  const piece = new Uint8Array(bytesOf(Math.min(ENTRIES_PER_PIECE, nextFree)) + (bits === 12 ? 1 : 0))
  const view = viewOf(piece)
  let count = 0
  const runs = [...directories, ...files].map(({ run }) => run)
  for (const entry of fatEntries(runs, { media: boot.media, mask })) {
    set(view, Math.floor((count * bits) / 8), count, entry)
    if (++count === ENTRIES_PER_PIECE) {
      yield piece.subarray(0, bytesOf(count))
      count = 0
    }
  }
  if (count > 0) yield piece.subarray(0, bytesOf(count))
}

/** The entries of the FAT in order. The runs follow each other from the first cluster on. */
function* fatEntries(
  runs: readonly ClusterRun[],
  { media, mask }: { media: number; mask: number },
): Iterable<number> {
  // All ones end a chain; and in the second entry they are "cleanly unmounted, without errors".
  yield ((mask & ~0xff) | media) >>> 0
  yield mask
  for (const { first, count } of runs) {
    for (let cluster = first + 1; cluster < first + count; cluster++) yield cluster
    if (count > 0) yield mask
  }
}
