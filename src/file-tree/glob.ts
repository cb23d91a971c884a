/**
 * Shell patterns of paths: `*` and `?` within a name, `[a-z]` and `[!a-z]` for one ASCII character of a set, `**` as
 * a whole part for any number of directories, none included. Everything else stands for itself, a leading dot, too.
 */
import { type ByteString, fromText, toLatin1 } from '../lib/byte-string.ts'

/** Characters of UTF-8 of two bytes and more. */
const LONG_CHARACTER =
  '[\\xc2-\\xdf][\\x80-\\xbf]|[\\xe0-\\xef][\\x80-\\xbf]{2}|[\\xf0-\\xf4][\\x80-\\xbf]{3}'
/** One character of UTF-8, or one byte that is none; names hold no slash. No name can be read as such in two ways. */
const CHARACTER = `(?:[\\0-\\x7f]|${LONG_CHARACTER}|(?!${LONG_CHARACTER})[\\x80-\\xff])`
const SET = /\[(!?)([^\]/]+)\]/y
const ASCII_SET = /^(?:[^\\\x80-\uffff])+$/

/** Whether a part between slashes is a pattern: `**` stands alone, sets are closed and of ASCII characters. */
export function isGlobPart(part: string): boolean {
  return part === '**' || (!part.includes('**') && partPattern(part) !== undefined)
}

/** A part `**`: any number of directories, none included; at the end of a pattern at least one name. */
export const ANY_DEPTH = Symbol('**')

/** A part of a pattern: a name, a regular expression for names, or any depth. */
export type GlobPart = ByteString | RegExp | typeof ANY_DEPTH

/** The parts of a pattern that begins with a slash. */
export function parseGlob(glob: string): GlobPart[] {
  const parts = glob.slice(1).split('/')
  return parts.map((part) => {
    if (part === '**') return ANY_DEPTH
    return /[*?[]/.test(part) ? new RegExp(partPattern(part)!, 's') : fromText(part)
  })
}

/** Whether the names of a path match the parts, all of them. The work grows with parts times names at most. */
export function matchesGlob(parts: readonly GlobPart[], names: readonly ByteString[]): boolean {
  let reached = withEmptyMatches(parts, new Set([0]))
  for (const name of names) {
    const next = new Set<number>()
    for (const at of reached) {
      const part = parts[at]
      if (part === ANY_DEPTH) next.add(at)
      if (part === ANY_DEPTH ? at === parts.length - 1 : matchesPart(part, name)) next.add(at + 1)
    }
    reached = withEmptyMatches(parts, next)
  }
  return reached.has(parts.length)
}

/** With the parts behind a `**`, which may stand for no directory. Parts are added in ascending order. */
function withEmptyMatches(parts: readonly GlobPart[], reached: Set<number>): Set<number> {
  // A set is iterated with what is added meanwhile.
  for (const at of reached) if (parts[at] === ANY_DEPTH && at < parts.length - 1) reached.add(at + 1)
  return reached
}

function matchesPart(part: Exclude<GlobPart, typeof ANY_DEPTH> | undefined, name: ByteString): boolean {
  return part instanceof RegExp ? part.test(toLatin1(name)) : part === name
}

/**
 * A part as a regular expression over byte strings; undefined when it has a set that is none.
 *
 * The piece between two `*` is taken where it occurs first, as a later place would leave less for the rest. The
 * lookahead keeps the engine from backtracking into others, which would never end with many `*`.
 */
function partPattern(part: string): string | undefined {
  const pieces: string[] = []
  for (const piece of splitAtStars(part)) {
    const pattern = piecePattern(piece)
    if (pattern === undefined) return undefined
    pieces.push(pattern)
  }
  const [first, ...others] = pieces
  const last = others.pop()
  if (last === undefined) return `^${first}$`
  const between = others.map((piece, i) => `(?=(${CHARACTER}*?${piece}))\\${i + 1}`)
  return `^${first}${between.join('')}${CHARACTER}*${last}$`
}

/** A `*` in a set stands for itself. */
function splitAtStars(part: string): string[] {
  const pieces = ['']
  for (let at = 0; at < part.length;) {
    SET.lastIndex = at
    const token = (part[at] === '[' ? SET.exec(part)?.[0] : undefined) ?? part[at]
    if (token === '*') pieces.push('')
    else pieces[pieces.length - 1] += token
    at += token.length
  }
  return pieces
}

/** Sets, `?`, and what stands for itself. */
function piecePattern(piece: string): string | undefined {
  let pattern = ''
  for (let at = 0; at < piece.length;) {
    const character = String.fromCodePoint(piece.codePointAt(at)!)
    if (character === '[') {
      SET.lastIndex = at
      const [set, negated, members] = SET.exec(piece) ?? []
      if (set === undefined || !ASCII_SET.test(members) || !isRegExpSet(members)) return undefined
      const inSet = members.replace(/[\^[&~]/g, '\\$&')
      pattern += negated === '!' ? `(?![${inSet}])${CHARACTER}` : `[${inSet}]`
      at += set.length
      continue
    }
    pattern += character === '?' ? CHARACTER : escaped(fromText(character))
    at += character.length
  }
  return pattern
}

/** Ranges must ascend. */
function isRegExpSet(members: string): boolean {
  for (let i = 1; i < members.length - 1; i++) {
    if (members[i] === '-' && members[i - 1] > members[i + 1]) return false
  }
  return true
}

function escaped(bytes: ByteString): string {
  return bytes.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
