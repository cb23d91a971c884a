/** Names as mtree(5) writes them: vis(3) escapes of BSD, and octal digits. */
import type { ByteString } from '../../lib/byte-string.ts'

/** Escapes of vis(3) with VIS_CSTYLE. */
const LETTERS: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, s: 32, '0': 0, E: 27 }
const ESCAPE = /\\(?:([0-7]{3})|M-(.)|M\^(.)|\^(.)|x([0-9a-fA-F]{2})|(.)|$)/gs

/**
 * The bytes of an encoded name.
 *
 * @returns undefined when a backslash escapes nothing that vis(3) knows
 */
export function unvis(text: ByteString): ByteString | undefined {
  if (!text.includes('\\')) return text
  let isWrong = false
  const decoded = `${text}`.replace(
    ESCAPE,
    (
      _,
      octal?: string,
      meta?: string,
      metaControl?: string,
      control?: string,
      hex?: string,
      other?: string,
    ) => {
      const byte =
        octal !== undefined
          ? parseInt(octal, 8)
          : meta !== undefined
            ? meta.charCodeAt(0) | 0x80
            : metaControl !== undefined
              ? controlCode(metaControl) | 0x80
              : control !== undefined
                ? controlCode(control)
                : hex !== undefined
                  ? parseInt(hex, 16)
                  : codeOf(other)
      if (byte === undefined || byte > 0xff) isWrong = true
      return String.fromCharCode(byte ?? 0)
    },
  )
  return isWrong ? undefined : decoded
}

const controlCode = (letter: string) => (letter === '?' ? 0x7f : letter.charCodeAt(0) & 0x1f)

function codeOf(letter: string | undefined): number | undefined {
  // A backslash at the end escapes nothing.
  if (letter === undefined) return undefined
  if (/[a-zA-Z0-9]/.test(letter)) return LETTERS[letter]
  return letter.charCodeAt(0)
}
