/** SHA-256 hashes in the forms in which Nix writes them. Inside they are 64 hexadecimal digits. */
import { hexBytes, hexText } from '../../lib/hex.ts'

/** The digits of Nix's base 32: no `e`, `o`, `t` and `u`. */
export const BASE32_DIGITS = '0123456789abcdfghijklmnpqrsvwxyz'
const SHA256_BYTES = 32

/**
 * Reads `sha256:` and base 16, base 32 (of Nix) or base 64; the same without the prefix; or SRI, `sha256-` and base 64.
 *
 * @returns hexadecimal digits; undefined when it is none of these
 */
export function parseSha256(text: string): string | undefined {
  const [, prefix, digits] = /^(sha256[:-])?(.*)$/s.exec(text)!
  if (prefix !== 'sha256-') {
    if (/^[0-9a-fA-F]{64}$/.test(digits)) return digits.toLowerCase()
    if (/^[0-9a-z]{52}$/.test(digits)) return fromBase32(digits)
  }
  return fromBase64(digits)
}

/** A hash as messages and signatures have it: `sha256:` and Nix's base 32. */
export function formatSha256(hex: string): string {
  return `sha256:${toBase32(hex)}`
}

/** The last digit comes first, and the first one has the remaining high bits. */
function toBase32(hex: string): string {
  const bytes = hexBytes(hex)
  let text = ''
  for (let n = Math.ceil((bytes.length * 8) / 5) - 1; n >= 0; n--) {
    const at = Math.floor((n * 5) / 8)
    const bits = (bytes[at] | ((bytes[at + 1] ?? 0) << 8)) >> ((n * 5) % 8)
    text += BASE32_DIGITS[bits & 31]
  }
  return text
}

/** As Nix writes it: 43 digits, none of their bits without a meaning, and one `=`. */
function fromBase64(text: string): string | undefined {
  if (!/^[0-9a-zA-Z+/]{43}=$/.test(text)) return undefined
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  return btoa(String.fromCharCode(...bytes)) === text ? hexText(bytes) : undefined
}

function fromBase32(text: string): string | undefined {
  const bytes = new Uint8Array(SHA256_BYTES + 1)
  for (let n = 0; n < text.length; n++) {
    const digit = BASE32_DIGITS.indexOf(text[text.length - 1 - n])
    if (digit < 0) return undefined
    const at = Math.floor((n * 5) / 8)
    const bits = digit << ((n * 5) % 8)
    bytes[at] |= bits & 0xff
    bytes[at + 1] |= bits >> 8
  }
  // 52 digits have room for 260 bits.
  return bytes[SHA256_BYTES] === 0 ? hexText(bytes.subarray(0, SHA256_BYTES)) : undefined
}
