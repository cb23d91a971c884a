/**
 * config.txt, the firmware's settings: `key=value` lines under filters that say for which models they are.
 * (Raspberry Pi documentation, "config.txt")
 */

import type { PiVersion } from '../spec/plan/plan.ts'
import { filtersOf, mainBoardOf, type PiBoard } from './pi-boards.ts'

export const PI_VERSIONS: readonly PiVersion[] = [3, 4, 5]

/** Bytes of a line that the firmware reads. */
const MAX_LINE = 98

/** The name that U-Boot for a version gets on the firmware partition. */
export function ubootFileName(version: PiVersion): string {
  return `u-boot-rpi${version}.bin`
}

/** One `key=value`, or a line that is none. */
export interface ConfigLine {
  /** Counted from 1. */
  line: number
  /** In lower case: `all` before any filter. */
  filter: string
  key: string
  /** Without white space around; undefined: the line has no `=`. */
  value: string | undefined
}

/** Settings by filter; null removes a setting of the defaults. */
export type ConfigSettings = Readonly<Record<string, Readonly<Record<string, string | number | null>>>>

export interface ConfigTxtOptions {
  versions: readonly PiVersion[]
  /** The firmware starts a kernel itself, with an initrd and the device trees of Linux' own names. Default: U-Boot. */
  startsKernel?: boolean
  /** They replace the defaults. */
  settings?: ConfigSettings
  /** Added as they are at the end, under `[all]`. */
  extraLines?: readonly string[]
}

/** The settings that U-Boot needs, and those of a NixOS SD image. */
const DEFAULTS: Record<PiVersion | 'all', Record<string, Record<string, string | number>>> = {
  3: {
    pi3: { kernel: ubootFileName(3) },
    pi02: { kernel: ubootFileName(3) },
  },
  4: {
    pi4: {
      kernel: ubootFileName(4),
      enable_gic: 1,
      armstub: 'armstub8-gic.bin',
      disable_overscan: 1,
      arm_boost: 1,
    },
    cm4: {
      kernel: ubootFileName(4),
      enable_gic: 1,
      armstub: 'armstub8-gic.bin',
      disable_overscan: 1,
      // The USB ports of the carrier board hang on a controller that is off by default.
      otg_mode: 1,
    },
  },
  // The 500 and the Compute Module 5 see it, too. Its firmware is in an EEPROM, and so is the stub that starts the cores.
  5: { pi5: { kernel: ubootFileName(5) } },
  // U-Boot takes its clock from the UART's set-up, and warnings would be drawn over the kernel's screen.
  all: { all: { arm_64bit: 1, enable_uart: 1, avoid_warnings: 1 } },
}

/** Device trees have the names that Linux gives them. */
const KERNEL_SETTINGS = { upstream_kernel: 1 }
/** (Its syntax is its own.) */
const INITRAMFS = 'initramfs initramfs8 followkernel'

/** The text of a config.txt: one section a filter, `[all]` last. */
export function configTxt({
  versions,
  startsKernel = false,
  settings = {},
  extraLines = [],
}: ConfigTxtOptions): string {
  const sections = new Map<string, Map<string, string | number | null>>()
  const put = (filter: string, values: Readonly<Record<string, string | number | null>>) => {
    const section = sections.get(filter) ?? new Map<string, string | number | null>()
    for (const [key, value] of Object.entries(values)) section.set(key, value)
    sections.set(filter, section)
  }
  for (const version of PI_VERSIONS) {
    if (startsKernel || !versions.includes(version)) continue
    for (const [filter, values] of Object.entries(DEFAULTS[version])) put(filter, values)
  }
  const { all: forAll, ...others } = settings
  for (const [filter, values] of Object.entries(others)) put(filter, values)
  put('all', DEFAULTS.all.all)
  if (startsKernel) put('all', KERNEL_SETTINGS)
  put('all', forAll ?? {})
  return [...sections]
    .map(([filter, values]) => {
      const kept = [...values].filter(([, value]) => value !== null)
      const lines = kept.map(([key, value]) => `${key}=${value}`)
      return [
        `[${filter}]`,
        ...lines,
        ...(filter === 'all' ? [...(startsKernel ? [INITRAMFS] : []), ...extraLines] : []),
        '',
      ].join('\n')
    })
    .join('\n')
}

/** The lines of a config.txt that are neither empty nor comments nor filters. */
export function parseConfigTxt(text: string): ConfigLine[] {
  const lines: ConfigLine[] = []
  let filter = 'all'
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.replace(/#.*/, '').trim()
    if (line === '') continue
    const section = /^\[(.*)\]$/.exec(line)
    if (section !== null) {
      filter = section[1].trim().toLowerCase()
      continue
    }
    // The one setting that has a syntax of its own: `initramfs NAME ADDRESS`.
    const initramfs = /^initramfs\s+(.*)$/.exec(line)
    if (initramfs !== null) {
      lines.push({ line: i + 1, filter, key: 'initramfs', value: initramfs[1] })
      continue
    }
    const equals = line.indexOf('=')
    lines.push({
      line: i + 1,
      filter,
      key: (equals < 0 ? line : line.slice(0, equals)).trim(),
      value: equals < 0 ? undefined : line.slice(equals + 1).trim(),
    })
  }
  return lines
}

/**
 * The value of a setting on a board; of several lines the last one counts.
 *
 * @param board default: the one that the version is named after
 * @returns undefined when no line sets it
 */
export function settingFor(
  lines: readonly ConfigLine[],
  version: PiVersion,
  key: string,
  board: PiBoard = mainBoardOf(version),
): string | undefined {
  const isFor = ({ filter }: ConfigLine) => filter === 'all' || board.filters.includes(filter)
  return lines.findLast((line) => line.key === key && isFor(line))?.value
}

/**
 * The versions for which a config.txt names a kernel; for all others the firmware looks for one of the default names.
 *
 * @param isForAll whether a kernel for all boards is meant for this version
 */
export function versionsOf(
  lines: readonly ConfigLine[],
  isForAll: (version: PiVersion) => boolean = () => true,
): PiVersion[] {
  return PI_VERSIONS.filter((version) => {
    const filters = filtersOf(version)
    return lines.some(
      ({ filter, key }) =>
        key === 'kernel' && (filters.has(filter) || (filter === 'all' && isForAll(version))),
    )
  })
}

/** Lines that the firmware does not read as intended, a sentence each. */
export function configTxtProblems(text: string): string[] {
  const long = text.split('\n').flatMap((line, i) => {
    const length = new TextEncoder().encode(line).length
    return length > MAX_LINE && !line.trimStart().startsWith('#')
      ? [`line ${i + 1} has ${length} bytes, of which the firmware reads ${MAX_LINE}`]
      : []
  })
  const odd = parseConfigTxt(text).flatMap(({ line, key, value }) =>
    value === undefined && !key.startsWith('include ')
      ? [`line ${line} (${JSON.stringify(key)}) is not a setting: expected key=value`]
      : [],
  )
  return [...long, ...odd]
}
