import { InvalidArgumentError } from 'commander'

export const MAX_WORKERS = 1024

/** The value of an option that is a number. */
export function wholeNumber(text: string, least: number, most: number): number {
  if (/^\d+$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text)
  throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`)
}
