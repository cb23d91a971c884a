import type { EntryRules } from '../../file-tree/entry-rules.ts'
import { toDisplay } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import type { BtrfsPlan } from '../../spec/plan.ts'

/**
 * Patterns are for what there is, and what is left out need not be there. But who changes one path knows that it
 * is there, or mistypes it.
 *
 * @returns JSON paths of the rules that were for nothing
 * @throws InputError when one of them changes a path
 */
export function unusedRulesOf(rules: EntryRules | undefined, { number }: BtrfsPlan): string[] {
  const unused = (rules?.unused() ?? []).map(({ index, for: whom, exclude }) => ({
    jsonPath: `partitions[${number - 1}].paths[${index}]`,
    missing: 'path' in whom && !exclude ? toDisplay(`/${whom.path}`) : undefined,
  }))
  const wrong = unused.find(({ missing }) => missing !== undefined)
  if (wrong !== undefined) {
    throw new InputError('the sources have nothing there', { source: wrong.jsonPath, entry: wrong.missing })
  }
  return unused.map(({ jsonPath }) => jsonPath)
}
