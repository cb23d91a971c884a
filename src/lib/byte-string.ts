/** Methods of strings that take characters for text. On a string of bytes they give nonsense, or another name. */
type TextMethods =
  | 'codePointAt'
  | 'isWellFormed'
  | 'localeCompare'
  | 'normalize'
  | 'toLocaleLowerCase'
  | 'toLocaleUpperCase'
  | 'toLowerCase'
  | 'toUpperCase'
  | 'toWellFormed'

/**
 * File names are bytes, not text. They are kept as strings whose every character stands for one byte
 * (0 to 255), the `ByteString` of Web IDL: compact in memory, usable as Map keys, compared in byte order by `<`.
 *
 * The compiler refuses one where text is expected: `toText` and `toDisplay` decode it, `lowerCaseAscii` folds it.
 * ASCII literals are byte strings as they are; any other text goes through `fromText`.
 */
export interface ByteString extends Omit<string, TextMethods | 'slice'> {
  slice(start?: number, end?: number): ByteString
}

/** Shorter names are put together faster than they are decoded. */
const MIN_DECODED = 24
/** Most arguments that a call takes without trouble. */
const MAX_ARGUMENTS = 8192

export function fromBytes(bytes: Uint8Array, start = 0, end = bytes.length): ByteString {
  let text = ''
  if (end - start < MIN_DECODED) {
    for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at])
    return text
  }
  if (isAscii(bytes, start, end)) return decoder.decode(bytes.subarray(start, end))
  for (let at = start; at < end; at += MAX_ARGUMENTS) {
    const part = bytes.subarray(at, Math.min(end, at + MAX_ARGUMENTS))
    text += String.fromCharCode.apply(null, part as unknown as number[])
  }
  return text
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] >= 0x80) return false
  return true
}

export function toBytes(text: ByteString): Uint8Array {
  const bytes = new Uint8Array(text.length)
  writeBytes(bytes, 0, text)
  return bytes
}

/** Writes the bytes of `text` at `at`; the target must have room for them. */
export function writeBytes(target: Uint8Array, at: number, text: ByteString): void {
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i)
}

/**
 * A part of a long string, to be kept: by itself it would keep all of that string in memory, but what is joined from
 * several does not. V8 copies parts of less than 13 characters anyway, and has no faster way to copy others.
 */
export function ownCopy(part: ByteString): ByteString {
  return part.length < 13 ? part : [part.slice(0, 1), part.slice(1)].join('')
}

/** The same characters as an ordinary string, one for each byte: for patterns and codecs that work on bytes. */
export function toLatin1(bytes: ByteString): string {
  return bytes as string
}

/** Folds A to Z, as case-insensitive file systems and boot firmware compare ASCII names; other bytes stay. */
export function lowerCaseAscii(bytes: ByteString): ByteString {
  return toLatin1(bytes).replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

const ASCII = /^[\x00-\x7f]*$/
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The UTF-8 bytes of ordinary text. */
export function fromText(text: string): ByteString {
  return ASCII.test(text) ? text : fromBytes(encoder.encode(text))
}

/** The text whose UTF-8 encoding these bytes are, or undefined when they are not UTF-8. */
export function toText(bytes: ByteString): string | undefined {
  if (ASCII.test(toLatin1(bytes))) return toLatin1(bytes)
  try {
    return strictDecoder.decode(toBytes(bytes))
  } catch {
    return undefined
  }
}

const NOT_PRINTABLE = /[^\x20-\x7e]/g
/** Characters that a terminal obeys or that are invisible: controls (C0, DEL, C1), line ends, writing directions. */
const UNSEEN = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** For messages: visible UTF-8 text as it is, every other byte as `\xNN`. */
export function toDisplay(bytes: ByteString): string {
  const text = toText(bytes)
  if (text === undefined) return escaped(bytes)
  return text.replace(UNSEEN, (character) => escaped(fromText(character)))
}

function escaped(bytes: ByteString): string {
  return bytes.replace(NOT_PRINTABLE, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
