/** The keys that sources of all kinds have, and what a kind of source is. */
import type * as z from 'zod'
import type { Timestamp } from '../../file-tree/entry.ts'
import type { ByteString } from '../../lib/byte-string.ts'
import { toTreePath } from '../tree-path.ts'
import { path } from '../values.ts'

/** Keys of sources of all kinds. */
export interface SourceKeysSpec {
  /** Path in the partition below which the source's root is put. Default: `/`. */
  to?: string
}

/** Common keys with everything decided. */
export interface SourceKeysPlan {
  /** Path below which the source's root is put; '' is the partition's root. */
  to: ByteString
}

export const sourceKeys = {
  to: path
    .optional()
    .describe("Path in the partition below which the source's root is put.")
    .meta({ default: '/' }),
}

export function resolveSourceKeys({ to = '/' }: SourceKeysSpec): SourceKeysPlan {
  return { to: toTreePath(to) }
}

/** What resolving a source needs besides its description. */
export interface SourceContext {
  /** Its JSON path, for messages about what has no other name. */
  name: string
  /** Time of what has none of its own. */
  time: Timestamp
  resolvePath: (path: string) => string
}

/** A kind of source: its keys in the description, and what becomes of them. The common keys are not its business. */
export interface SourceKind<Spec, Plan, Planned> {
  /** All keys, the common ones included. */
  schema: z.ZodObject
  resolve(spec: Spec, context: SourceContext): Plan
  /** The plan as `planImage` shows it. */
  show(plan: Plan): Planned
}
