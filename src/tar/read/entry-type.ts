import type { SourceEntry } from '../../file-tree/entry.ts'

/** Archives have no sockets. */
export type TarEntryType = Exclude<SourceEntry['type'], 'socket'>
