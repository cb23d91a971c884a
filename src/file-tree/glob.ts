/**
 * Shell patterns of paths: `*` and `?` within a name, `[a-z]` and `[!a-z]` for one ASCII character of a set, `**` as
 * a whole part for any number of directories, none included. Everything else stands for itself, a leading dot, too.
 */
import { type ByteString, fromText, toLatin1 } from '../lib/byte-string.ts'

/** One character of UTF-8, or one byte that is none; names hold no slash. */
const CHARACTER = '(?:[\\xc2-\\xf4][\\x80-\\xbf]{1,3}|.)'
const SET = /\[(!?)([^\]/]+)\]/y
const ASCII_SET = /^(?:[^\\\x80-\uffff])+$/

/** Whether a part between slashes is a pattern: `**` stands alone, sets are closed and of ASCII characters. */
export function isGlobPart(part: string): boolean {
  return part === '**' || (!part.includes('**') && partPattern(part) !== undefined)
}

/** A part `**`: any number of directories, none included; at the end of a pattern at least one name. */
export const ANY_DEPTH = Symbol('**')

/** What a name must be: this very one, or one that matches. */
export type GlobPart = ByteString | RegExp | typeof ANY_DEPTH

/** The parts of a pattern that begins with a slash. */
export function parseGlob(glob: string): GlobPart[] {
  const parts = glob.slice(1).split('/')
  return parts.map((part) => {
    if (part === '**') return ANY_DEPTH
    return /[*?[]/.test(part) ? new RegExp(`^${partPattern(part)!}$`, 's') : fromText(part)
  })
}

/** Whether the names of a path are what the parts say, all of them. */
export function matchesGlob(parts: readonly GlobPart[], names: readonly ByteString[]): boolean {
  if (parts.length === 0) return names.length === 0
  const [part, ...rest] = parts
  if (part !== ANY_DEPTH) {
    const [name, ...further] = names
    if (name === undefined) return false
    return (part instanceof RegExp ? part.test(toLatin1(name)) : part === name) && matchesGlob(rest, further)
  }
  if (rest.length === 0) return names.length > 0
  return names.some((_, i) => matchesGlob(rest, names.slice(i)))
}

/** A part as a regular expression over byte strings; undefined when it has a set that is none. */
function partPattern(part: string): string | undefined {
  let pattern = ''
  for (let at = 0; at < part.length;) {
    const character = String.fromCodePoint(part.codePointAt(at)!)
    if (character === '[') {
      SET.lastIndex = at
      const [set, negated, members] = SET.exec(part) ?? []
      if (set === undefined || !ASCII_SET.test(members) || !isRegExpSet(members)) return undefined
      const inSet = members.replace(/[\^[&~]/g, '\\$&')
      pattern += negated === '!' ? `(?![${inSet}])${CHARACTER}` : `[${inSet}]`
      at += set.length
      continue
    }
    if (character === '*') pattern += '.*'
    else if (character === '?') pattern += CHARACTER
    else pattern += escaped(fromText(character))
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
