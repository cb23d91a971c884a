/** What contradicts `clamp` of a source. Whether there is a time to clamp to depends on the environment, too. */
import type { SpecIssue } from '../../lib/errors.ts'
import type { Draft } from '../check.ts'
import type { ImageSpec } from '../image-spec.ts'
import { allSources } from './all.ts'

/** @param hasEpoch whether the environment gives a SOURCE_DATE_EPOCH */
export function clampIssues(spec: Draft<ImageSpec> | undefined, hasEpoch: boolean): SpecIssue[] {
  const hasTime = hasEpoch || (spec !== undefined && 'time' in spec)
  return allSources(spec ?? {}).flatMap(({ source, path: at }): SpecIssue[] => {
    if (source?.clamp !== true) return []
    const path = `${at}.clamp`
    if ('clampTime' in source) {
      return [{ path, message: 'contradicts "clampTime": leave one of them out' }]
    }
    if (hasTime) return []
    const message = 'needs a "time" in the description, or SOURCE_DATE_EPOCH in the environment'
    return [{ path, message }]
  })
}
