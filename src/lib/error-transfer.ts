/** Errors on their way to another thread: structured cloning keeps neither the class nor the fields of an error. */
import {
  BootError,
  CorruptError,
  type DiskwrightError,
  DoesNotFitError,
  InputError,
  NotFoundError,
  OutputError,
  SpecError,
  ToolError,
  UnsupportedError,
} from './errors.ts'

/** An error as plain data. */
export interface ErrorData {
  name: string
  message: string
  stack: string | undefined
  /** Its other own properties that can be cloned: `code`, `offset`, ... */
  fields: Record<string, unknown>
  cause?: ErrorData
}

/** Classes by the `code` of their errors. */
const CLASSES: Readonly<Record<string, { prototype: DiskwrightError } | undefined>> = {
  SPEC: SpecError,
  INPUT: InputError,
  DOES_NOT_FIT: DoesNotFitError,
  DOES_NOT_BOOT: BootError,
  CORRUPT: CorruptError,
  UNSUPPORTED: UnsupportedError,
  NOT_FOUND: NotFoundError,
  OUTPUT: OutputError,
  TOOL: ToolError,
}

const NATIVE_CLASSES: Readonly<Record<string, { prototype: Error } | undefined>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}

/** @param error anything that was thrown */
export function encodeError(error: unknown): ErrorData {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), stack: undefined, fields: {} }
  }
  const { name, message, stack, cause } = error
  const fields = Object.entries(error).filter(([key, value]) => key !== 'name' && isCloneable(value))
  return {
    name,
    message,
    stack,
    fields: Object.fromEntries(fields),
    ...(cause !== undefined && { cause: encodeError(cause) }),
  }
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

/** The error that was encoded: of its class if that is one of this project's or of JavaScript's, else an Error. */
export function decodeError({ name, message, stack, fields, cause }: ErrorData): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: decodeError(cause) })
  const known = NATIVE_CLASSES[name] ?? (typeof fields.code === 'string' ? CLASSES[fields.code] : undefined)
  if (known !== undefined) Object.setPrototypeOf(error, known.prototype)
  for (const [key, value] of Object.entries({ stack, ...(error.name !== name && { name }) })) {
    Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: false })
  }
  return Object.assign(error, fields)
}
