/** Colours, if the terminal supports them and they are not turned off (NO_COLOR, TERM=dumb). */
import type { WriteStream } from 'node:tty'

const CODES = { red: 31, green: 32, yellow: 33, bold: 1, dim: 2 } as const

export type Style = keyof typeof CODES

/** The part of a stream that decides whether colours are used. */
export type ColourStream = Partial<Pick<WriteStream, 'isTTY' | 'hasColors'>>

/** The text in a style, if `stream` supports it. */
export function styled(text: string, style: Style, stream: ColourStream): string {
  if (stream.isTTY !== true || stream.hasColors?.() !== true || hasNoColor(process.env)) return text
  return `\x1b[${CODES[style]}m${text}\x1b[0m`
}

/** Any value except an empty one counts. (no-color.org) */
function hasNoColor({ NO_COLOR }: NodeJS.ProcessEnv): boolean {
  return NO_COLOR !== undefined && NO_COLOR !== ''
}
