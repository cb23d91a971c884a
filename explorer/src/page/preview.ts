/** Shows what is in a file: text, a picture, or the bytes. */
import { h } from '../../../src/cli/report/page/dom.ts'
import { bytesText } from '../../../src/cli/units.ts'

/** Bytes of a file that are looked at. */
export const PREVIEW_BYTES = 256 << 10
/** Pictures are shown whole, up to this size. */
export const MAX_PICTURE = 16 << 20
/** Bytes of a file that are neither. */
const DUMPED_BYTES = 4096
const ROW = 16

const PICTURES: readonly (readonly [type: string, magic: readonly number[], at: number])[] = [
  ['image/png', [0x89, 0x50, 0x4e, 0x47], 0],
  ['image/jpeg', [0xff, 0xd8, 0xff], 0],
  ['image/gif', [0x47, 0x49, 0x46, 0x38], 0],
  ['image/webp', [0x57, 0x45, 0x42, 0x50], 8],
  ['image/bmp', [0x42, 0x4d], 0],
]

/** The type of a picture that a browser shows; undefined for anything else. */
export function pictureType(start: Uint8Array, name: string): string | undefined {
  const found = PICTURES.find(([, magic, at]) => magic.every((byte, i) => start[at + i] === byte))
  if (found !== undefined) return found[0]
  return /\.svg$/i.test(name) && textOf(start, true)?.includes('<svg') ? 'image/svg+xml' : undefined
}

export function picture(bytes: Uint8Array<ArrayBuffer>, type: string, name: string): HTMLElement {
  const image = h('img', { alt: name })
  // As an image, nothing in a file can run.
  image.src = URL.createObjectURL(new Blob([bytes], { type }))
  image.addEventListener('load', () => URL.revokeObjectURL(image.src))
  image.addEventListener('error', () => {
    URL.revokeObjectURL(image.src)
    image.replaceWith(
      h('p', { class: 'hint' }, 'The picture is damaged, or in a form that this browser does not show.'),
    )
  })
  return h('div', { class: 'picture' }, image)
}

/** @param size of the whole file */
export function contentPreview(start: Uint8Array, size: number): HTMLElement {
  if (size === 0) return h('p', { class: 'hint' }, 'The file is empty.')
  const text = textOf(start, start.length < size)
  const [shown, content] =
    text === undefined
      ? [Math.min(start.length, DUMPED_BYTES), dump(start.subarray(0, DUMPED_BYTES))]
      : [start.length, text]
  const label = text === undefined ? 'Bytes of the file' : 'Text of the file'
  const rest =
    shown < size
      ? h('p', { class: 'hint' }, `The first ${bytesText(shown)} of ${bytesText(size)}.`)
      : undefined
  const box = h(
    'pre',
    { class: text === undefined ? 'dump' : 'text', tabindex: '0', role: 'region', label },
    content,
  )
  return h('div', { class: 'content' }, box, rest)
}

/** UTF-8 without control characters; undefined for anything else. @param isCut the last character may be, too */
function textOf(bytes: Uint8Array, isCut: boolean): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: isCut })
    return /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** As hexdump(1) -C has it. */
function dump(bytes: Uint8Array): string {
  const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0')
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += ROW) {
    const row = [...bytes.subarray(at, at + ROW)]
    const digits = row.map((byte) => hex(byte, 2)).join(' ')
    const text = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${hex(at, 8)}  ${digits.padEnd(ROW * 3)} ${text}`)
  }
  return lines.join('\n')
}
