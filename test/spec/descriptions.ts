/** Descriptions for tests: a good one, and changes to it. */
import { resolvePlan, type PlanOptions } from '../../src/build/plan-image.ts'
import { SpecError, type SpecIssue } from '../../src/lib/errors.ts'
import { PRESETS } from '../../src/spec/presets.ts'

// A description as a test changes it: any JSON at all.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Json = any

/** A good description with a FAT32 partition (0) and a BTRFS partition (1), changed by `change`. */
export function description(change: (spec: Json) => void = () => {}): Json {
  const spec = structuredClone(PRESETS['raspberry-pi']({ closure: 'closure.tar', firmware: 'firmware' }))
  change(spec)
  return spec
}

/** What `resolvePlan` finds wrong with a description; [] when it is good. */
export async function issuesOf(spec: unknown, options?: PlanOptions): Promise<readonly SpecIssue[]> {
  try {
    await resolvePlan(spec, options)
    return []
  } catch (error) {
    if (error instanceof SpecError) return error.issues
    throw error
  }
}
