import * as z from 'zod/mini'
import type { Entry, Timestamp } from '../../file-tree/entry.ts'
import { isIterable } from '../../file-tree/entry-values.ts'
import { expected } from '../messages.ts'
import { sourceKeys, type SourceKeysSpec, type SourceKind } from './common.ts'

/**
 * Entries made by a program as a source. Only in the API, not in JSON.
 *
 * @example
 * { entries: [{ path: '/etc/hostname', type: 'file', content: 'pi\n' }] }
 */
export interface EntriesSourceSpec extends SourceKeysSpec {
  /**
   * Entries, or a function that returns them. An iterator serves one partition; for several, give a function.
   */
  entries: EntrySource
}

/** Entries, or a function, which may be asynchronous, that gives them anew with each call. */
export type EntrySource =
  | Iterable<Entry>
  | AsyncIterable<Entry>
  | (() => Iterable<Entry> | AsyncIterable<Entry> | Promise<Iterable<Entry> | AsyncIterable<Entry>>)

export interface EntriesSourcePlan {
  kind: 'entries'
  /** For messages. */
  name: string
  entries: EntrySource
  /** Time of entries that have none. */
  time: Timestamp
}

/** Entries that a program will make. */
export interface PlannedEntriesSource {
  kind: 'entries'
}

/** Whether a value can be iterated, or is a function; what that gives is known when it is called. */
function isEntrySource(value: unknown): boolean {
  return typeof value === 'function' || isIterable(value)
}

/**
 * The keys of this kind of source, and what becomes of them.
 *
 * @internal the schema library is no part of the declarations
 */
export const entriesSource = {
  schema: z.strictObject({
    entries: z
      .custom<EntrySource>(
        isEntrySource,
        expected('entries that can be iterated, or a function that gives them'),
      )
      .check(z.describe('Entries made by a program.')),
    ...sourceKeys,
  }),
  resolve: ({ entries }, { name, time }) => ({ kind: 'entries', name, entries, time }),
  show: () => ({ kind: 'entries' }),
} satisfies SourceKind<EntriesSourceSpec, EntriesSourcePlan, PlannedEntriesSource>
