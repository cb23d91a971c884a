/**
 * Matches the rules of a description with paths, directory by directory: below each one, only the rules that can still
 * match there are looked at, which mostly are none.
 */
import { ANY_DEPTH, parseGlob, type GlobPart } from './glob.ts'
import { type ByteString, toLatin1 } from '../lib/byte-string.ts'
import { mergeRules, type EntryChanges } from './entry-changes.ts'
import type { EntryRulePlan } from './entry-rule.ts'

/** A rule of which the parts before `part` have matched the directories above. */
interface Pending {
  rule: number
  part: number
}

export class EntryRules {
  /** Rules for the names in the root directory. */
  readonly scope: RuleScope
  /** Changes to the root directory itself. */
  readonly rootChanges: EntryChanges | undefined
  /** Whether any rule leaves something out. */
  readonly exclude: boolean
  readonly #rules: readonly EntryRulePlan[]
  readonly #compiled: CompiledRules

  constructor(rules: readonly EntryRulePlan[]) {
    this.#rules = rules
    this.#compiled = new CompiledRules(rules)
    this.exclude = rules.some(({ exclude }) => exclude)
    const forAll = [...rules.keys()].filter((rule) => this.#compiled.parts[rule].length === 0)
    const others = [...rules.keys()].filter((rule) => this.#compiled.parts[rule].length > 0)
    this.rootChanges = this.#compiled.changes(forAll)
    this.scope = new RuleScope(
      this.#compiled,
      forAll,
      others.map((rule) => ({ rule, part: 0 })),
    )
  }

  /** The rules that matched no entry. */
  unused(): EntryRulePlan[] {
    return this.#rules.filter((_, rule) => !this.#compiled.used.has(rule))
  }
}

/** Rules in the form in which all scopes use them. */
class CompiledRules {
  readonly parts: readonly GlobPart[][]
  readonly used = new Set<number>()
  readonly #rules: readonly EntryRulePlan[]
  readonly #merged = new Map<string, EntryChanges>()

  constructor(rules: readonly EntryRulePlan[]) {
    this.#rules = rules
    this.parts = rules.map(({ for: whom }) => {
      if ('glob' in whom) return parseGlob(whom.glob)
      return whom.path === '' ? [] : whom.path.split('/')
    })
  }

  /** A path is for all below it, too. */
  isForAllBelow(rule: number): boolean {
    return 'path' in this.#rules[rule].for
  }

  /** The changes of several rules, merged. */
  changes(rules: readonly number[]): EntryChanges | undefined {
    if (rules.length === 0) return undefined
    for (const rule of rules) this.used.add(rule)
    const key = rules.join(' ')
    let merged = this.#merged.get(key)
    if (merged === undefined) {
      merged = mergeRules(rules.map((rule) => this.#rules[rule]))
      this.#merged.set(key, merged)
    }
    return merged
  }
}

/** Rules for the names in one directory. */
export class RuleScope {
  readonly #compiled: CompiledRules
  /** Rules for all that is below. */
  readonly #forAll: readonly number[]
  readonly #literals = new Map<ByteString, Pending[]>()
  readonly #patterns: (Pending & { pattern: RegExp })[] = []
  readonly #anyDepth: Pending[] = []
  readonly #count: number
  /** Changes to names that only `**` matches; computed when first needed. */
  #otherChanges: EntryChanges | undefined | null = null
  #otherScope: RuleScope | undefined

  constructor(compiled: CompiledRules, forAll: readonly number[], pending: readonly Pending[]) {
    this.#compiled = compiled
    this.#forAll = forAll
    const all = closure(compiled, pending)
    this.#count = all.length
    for (const { rule, part } of all) {
      const expected = compiled.parts[rule][part]
      if (expected === ANY_DEPTH) this.#anyDepth.push({ rule, part })
      else if (expected instanceof RegExp) this.#patterns.push({ rule, part, pattern: expected })
      else {
        const known = this.#literals.get(expected)
        if (known === undefined) this.#literals.set(expected, [{ rule, part }])
        else known.push({ rule, part })
      }
    }
  }

  /** Changes to an entry of this name; undefined: none. */
  changesOf(name: ByteString): EntryChanges | undefined {
    const hits = this.#hits(name)
    if (hits.length > 0) return this.#compiled.changes(this.#matched(hits))
    if (this.#otherChanges === null) this.#otherChanges = this.#compiled.changes(this.#matched([]))
    return this.#otherChanges
  }

  /** Rules for the names in the directory of this name. */
  below(name: ByteString): RuleScope {
    const hits = this.#hits(name)
    return hits.length > 0 ? this.#scopeAfter(hits) : (this.#otherScope ??= this.#scopeAfter([]))
  }

  /** Rules with a part for this very name. */
  #hits(name: ByteString): readonly Pending[] {
    let hits: readonly Pending[] = (this.#literals.size > 0 ? this.#literals.get(name) : undefined) ?? NONE
    for (const candidate of this.#patterns) {
      if (candidate.pattern.test(toLatin1(name))) hits = [...hits, candidate]
    }
    return hits
  }

  #isLast({ rule, part }: Pending): boolean {
    return part === this.#compiled.parts[rule].length - 1
  }

  #matched(hits: readonly Pending[]): number[] {
    const last = [...hits, ...this.#anyDepth].filter((pending) => this.#isLast(pending))
    return [...new Set([...this.#forAll, ...last.map(({ rule }) => rule)])].sort((a, b) => a - b)
  }

  #scopeAfter(hits: readonly Pending[]): RuleScope {
    const whole = hits.filter((hit) => this.#isLast(hit) && this.#compiled.isForAllBelow(hit.rule))
    const forAll = [...this.#forAll, ...whole.map(({ rule }) => rule)]
    const further = hits
      .filter((hit) => !this.#isLast(hit))
      .map(({ rule, part }) => ({ rule, part: part + 1 }))
    const next = new RuleScope(this.#compiled, forAll, [...this.#anyDepth, ...further])
    // All that is pending here is pending below: one scope will do for the whole tree.
    return hits.length === 0 && next.#count === this.#count ? this : next
  }
}

/** Whether a path below the directory of a scope, or anything on the way to it, is left out. */
export function isExcluded(scope: RuleScope, path: ByteString): boolean {
  for (let from = 0; from < path.length;) {
    const slash = path.indexOf('/', from)
    const end = slash === -1 ? path.length : slash
    const name = path.slice(from, end)
    if (scope.changesOf(name)?.exclude) return true
    scope = scope.below(name)
    from = end + 1
  }
  return false
}

const NONE: readonly Pending[] = []

/** Adds what is pending when `**` stands for no directory. */
function closure({ parts }: CompiledRules, pending: readonly Pending[]): Pending[] {
  const all = new Map<string, Pending>()
  const add = ({ rule, part }: Pending) => {
    const key = `${rule} ${part}`
    if (all.has(key)) return
    all.set(key, { rule, part })
    if (parts[rule][part] === ANY_DEPTH && part + 1 < parts[rule].length) add({ rule, part: part + 1 })
  }
  pending.forEach(add)
  return [...all.values()]
}
