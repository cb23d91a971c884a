/** Exit codes, and error messages: one line on standard error for each problem. */
import { getSystemErrorMap } from 'node:util'
import { DiskwrightError, OutputError } from '../lib/errors.ts'
import { styled } from './style.ts'
import { systemMessageOf } from '../lib/system-message.ts'

/** Added to the number of the signal that ended a program. */
const SIGNALLED = 128
export const EXIT = { done: 0, failed: 1, usage: 2, signal: SIGNALLED, brokenPipe: SIGNALLED + 13 }

/** A request that cannot be carried out; each line is one problem. */
export class CommandError extends Error {
  readonly lines: readonly string[]

  constructor(lines: readonly string[], options?: ErrorOptions) {
    super(lines.join('\n'), options)
    this.name = 'CommandError'
    this.lines = lines
  }
}

/** A signal ended the work. */
export class Interrupted extends Error {
  readonly exitCode: number

  constructor(signal: string, signalNumber: number) {
    super(`interrupted by ${signal}`)
    this.name = 'Interrupted'
    this.exitCode = SIGNALLED + signalNumber
  }
}

/** The work is done, and the exit code is its result. */
export class EndWith extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`ends with the exit code ${exitCode}`)
    this.exitCode = exitCode
  }
}

/** An error with its own exit code, where the usual code already has a meaning. */
export class ExitCodeError extends Error {
  readonly exitCode: number

  constructor(exitCode: number, cause: unknown) {
    super('failed', { cause })
    this.exitCode = exitCode
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof EndWith) return error.exitCode
  if (error instanceof ExitCodeError) {
    const code = exitCodeOf(error.cause)
    return code === EXIT.failed ? error.exitCode : code
  }
  if (error instanceof Interrupted) return error.exitCode
  return isBrokenPipe(error) ? EXIT.brokenPipe : EXIT.failed
}

export function reportError(error: unknown, { debug }: { debug: boolean }): void {
  // The reader of our output has closed it, which is not an error.
  if (error instanceof EndWith || (isBrokenPipe(error) && !debug)) return
  for (const line of errorLines(error))
    process.stderr.write(`${styled('diskwright:', 'red', process.stderr)} ${line}\n`)
  if (debug) {
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      process.stderr.write(`${cause.stack ?? cause.message}\n`)
    }
  }
}

function errorLines(error: unknown): readonly string[] {
  if (error instanceof ExitCodeError) return errorLines(error.cause)
  if (error instanceof CommandError) return error.lines
  if (error instanceof OutputError && error.exists) return [`${error.message}; use --force`]
  if (error instanceof DiskwrightError) return error.message.split('\n')
  if (error instanceof Interrupted) return [error.message]
  if (isSystemError(error)) return [systemMessage(error)]
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return [`internal error: ${message.split('\n')[0]} (--debug shows where)`]
}

function isBrokenPipe(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isSystemError(cause) && cause.code === 'EPIPE') return true
  }
  return false
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'errno' in error && 'syscall' in error
}

/** `closure.tar: no such file or directory` */
export function systemMessage(error: NodeJS.ErrnoException): string {
  const words = error.errno === undefined ? undefined : getSystemErrorMap().get(error.errno)?.[1]
  return `${error.path === undefined ? '' : `${error.path}: `}${words ?? systemMessageOf(error)}`
}
