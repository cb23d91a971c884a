/**
 * Few combinations of option values in which every single value, or every pair of values of two options, occurs: most
 * mistakes in how options work together need no more than two of them. The same input gives the same combinations.
 */

/** Name of an option -> its values; the first stands for the option not being given. */
export type OptionTable = Readonly<Record<string, readonly string[]>>
/** Name of an option -> the value it has. */
export type Combination = Readonly<Record<string, string>>

/** What a combination has to hold to count as covering it: one value, or two of different options. */
type Target = readonly (readonly [option: string, value: string])[]

export type IsValid = (combination: Combination) => boolean | Promise<boolean>

/** All single values (strength 1) or pairs (strength 2) of a table. */
export function targetsOf(table: OptionTable, strength: 1 | 2): Target[] {
  const singles = Object.entries(table).flatMap(([option, values]) =>
    values.map((value) => [option, value] as const),
  )
  if (strength === 1) return singles.map((single) => [single])
  return singles.flatMap((a, i) => singles.slice(i + 1).flatMap((b) => (a[0] === b[0] ? [] : [[a, b]])))
}

/** Answers each question once. */
function remembering(isValid: IsValid): (combination: Combination) => Promise<boolean> {
  const known = new Map<string, Promise<boolean>>()
  return (combination) => {
    const key = JSON.stringify(combination)
    let answer = known.get(key)
    if (answer === undefined) known.set(key, (answer = Promise.resolve(isValid(combination))))
    return answer
  }
}

/**
 * A valid combination with these values, if there is one in which all other options, or all but one, are not
 * given.
 */
async function completed(
  partial: Combination,
  table: OptionTable,
  isValid: (combination: Combination) => Promise<boolean>,
): Promise<Combination | undefined> {
  // Always in the order of the table: then equal combinations are equal texts.
  const whole: Combination = Object.fromEntries(
    Object.entries(table).map(([option, [first]]) => [option, partial[option] ?? first]),
  )
  if (await isValid(whole)) return whole
  for (const [option, values] of Object.entries(table)) {
    if (option in partial) continue
    for (const value of values.slice(1)) {
      const other = { ...whole, [option]: value }
      if (await isValid(other)) return other
    }
  }
  return undefined
}

/** The targets that some valid combination holds. */
export async function validTargets(table: OptionTable, strength: 1 | 2, isValid: IsValid): Promise<Target[]> {
  const check = remembering(isValid)
  const valid: Target[] = []
  for (const target of targetsOf(table, strength)) {
    if (await completed(Object.fromEntries(target), table, check)) valid.push(target)
  }
  return valid
}

/**
 * Greedy: each combination starts with the first target that is not covered, and takes for one option after the other the
 * value that covers most of what is left, as long as a valid combination can come of it.
 */
export async function cover(table: OptionTable, strength: 1 | 2, isValid: IsValid): Promise<Combination[]> {
  const check = remembering(isValid)
  const combinations: Combination[] = []
  let left = await validTargets(table, strength, check)
  while (left.length > 0) {
    let chosen: Combination = Object.fromEntries(left[0])
    for (const [option, values] of Object.entries(table)) {
      if (option in chosen) continue
      const gain = (value: string) => {
        const next = { ...chosen, [option]: value }
        const isNew = (target: Target) =>
          target.some(([name]) => name === option) && target.every(([name, wanted]) => next[name] === wanted)
        return left.filter(isNew).length
      }
      // Sorting is stable: of equal ones the first of the table.
      const best = values.map((value) => ({ value, gain: gain(value) })).sort((a, b) => b.gain - a.gain)
      let next: Combination | undefined
      for (const { value } of best) {
        next = { ...chosen, [option]: value }
        if (await completed(next, table, check)) break
        next = undefined
      }
      if (next === undefined) throw new Error(`no value of ${option} goes with ${JSON.stringify(chosen)}`)
      chosen = next
    }
    const combination = (await completed(chosen, table, check))!
    combinations.push(combination)
    left = left.filter((target) => !target.every(([option, value]) => combination[option] === value))
  }
  return combinations
}
