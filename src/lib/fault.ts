/** What checkers report. */
import { CorruptError, InputError } from './errors.ts'

/** Something wrong with an image. */
export interface Fault {
  /** The structure that is at fault. */
  what: string
  /** Where it lies: bytes from the start of what was checked (the image, or one partition of it). */
  offset: number
  expected: string
  found: string
}

/** Takes faults as they are found. */
export type OnFault = (fault: Fault) => void

export function faultText({ what, offset, expected, found }: Fault): string {
  return `${what} at offset ${offset}: expected ${expected}, found ${found}`
}

/** What a reader stumbled over, be it damage or bytes that cannot be read, as a fault. Any other error is thrown again. */
export function faultOf(error: unknown): Fault {
  if (error instanceof InputError) {
    const { message, offset = 0 } = error
    return { what: 'image', offset, expected: 'bytes that can be read', found: message }
  }
  if (!(error instanceof CorruptError)) throw error
  const { what, offset, expected, found } = error
  return { what, offset, expected, found }
}
