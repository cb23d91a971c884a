import type { EntryRules } from './entry-rules.ts'
import { toDisplay } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'

/**
 * Patterns may match nothing, and paths to leave out may be missing. But a rule that changes one path which does not
 * exist is probably misspelt.
 *
 * @param jsonPath prefix of the rules' JSON paths
 * @returns JSON paths of the rules that matched no entry
 * @throws InputError when one of them changes a path
 */
export function unusedRulesOf(rules: EntryRules | undefined, jsonPath: string): string[] {
  const unused = (rules?.unused() ?? []).map(({ index, for: whom, exclude }) => ({
    jsonPath: `${jsonPath}paths[${index}]`,
    missing: 'path' in whom && !exclude ? toDisplay(`/${whom.path}`) : undefined,
  }))
  const wrong = unused.find(({ missing }) => missing !== undefined)
  if (wrong !== undefined) {
    throw new InputError('no source has an entry at this path', {
      source: wrong.jsonPath,
      entry: wrong.missing,
    })
  }
  return unused.map(({ jsonPath }) => jsonPath)
}
