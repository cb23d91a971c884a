/** What can be fuzzed. */
import { DiskwrightError, InputError } from '../../src/lib/errors.ts'
import type { Random } from './random.ts'

/** Name of the input in messages. */
export const SOURCE = 'fuzzed input'

export interface FuzzTarget {
  name: string
  /** Executions in `npm test`: some seconds of them. */
  executions: number
  maxLength: number
  /** Words of the format. */
  dictionary: readonly Uint8Array[]
  /** Inputs to begin with, most of them good. */
  seeds: () => readonly Uint8Array[] | Promise<readonly Uint8Array[]>
  /** Changes that know the format; undefined: this time the bytes are changed, blindly. */
  mutate?: (input: Uint8Array, random: Random, other: Uint8Array) => Uint8Array | undefined
  /**
   * Makes a changed input consistent again where readers would see nothing but a wrong checksum.
   */
  repair?: (input: Uint8Array) => Uint8Array
  /**
   * Reads the input. Good input returns, and bad input throws a `DiskwrightError`; everything else is a fault, such as a
   * `TypeError`, or an answer that cannot be right.
   */
  run: (input: Uint8Array) => Promise<void>
}

/** A property that does not hold for an input. */
export class Violation extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Violation'
  }
}

/** What is wrong with how an input was treated; undefined: it was read or refused as it should be. */
export async function faultOf(target: FuzzTarget, input: Uint8Array): Promise<Error | undefined> {
  try {
    await target.run(input)
    return undefined
  } catch (error) {
    if (!(error instanceof Error)) return new Violation(`threw ${String(error)}`)
    if (!(error instanceof DiskwrightError)) return error
    if (error.message.trim() === '') return new Violation('an error without a message')
    if (error.message.length > 20_000) return new Violation(`a message of ${error.message.length} characters`)
    if (error instanceof InputError && !error.source.startsWith(SOURCE)) {
      return new Violation(`an error that does not name its source: ${error.message}`)
    }
    return undefined
  }
}

/** Faults of the same signature have the same cause, most likely. */
export function signatureOf(fault: Error): string {
  const frames = (fault.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '))
  const own = frames.find((line) => /\/(src|test)\//.test(line)) ?? frames[0] ?? ''
  const frame = /([^/\s(]+:\d+):\d+\)?$/.exec(own)?.[1] ?? ''
  const text = fault instanceof Violation ? fault.message.replace(/\d+|"[^"]*"/g, '').slice(0, 60) : frame
  return `${fault.name} ${text}`
}

export const words = (...texts: string[]) => texts.map((text) => Uint8Array.from(Buffer.from(text, 'latin1')))

/** Different for most inputs, the same for the same one: what is decided by it can be replayed. */
export function fingerprint(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}
