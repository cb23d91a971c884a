/** The code pages of short names and labels. */
import type { ByteString } from '../lib/byte-string.ts'

/** Of DOS in the USA, in which Linux reads short names by default; and of DOS in Western Europe, that of dosfstools. */
export type CodePage = 437 | 850

/** The characters from 0x80 on. */
const UPPER_HALVES: Readonly<Record<CodePage, string>> = {
  437:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀' +
    'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
  850:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀' +
    'ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0',
}

/** The text of a short name or label. */
export function fromCodePage(bytes: ByteString, codePage: CodePage = 437): string {
  return bytes.replace(/[\x80-\xff]/g, (byte) => UPPER_HALVES[codePage][byte.charCodeAt(0) - 0x80])
}

/** The byte of a character beyond ASCII; undefined when the code page has none that can be seen. */
export function toCodePageByte(character: string, codePage: CodePage): string | undefined {
  const index = /[\u00a0\u00ad]/.test(character) ? -1 : UPPER_HALVES[codePage].indexOf(character)
  return index < 0 ? undefined : String.fromCharCode(0x80 + index)
}
