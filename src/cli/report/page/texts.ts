/** Words and numbers that several parts of the page use. */
import { bytesText } from '../../units.ts'

export const numberText = (value: number) => value.toLocaleString('en-US')

/** `1.4 GiB (1,503,238,553 bytes)` */
export function exactBytes(bytes: number): string {
  return bytes < 1024 ? bytesText(bytes) : `${bytesText(bytes)} (${numberText(bytes)} bytes)`
}

/** `97 %`; never rounded to all or nothing. */
export function shareText(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return '0 %'
  const percent = (100 * part) / whole
  if (percent < 0.1) return '< 0.1 %'
  if (percent < 10 || (percent > 99 && percent < 100)) {
    return `${Math.min(percent < 100 ? 99.9 : 100, percent).toFixed(1)} %`
  }
  return `${percent.toFixed(0)} %`
}

/** `2.3 ×` */
export function ratioText(ratio: number | undefined): string {
  return ratio === undefined ? '–' : `${ratio.toFixed(ratio < 10 ? 2 : 1)} ×`
}

/** From the start of something: `12 MiB – 16 MiB` */
export function rangeText(start: number, size: number): string {
  return `${bytesText(start)} – ${bytesText(start + size)}`
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
