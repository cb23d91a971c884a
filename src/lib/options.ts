/**
 * Checks the options of public functions. A wrong option is a mistake of the calling program, not of its user, so it is
 * a TypeError or RangeError. A table by hand, not zod, because loading zod takes longer than opening an image.
 */
import { nearestName } from './nearest-name.ts'

/** The values that one option takes. */
export interface OptionType {
  /** For messages: `a path`. */
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
  /** Accepts the type of a value that lies outside of the allowed range. */
  readonly acceptsType?: (value: unknown) => boolean
  readonly required?: true
}

/** All options of a function; the compiler refuses a table that lacks one. */
export type OptionTable<Options> = { readonly [Name in keyof Required<Options>]: OptionType }

/**
 * @param caller name of the public function, for messages
 * @throws TypeError when `options` is no object, has an unknown option, or a value is of the wrong type
 * @throws RangeError when a number is out of range
 * @example
 * checkOptions('verifyImage', options, { quick: BOOLEAN, signal: ABORT_SIGNAL })
 */
export function checkOptions<Options extends object>(
  caller: string,
  options: Options,
  table: OptionTable<Options>,
): void {
  const given: unknown = options
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(`${caller}: options: expected an object, found ${valueText(given)}`)
  }
  const types = new Map(Object.entries<OptionType>(table))
  for (const name of Object.keys(given)) {
    if (types.has(name)) continue
    const nearest = nearestName(name, types.keys())
    const hint =
      nearest === undefined ? `expected one of ${[...types.keys()].join(', ')}` : `did you mean ${nearest}?`
    throw new TypeError(`${caller}: unknown option ${name}: ${hint}`)
  }
  const values = given as Record<string, unknown>
  for (const [name, type] of types) {
    const value = values[name]
    if (value === undefined && type.required === undefined) continue
    checkValue(`${caller}: option ${name}`, value, type)
  }
}

/**
 * Checks one value, such as an argument.
 *
 * @param where for messages
 * @throws TypeError when it is of the wrong type
 * @throws RangeError when it is out of range
 * @example
 * checkValue('extractTo: directory', directory, PATH)
 */
export function checkValue(
  where: string,
  value: unknown,
  { expected, accepts, acceptsType }: OptionType,
): void {
  if (accepts(value)) return
  const message = `${where}: expected ${expected}, found ${valueText(value)}`
  throw acceptsType?.(value) ? new RangeError(message) : new TypeError(message)
}

export const BOOLEAN: OptionType = {
  expected: 'true or false',
  accepts: (value) => typeof value === 'boolean',
}
export const FUNCTION: OptionType = {
  expected: 'a function',
  accepts: (value) => typeof value === 'function',
}
export const TEXT: OptionType = { expected: 'a text', accepts: (value) => typeof value === 'string' }
export const PATH: OptionType = { ...TEXT, expected: 'a path' }
export const ABORT_SIGNAL: OptionType = {
  expected: 'an AbortSignal',
  accepts: (value) => value instanceof AbortSignal,
}

export function wholeNumber(min: number, max: number): OptionType {
  return {
    expected: `a whole number from ${min} to ${max}`,
    accepts: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
    acceptsType: (value) => typeof value === 'number',
  }
}

/** Threads are limited to what no machine exceeds, so that a mistyped number does not start millions. */
export const MAX_WORKERS = 1024

/** A number of worker threads. */
export const WORKERS = wholeNumber(0, MAX_WORKERS)

export function oneOf(names: readonly string[]): OptionType {
  const quoted = names.map((name) => JSON.stringify(name))
  return {
    expected: `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`,
    accepts: (value) => typeof value === 'string' && names.includes(value),
  }
}

export const TEXTS: OptionType = {
  expected: 'an array of texts',
  accepts: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
}

/** An object that has these methods. */
export function objectWith(...methods: readonly string[]): OptionType {
  return {
    expected: `an object with ${methods.map((name) => `${name}()`).join(' and ')}`,
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
  }
}

/** An option that cannot be left out. */
export function required(type: OptionType): OptionType {
  return { ...type, required: true }
}

/** Small values as JSON, large ones by kind. */
function valueText(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return value.toString()
  if (typeof value !== 'string') return `${value as number | boolean}`
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 56)}..."` : text
}
