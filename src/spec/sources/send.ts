import * as z from 'zod/mini'
import type { Timestamp } from '../../file-tree/entry.ts'
import { expected } from '../messages.ts'
import { fileName } from '../schema/values.ts'
import { sourceKeys, type SourceKeysSpec, type SourceKind } from './common.ts'

/** What `btrfs send` has written, as a source. */
export interface SendSourceSpec extends SourceKeysSpec {
  /**
   * A stream of `btrfs send`, of version 1 or 2, plain or compressed; `-` is standard input. Or several: a full one, then
   * incremental ones, each with the subvolume of an earlier one as its parent. The last subvolume is the source.
   */
  send: string | string[]
}

export interface SendSourcePlan {
  kind: 'send'
  /** Absolute; `-` is standard input. */
  paths: readonly string[]
  /** Time of what the streams give none. */
  time: Timestamp
}

/** Streams of `btrfs send` that will be read. */
export interface PlannedSendSource {
  kind: 'send'
  send: string[]
}

const FILES = 'the name of a file, or a list of them'

/**
 * The keys of this kind of source, and what becomes of them.
 *
 * @internal the schema library is no part of the declarations
 */
export const sendSource = {
  schema: z.strictObject({
    send: z
      .union(
        [fileName, z.array(fileName).check(z.minLength(1, expected('at least one stream')))],
        expected(FILES),
      )
      .check(
        z.refine(
          (send) => [send].flat().filter((path) => path === '-').length < 2,
          'standard input can be read once',
        ),
        z.describe(
          'A stream of btrfs send, plain or compressed, or a list of them: a full one, then incremental ones. "-" is standard input.',
        ),
      ),
    ...sourceKeys,
  }),
  resolve: ({ send }, { resolvePath, time }) => ({
    kind: 'send',
    paths: [send].flat().map(resolvePath),
    time,
  }),
  show: ({ paths }) => ({ kind: 'send', send: [...paths] }),
} satisfies SourceKind<SendSourceSpec, SendSourcePlan, PlannedSendSource>
