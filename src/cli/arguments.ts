/** Arguments and options that several commands share. */
import { InvalidArgumentError, Option } from 'commander'
import { parseSize } from '../spec/sizes.ts'

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

/** The last part of a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`
}
