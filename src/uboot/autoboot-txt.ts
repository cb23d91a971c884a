/**
 * autoboot.txt: which partition a Raspberry Pi starts from, and which one when it is rebooted to try another system.
 * (Raspberry Pi documentation, "autoboot.txt")
 */
import { parseConfigTxt } from './config-txt.ts'

/** The firmware reads no more. */
const MAX_SIZE = 512

/** Numbers of partitions; undefined: the first one with firmware. */
export interface BootSlots {
  partition: number | undefined
  /** After `reboot '0 tryboot'`, once. */
  tryboot: number | undefined
}

/** The text of an autoboot.txt for two slots. */
export function autobootTxt({ partition, tryboot }: { partition: number; tryboot: number }): string {
  return `[all]\ntryboot_a_b=1\nboot_partition=${partition}\n[tryboot]\nboot_partition=${tryboot}\n`
}

/** Reads the numbers, of several lines the last one. */
export function parseAutoboot(text: string): BootSlots {
  const numberIn = (wanted: string) => {
    const line = parseConfigTxt(text).findLast(
      ({ filter, key }) => key === 'boot_partition' && filter === wanted,
    )
    // 0 stands for the first one, too.
    const number = Number(line?.value)
    return Number.isInteger(number) && number > 0 ? number : undefined
  }
  return { partition: numberIn('all'), tryboot: numberIn('tryboot') }
}

/** Lines that the firmware does not read as intended, a sentence each. */
export function autobootProblems(text: string): string[] {
  const size = new TextEncoder().encode(text).length
  const long = size > MAX_SIZE ? [`has ${size} bytes, of which the firmware reads ${MAX_SIZE}`] : []
  const lines = parseConfigTxt(text)
  const odd = lines.flatMap(({ line, filter, key, value }) => {
    if (!['all', 'none', 'tryboot'].includes(filter)) {
      return [`line ${line}: the filter [${filter}] is unknown here: expected all, none or tryboot`]
    }
    if (!['boot_partition', 'tryboot_a_b'].includes(key)) return [`line ${line}: ${key} has no meaning here`]
    return value !== undefined && /^\d+$/.test(value) ? [] : [`line ${line}: ${key} is not a number`]
  })
  const tries = lines.some(({ filter, key }) => filter === 'tryboot' && key === 'boot_partition')
  const isAB = lines.some(({ key, value }) => key === 'tryboot_a_b' && value === '1')
  const files =
    tries && !isAB
      ? ['does not set tryboot_a_b=1: the firmware looks for a tryboot.txt on the other partition']
      : []
  return [...long, ...odd, ...files]
}
