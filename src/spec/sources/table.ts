/** The table of the kinds of sources, and the schema of a source of any kind. */
import type * as z from 'zod/mini'
import { nearestName } from '../../lib/nearest-name.ts'
import { dispatch } from '../schema/dispatch.ts'
import { found } from '../messages.ts'
import { resolveSourceKeys, showSourceKeys, type SourceContext, type SourceKind } from './common.ts'
import { directorySource } from './directory.ts'
import { entriesSource } from './entries.ts'
import { filesSource } from './files.ts'
import { PROGRAM_KINDS } from './kinds.ts'
import { narSource } from './nar.ts'
import { nixSource } from './nix.ts'
import { ociSource } from './oci.ts'
import { sendSource } from './send.ts'
import { tarSource } from './tar.ts'
import { zenfsSource } from './zenfs.ts'
import type { PlannedSource, PlannedSourceKind, SourceKindPlan, SourcePlan, SourceSpec } from './types.ts'

/** By the key that makes a source one of the kind. */
export const SOURCE_KINDS = {
  tar: tarSource,
  directory: directorySource,
  nix: nixSource,
  nar: narSource,
  oci: ociSource,
  send: sendSource,
  files: filesSource,
  entries: entriesSource,
  zenfs: zenfsSource,
}

type AnySourceKind = SourceKind<SourceSpec, SourceKindPlan, PlannedSourceKind>

const kindNamed = (name: string) => SOURCE_KINDS[name as keyof typeof SOURCE_KINDS] as AnySourceKind
const NAMES = Object.keys(SOURCE_KINDS)
const quoted = (names: readonly string[]) => names.map((name) => JSON.stringify(name)).join(', ')

/** The kinds of which a source has the key: one, if it is right. */
const kindsOf = (spec: object) =>
  NAMES.filter((name) => (spec as Record<string, unknown>)[name] !== undefined)

const DESCRIPTION =
  "A source of content. The key that is its kind decides which others it has; paths are relative to the description's file."

/** The kind's own schema checks a source, so that messages are about its keys alone. */
export const source = dispatch<SourceSpec>(DESCRIPTION, schemaOf, () =>
  NAMES.filter((name) => !PROGRAM_KINDS.includes(name)).map((name) => kindNamed(name).schema),
)

function schemaOf(input: unknown): z.ZodMiniType | string {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return `expected an object, found ${found(input)}`
  }
  const [name, other] = kindsOf(input)
  if (other !== undefined) return `has both "${name}" and "${other}": split it into two sources`
  if (name !== undefined) return kindNamed(name).schema
  const known = quoted(NAMES.filter((each) => !PROGRAM_KINDS.includes(each)))
  const nearest = Object.keys(input).flatMap((key) => nearestName(key, NAMES) ?? [])
  if (nearest.length > 0) return `needs one of ${known}; did you mean "${nearest[0]}"?`
  return `needs one of ${known} (in a program also ${quoted(PROGRAM_KINDS)})`
}

export function resolveSource(spec: SourceSpec, context: SourceContext): SourcePlan {
  return { ...kindNamed(kindsOf(spec)[0]).resolve(spec, context), ...resolveSourceKeys(spec, context) }
}

export function showSource(plan: SourcePlan): PlannedSource {
  return { ...kindNamed(plan.kind).show(plan), ...showSourceKeys(plan) }
}
