/**
 * ZenFS knows names as text alone. Bytes of those that are not UTF-8 become single halves of surrogate pairs, which no
 * UTF-8 gives, and so are found again: 0x80 is U+DC80. (Python does the same: PEP 383)
 */
import { type ByteString, fromText, toText } from './byte-string.ts'

const HALF = 0xdc00
const HIGH_BYTE = /[\x80-\xff]/g
/** With `u`, halves that are a pair do not match. */
const SINGLE_HALF = /[\udc80-\udcff]/u

export function textOfName(name: ByteString): string {
  return toText(name) ?? name.replace(HIGH_BYTE, (byte) => String.fromCharCode(HALF + byte.charCodeAt(0)))
}

export function bytesOfName(text: string): ByteString {
  if (!SINGLE_HALF.test(text)) return fromText(text)
  return text.replace(/[\udc80-\udcff]/gu, (half) => String.fromCharCode(half.charCodeAt(0) - HALF))
}
