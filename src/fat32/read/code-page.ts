import type { ByteString } from '../../lib/byte-string.ts'

/** Code page 437 from 0x80 on, in which Linux reads short names by default. */
const CODE_PAGE =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀' +
  'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0'

/** The text of a short name or label. */
export function fromCodePage(bytes: ByteString): string {
  return bytes.replace(/[\x80-\xff]/g, (byte) => CODE_PAGE[byte.charCodeAt(0) - 0x80])
}
