/**
 * What is taken of a source, and what it becomes, said once more: on arrays of names, with a matcher that tries all, and
 * permissions as sets of letters. Written from docs/reference/sources.md and chmod(1), not from the product.
 */
import type { SourceKeysSpec } from '../../../src/spec/sources/common.ts'

/** Paths are text without a slash at either end; '' is the root. */
export interface ModelEntry {
  path: string
  type: 'directory' | 'file' | 'symlink' | 'hardlink'
  mode: number
  uid: number
  gid: number
  /** Seconds. */
  mtime: number
  target: string
}

export type ModelKeys = Pick<SourceKeysSpec, 'from' | 'strip' | 'include' | 'exclude' | 'owner' | 'mode'> & {
  /** Seconds. */
  clampTime?: number
}

const namesOf = (path: string) => path.split('/').filter((name) => name !== '')

export class SelectionModel {
  readonly #keys: ModelKeys

  constructor(keys: ModelKeys) {
    this.#keys = keys
  }

  /** What is taken, in its order; undefined: it is refused. */
  apply(entries: readonly ModelEntry[]): ModelEntry[] | undefined {
    const taken: ModelEntry[] = []
    /** Directories that only count when something below them does, by their place. */
    const waiting: ModelEntry[] = []
    let isFound = false
    for (const entry of entries) {
      const names = this.placeOf(entry.path)
      if (names === undefined) continue
      isFound = true
      const placed = { ...entry, path: names.join('/') }
      if (this.#isExcluded(names)) continue
      if (!this.#isIncluded(names)) {
        if (entry.type !== 'directory') continue
        const before = waiting.findIndex(({ path }) => path === placed.path)
        if (before !== -1) waiting.splice(before, 1)
        waiting.push(placed)
        continue
      }
      const parents = waiting
        .filter(({ path }) => path === '' || path === placed.path || placed.path.startsWith(`${path}/`))
        .filter(({ path }) => path !== placed.path)
        .sort((a, b) => a.path.length - b.path.length)
      for (const parent of parents) {
        waiting.splice(waiting.indexOf(parent), 1)
        taken.push(this.#changed(parent))
      }
      if (entry.type === 'hardlink') {
        const target = this.placeOf(entry.target)
        if (target === undefined || !this.takes(target)) return undefined
        placed.target = target.join('/')
      }
      taken.push(this.#changed(placed))
    }
    return isFound || namesOf(this.#keys.from ?? '').length === 0 ? taken : undefined
  }

  /** Names of a path below `from`, without the first ones; undefined: there are none. */
  placeOf(path: string): string[] | undefined {
    const names = namesOf(path)
    const from = namesOf(this.#keys.from ?? '')
    const strip = this.#keys.strip ?? 0
    if (from.some((name, i) => names[i] !== name)) return undefined
    const below = names.slice(from.length)
    if (strip === 0) return below
    return below.length > strip ? below.slice(strip) : undefined
  }

  takes(names: readonly string[]): boolean {
    return !this.#isExcluded(names) && this.#isIncluded(names)
  }

  #isExcluded(names: readonly string[]): boolean {
    return covers(this.#keys.exclude ?? [], names)
  }

  #isIncluded(names: readonly string[]): boolean {
    const { include = [] } = this.#keys
    return include.length === 0 || covers(include, names)
  }

  #changed(entry: ModelEntry): ModelEntry {
    const { owner = 'keep', mode, clampTime = Infinity } = this.#keys
    const changed = { ...entry, mtime: Math.min(entry.mtime, clampTime) }
    for (const key of ['uid', 'gid'] as const) {
      const change = owner === 'root' ? 0 : owner === 'keep' ? undefined : owner[key]
      if (typeof change === 'number') changed[key] = change
      else if (change !== undefined && Object.hasOwn(change, String(entry[key])))
        changed[key] = change[String(entry[key])]
    }
    const isDirectory = entry.type === 'directory'
    const forThis = typeof mode === 'object' ? (isDirectory ? mode.directories : mode.files) : mode
    if (forThis !== undefined && entry.type !== 'symlink') {
      changed.mode = changedMode(entry.mode, forThis, isDirectory)
    }
    return changed
  }
}

/** Whether a pattern is for the names, or for the first of them. */
function covers(globs: readonly string[], names: readonly string[]): boolean {
  return globs.some((glob) => names.some((_, i) => matches(namesOf(glob), names.slice(0, i + 1))))
}

function matches([part, ...parts]: readonly string[], names: readonly string[]): boolean {
  if (part === undefined) return names.length === 0
  if (part === '**') {
    if (parts.length === 0) return names.length > 0
    return [...names, ''].some((_, i) => matches(parts, names.slice(i)))
  }
  return names.length > 0 && matchesName(partTokens(part), [...names[0]]) && matches(parts, names.slice(1))
}

type Token = '*' | ((character: string) => boolean)

function partTokens(part: string): Token[] {
  const characters = [...part]
  const tokens: Token[] = []
  while (characters.length > 0) {
    const character = characters.shift()!
    if (character === '*') tokens.push('*')
    else if (character === '?') tokens.push(() => true)
    else if (character === '[') {
      const end = characters.indexOf(']', characters[0] === '!' && characters[1] !== ']' ? 2 : 1)
      tokens.push(setOf(characters.splice(0, end + 1).slice(0, -1)))
    } else tokens.push((other) => other === character)
  }
  return tokens
}

function setOf(members: string[]): (character: string) => boolean {
  const isNegated = members[0] === '!' && members.length > 1
  const rest = isNegated ? members.slice(1) : members
  const all = new Set<string>()
  for (let i = 0; i < rest.length; i++) {
    if (rest[i + 1] !== '-' || i + 2 >= rest.length) {
      all.add(rest[i])
      continue
    }
    for (let code = rest[i].charCodeAt(0); code <= rest[i + 2].charCodeAt(0); code++) {
      all.add(String.fromCharCode(code))
    }
    i += 2
  }
  return (character) => all.has(character) !== isNegated
}

/** All places that the tokens can lead to in the name, one after the other. */
function matchesName(tokens: readonly Token[], characters: readonly string[]): boolean {
  let ends = new Set([0])
  for (const token of tokens) {
    const next = new Set<number>()
    for (const end of ends) {
      if (token === '*') for (let at = end; at <= characters.length; at++) next.add(at)
      else if (end < characters.length && token(characters[end])) next.add(end + 1)
    }
    ends = next
  }
  return ends.has(characters.length)
}

/** Letters of permissions, the lowest bit first. */
const LETTERS = ['ox', 'ow', 'or', 'gx', 'gw', 'gr', 'ux', 'uw', 'ur', 't', 'gs', 'us']

function changedMode(mode: number, change: string, isDirectory: boolean): number {
  if (/^\d+$/.test(change)) return Number(`0o${change}`)
  const has = new Set(LETTERS.filter((_, bit) => ((mode >> bit) & 1) === 1))
  for (const clause of change.split(',')) {
    const start = clause.search(/[-+=]/)
    const given = clause.slice(0, start)
    const who = given === '' || given.includes('a') ? 'ugo' : given
    /** Sticky is for all and for others. */
    const isFor = (letter: string) => (letter === 't' ? who.includes('o') : who.includes(letter[0]))
    for (const operation of clause.slice(start).match(/[-+=][^-+=]*/g)!) {
      const what = operation.slice(1)
      const wanted = LETTERS.filter((letter) => isFor(letter) && asksFor(what, letter, has, isDirectory))
      if (operation.startsWith('=')) {
        // Directories keep setuid and setgid unless "s" is said.
        const keeps = (letter: string) => isDirectory && letter.endsWith('s') && !what.includes('s')
        for (const letter of LETTERS) if (isFor(letter) && !keeps(letter)) has.delete(letter)
      }
      for (const letter of wanted) {
        if (operation.startsWith('-')) has.delete(letter)
        else has.add(letter)
      }
    }
  }
  return LETTERS.reduce((bits, letter, bit) => bits | (has.has(letter) ? 1 << bit : 0), 0)
}

function asksFor(what: string, letter: string, has: ReadonlySet<string>, isDirectory: boolean): boolean {
  const kind = letter.slice(-1)
  if (/^[ugo]$/.test(what)) return kind !== 's' && kind !== 't' && has.has(`${what}${kind}`)
  if (kind === 'x' && what.includes('X') && (isDirectory || ['ux', 'gx', 'ox'].some((x) => has.has(x)))) {
    return true
  }
  return what.includes(kind)
}
