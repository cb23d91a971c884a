/** Streams of `btrfs send` as the entries of a source. */
import type { SourceEntry } from '../../file-tree/entry.ts'
import { SpoolStore } from './content-store.ts'
import { receivedEntries, type ReceivedEntriesOptions } from './received-entries.ts'
import { SendReceiver } from './receiver.ts'

/** A file or pipe with one stream or several. */
export interface SendInput {
  /** Its name in messages. */
  source: string
  /** Pieces of any size, valid until the next is asked for. */
  chunks: AsyncIterable<Uint8Array>
}

/**
 * The entries of the last subvolume that streams bring: each of them is full, or incremental to one before. All streams are
 * read before the first entry comes; what cannot be read again is kept in a temporary file meanwhile.
 *
 * @throws InputError that names the stream and the offset of a command that is damaged, unknown, or cannot be done
 */
export async function* readSendEntries(
  streams: Iterable<SendInput>,
  options: Omit<ReceivedEntriesOptions, 'source'>,
): AsyncGenerator<SourceEntry, void, undefined> {
  const spool = new SpoolStore()
  try {
    const receiver = new SendReceiver(spool)
    let last = ''
    for (const { source, chunks } of streams) {
      await receiver.receive(chunks, source)
      last = source
    }
    yield* receivedEntries(receiver.subvolume, { ...options, source: last })
  } finally {
    await spool.close()
  }
}
