/** Arguments and options that several commands share. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { parseSize } from '../spec/notation/sizes.ts'
import { PROGRESS_MODES } from './progress.ts'

export const IMAGE = 'image (.img, .img.zst, .img.gz), device, or a single file system'
export const PLACE = 'PART:PATH, for example 2:/@/etc; PART is the number or the label of a partition'

export const debugOption = () => new Option('--debug', 'print stack traces of errors')

/** A parser for an option whose value is a whole number. */
export function parseWholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    if (/^\d+$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text)
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`)
  }
}

/** A parser for an option whose value is a size. @returns bytes */
export function parseSizeArgument(text: string): number {
  const size = parseSize(/^\d+$/.test(text) ? Number(text) : text)
  if (size !== undefined) return size
  throw new InvalidArgumentError('Expected a size in bytes or like 8GiB (KiB, MiB, GiB, TiB).')
}

/** How a command shows its progress. */
export const progressOption = () =>
  new Option(
    '--progress <how>',
    'auto: a line, on a terminal; json: a line of JSON for each step and every 0.1 s, on standard error',
  )
    .choices(PROGRESS_MODES)
    .default('auto')

/** The end of a command's help. */
export interface HelpClosing {
  examples: readonly string[]
  /** Undefined: the same as for every command. */
  exitCodes: string | undefined
}

const CLOSINGS = new WeakMap<Command, HelpClosing>()

/** Adds examples, and exit codes that differ from the usual ones, to the end of a command's help. */
export function addExamples(command: Command, examples: readonly string[], exitCodes?: string): Command {
  CLOSINGS.set(command, { examples, exitCodes })
  const codes = exitCodes === undefined ? '' : `\nExit code: ${exitCodes}`
  return command.addHelpText(
    'after',
    `\nExamples:\n${examples.map((line) => `  ${line}\n`).join('')}${codes}`,
  )
}

export function closingOf(command: Command): HelpClosing {
  return CLOSINGS.get(command) ?? { examples: [], exitCodes: undefined }
}
