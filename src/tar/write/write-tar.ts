import { checkedContent } from '../../file-tree/content-length.ts'
import type { Entry, SourceEntry, Timestamp } from '../../file-tree/entry.ts'
import { isTimestamp, TIME_EXPECTED, timestampOf } from '../../file-tree/entry-values.ts'
import { contentLength } from '../../file-tree/file-content.ts'
import { sourceEntries } from '../../file-tree/source-entries.ts'
import { toDisplay } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import { checkOptions, TEXT, type OptionTable } from '../../lib/options.ts'
import type { TarMember } from './member.ts'
import { TarWriter } from './writer.ts'

export interface WriteTarOptions {
  /** Name of the entries' source in messages, where they have no `origin`. Default: `entries`. */
  name?: string
  /** Time of entries that have none. Default: 1970. */
  time?: Timestamp | Date
}

const WRITE_TAR_OPTIONS: OptionTable<WriteTarOptions> = {
  name: TEXT,
  time: {
    expected: TIME_EXPECTED,
    accepts: (value) => (value instanceof Date ? !Number.isNaN(value.getTime()) : isTimestamp(value)),
  },
}

/**
 * Writes a tar archive in the pax format: ustar headers, and pax records for all that these cannot hold (long names
 * and names that are not ASCII, large numbers, nanoseconds, extended attributes, maps of sparse files). The same
 * entries give the same bytes.
 *
 * @param entries are read one by one and written in their order; a hard link comes after its target
 * @returns the archive in pieces of up to 512 KiB, which are not used again
 * @throws InputError that names the entry: a mistake in it, content that is shorter or longer than declared, a socket,
 *   which no archive can hold
 * @throws TypeError when an option is wrong
 * @example
 * const archive = await Array.fromAsync(writeTar([{ path: 'etc/hostname', type: 'file', content: 'pi\n' }]))
 */
export async function* writeTar(
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  options: WriteTarOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  checkOptions('writeTar', options, WRITE_TAR_OPTIONS)
  const { name = 'entries', time = { sec: 0, nsec: 0 } } = options
  const chunks: Uint8Array[] = []
  const writer = new TarWriter({
    keepsChunks: true,
    write(chunk) {
      if (chunk.length > 0) chunks.push(chunk)
      return Promise.resolve()
    },
  })
  for await (const entry of sourceEntries(entries, { source: name, time: timestampOf('time', time) })) {
    writer.member(memberOf(entry))
    if (entry.type !== 'file') continue
    for await (const piece of checkedContent(entry)) {
      writer.content(piece)
      await writer.flush()
      yield* chunks.splice(0)
    }
    writer.pad(contentLength(entry))
  }
  await writer.finish()
  yield* chunks
}

function memberOf(entry: SourceEntry): TarMember {
  if (entry.type === 'socket') throw fail('a tar archive cannot hold a socket', entry)
  if (entry.path === '' && entry.type !== 'directory') throw fail('the root can only be a directory', entry)
  return entry as TarMember
}

function fail(message: string, { origin: { source, offset }, path }: SourceEntry): InputError {
  return new InputError(message, { source, entry: toDisplay(path), ...(offset !== undefined && { offset }) })
}
