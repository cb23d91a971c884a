import { toText, type ByteString } from '../lib/byte-string.ts'
import { toCodePageByte, type CodePage } from './code-page.ts'
import { MAX_LONG_NAME, NAME_DELETED, NAME_KANJI_E5, NT_LOWER_BASE, NT_LOWER_EXTENSION } from './format.ts'

/** The stored form of a name. */
export interface StoredName {
  /** The short name as it is on disk: 11 bytes, padded with spaces, without the dot. */
  short: ByteString
  ntCase: number
  /** The name for long entries; undefined when the short name is enough. */
  long: string | undefined
}

const FORBIDDEN = /["*/:<>?\\|\x00-\x1f]/

/** The reason why FAT cannot hold a name, as the end of a sentence about it; undefined when it can. */
export function nameProblem(name: ByteString): string | undefined {
  const text = toText(name)
  if (text === undefined) return 'is not UTF-8, which FAT names must be'
  if (text === '') return 'is empty'
  if (text.length > MAX_LONG_NAME) {
    return `is ${text.length} UTF-16 units long, but FAT names are at most ${MAX_LONG_NAME}`
  }
  const forbidden = FORBIDDEN.exec(text)
  if (forbidden) return `contains ${JSON.stringify(forbidden[0])}, which FAT names cannot contain`
  // Windows removes them, so such a file cannot be opened there. '.' and '..' are among these names.
  if (/[. ]$/.test(text)) return 'ends in a dot or a space, which FAT names cannot'
  return undefined
}

/**
 * FAT ignores case: names with the same key are the same name. As in the upper-case tables of Windows, a character maps
 * to one character, and none outside of ASCII maps into ASCII.
 */
export function caseKey(name: string): string {
  let key = ''
  for (let i = 0; i < name.length; i++) {
    const upper = name[i].toUpperCase()
    key += upper.length === 1 && !(name[i] > '\x7f' && upper <= '\x7f') ? upper : name[i]
  }
  return key
}

/** A name in one case: to FAT it stays the same name, with the same key ({@link caseKey}). */
export function inCase(name: string, nameCase: 'upper' | 'lower'): string {
  const upper = caseKey(name)
  if (nameCase === 'upper') return upper
  let lower = ''
  for (let i = 0; i < name.length; i++) {
    const letter = name[i].toLowerCase()
    lower += caseKey(letter) === upper[i] ? letter : name[i]
  }
  return lower
}

/** The 11 bytes of a short name or label, whose first one is escaped on disk when it is 0xe5. */
export function unescapeShortName(stored: ByteString): ByteString {
  return stored.charCodeAt(0) === NAME_KANJI_E5
    ? `${String.fromCharCode(NAME_DELETED)}${stored.slice(1)}`
    : stored
}

/** A short name in bytes, apart from its case. (FATGEN, "Naming Convention") */
const SHORT_NAME =
  /^([A-Za-z0-9$%'\-_@~`!(){}^#&\x80-\xff]{1,8})(?:\.([A-Za-z0-9$%'\-_@~`!(){}^#&\x80-\xff]{1,3}))?$/
const NOT_IN_SHORT_NAME = /[^A-Z0-9$%'\-_@~`!(){}^#&]/g

function pad(base: string, extension: string): string {
  const short = base.padEnd(8) + extension.padEnd(3)
  // A first byte of 0xe5 would mark a deleted entry.
  return short.charCodeAt(0) === NAME_DELETED
    ? `${String.fromCharCode(NAME_KANJI_E5)}${short.slice(1)}`
    : short
}

const upperAscii = (text: string) => text.replace(/[a-z]/g, (letter) => letter.toUpperCase())

/**
 * Decides how the names of one directory are stored, as Windows and Linux do: a name of the 8.3 form, apart from its
 * case, is its own short name; all others get `NAME~1.EXT`, with the lowest number that no name of the directory has.
 *
 * @param names possible names ({@link nameProblem}) with different keys ({@link caseKey})
 * @param codePage of characters in short names that are not ASCII; undefined: they become `_`
 */
export function storedNames(names: readonly ByteString[], codePage?: CodePage): StoredName[] {
  const stored = names.map((name) => ofShortForm(toText(name)!, codePage))
  const taken = new Set<ByteString>()
  for (const name of stored) if (name) taken.add(name.short)
  const nextNumber = new Map<string, number>()
  return stored.map((name, i) => {
    if (name) return name
    const long = toText(names[i])!
    return { short: alias(long, { taken, nextNumber, codePage }), ntCase: 0, long }
  })
}

/** The case of the letters in a part of a name. */
function caseOf(part: string): 'lower' | 'upper' | 'mixed' {
  if (part === part.toUpperCase()) return 'upper'
  return part === part.toLowerCase() ? 'lower' : 'mixed'
}

function ofShortForm(text: string, codePage: CodePage | undefined): StoredName | undefined {
  const bytes = encoded(text, codePage)
  const match = bytes === undefined ? null : SHORT_NAME.exec(bytes)
  if (!match) return undefined
  const [, base, extension = ''] = match
  const short = pad(upperAscii(base), upperAscii(extension))
  const [baseCase, extensionCase] = [caseOf(base), caseOf(extension)]
  // A long name is right whatever code page a reader takes the short one for.
  if (bytes !== text || baseCase === 'mixed' || extensionCase === 'mixed') {
    return { short, ntCase: 0, long: text }
  }
  const ntCase =
    (baseCase === 'lower' ? NT_LOWER_BASE : 0) | (extensionCase === 'lower' ? NT_LOWER_EXTENSION : 0)
  return { short, ntCase, long: undefined }
}

/** A name with the bytes of the code page in place of characters that are not ASCII; undefined: it lacks one of them. */
function encoded(text: string, codePage: CodePage | undefined): string | undefined {
  let isComplete = true
  const bytes = text.replace(/[^\0-\x7f]/g, (character) => {
    const byte = shortByte(character, codePage)
    if (byte === undefined) isComplete = false
    return byte ?? ''
  })
  return isComplete ? bytes : undefined
}

/** A character that is not ASCII, in upper case as all of a short name is. */
function shortByte(character: string, codePage: CodePage | undefined): string | undefined {
  return codePage && toCodePageByte(caseKey(character), codePage)
}

/**
 * Makes a short name for a long one, and adds it to `taken`. (FATGEN, "The Basis-Name Generation Algorithm" and "The
 * Numeric-Tail Generation Algorithm") Characters that short names cannot have become `_`.
 */
function alias(
  long: string,
  {
    taken,
    nextNumber,
    codePage,
  }: { taken: Set<ByteString>; nextNumber: Map<string, number>; codePage: CodePage | undefined },
): string {
  const text = long.replace(/^[. ]+/, '')
  const dot = text.lastIndexOf('.')
  const base = shortCharacters(dot < 0 ? text : text.slice(0, dot), codePage)
  const extension = dot < 0 ? '' : shortCharacters(text.slice(dot + 1), codePage).slice(0, 3)
  for (let digits = 1; ; digits++) {
    const head = base.slice(0, 8 - 1 - digits)
    const series = pad(`${head}~${'#'.repeat(digits)}`, extension)
    let number = nextNumber.get(series) ?? 10 ** (digits - 1)
    while (number < 10 ** digits) {
      const short = pad(`${head}~${number++}`, extension)
      if (taken.has(short)) continue
      taken.add(short)
      nextNumber.set(series, number)
      return short
    }
    nextNumber.set(series, number)
  }
}

function shortCharacters(part: string, codePage: CodePage | undefined): string {
  return upperAscii(part.replace(/[. ]/g, '')).replace(
    NOT_IN_SHORT_NAME,
    (character) => shortByte(character, codePage) ?? '_',
  )
}

/**
 * The reason why FAT cannot hold a volume label, as the end of a sentence about it; undefined when it can. Lower-case
 * letters are allowed: Linux and boot loaders find such labels, although some old systems show them wrong.
 *
 * @param label '' for none
 */
export function labelProblem(label: string): string | undefined {
  if (label.length > 11) return `is ${label.length} characters long, but a FAT label has at most 11`
  const forbidden = /[^\x20-\x7e]|["*+,./:;<=>?[\\\]|]/u.exec(label)
  if (forbidden) return `contains ${JSON.stringify(forbidden[0])}, which a FAT label cannot contain`
  if (/^ | $/.test(label)) return 'begins or ends with a space, which a FAT label cannot keep'
  return undefined
}
