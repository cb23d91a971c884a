/** The description of a command: from a file, from standard input, or the built-in preset. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { text as readAll } from 'node:stream/consumers'
import { Option, type Command } from 'commander'
import { SpecError } from '../lib/errors.ts'
import { PRESET_KEYS, PRESETS, type PresetName, type PresetSources } from '../spec/presets.ts'
import type { ImageSpec } from '../spec/image-spec.ts'
import { PROGRAM_KINDS, standardInputKind } from '../spec/sources/kinds.ts'
import { parseWholeNumber } from './arguments.ts'
import { CommandError, systemMessage } from './exit.ts'

export interface DescriptionFlags extends Partial<PresetSources> {
  preset?: PresetName
}

export const DESCRIPTION = 'image description (JSON); - reads it from standard input'

/** Adds the options that fill in a built-in preset. */
export function addDescriptionOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--preset <name>', 'built-in description (default: raspberry-pi)').choices(
        Object.keys(PRESETS),
      ),
    )
    .option('--closure <tar>', 'tar archive (.tar, .gz, .zst) to build from with a preset')
    .option('--firmware <dir>', 'directory with the firmware files, with --closure')
    .option('--toplevel <path>', 'store path of the NixOS system to boot; auto: the only one in the closure')
    .option('--linux', 'the closure is a root file system with kernels in /boot: make its boot files')
    .option('--uboot-pi3 <file>', 'U-Boot for a Raspberry Pi 3, with --closure')
    .option('--uboot-pi4 <file>', 'U-Boot for a Raspberry Pi 4, with --closure')
    .option('--uboot-pi5 <file>', 'U-Boot for a Raspberry Pi 5, with --closure')
    .option('--boot-from-fat', 'put the boot files on the firmware partition')
    .addOption(
      new Option('--arch <name>', 'processor, for uefi and a-b (default: x86-64)').choices([
        'x86-64',
        'arm64',
      ]),
    )
    .option('--uki <file>', 'unified kernel image to boot, for uefi')
    .option('--systemd-boot <file>', 'systemd-boot (default: the one in the closure), for uefi and a-b')
    .addOption(
      new Option('--tries <n>', 'times that systemd-boot tries an entry before it counts as bad').argParser(
        parseWholeNumber(1, 1000),
      ),
    )
    .option('--loader <file>', "boot loader that the board's ROM reads, for rockchip and allwinner")
    .option('--closure-b <tar>', 'tar archive of the second slot, for a-b')
    .option('--slot-size <size>', 'size of a slot (default: 4GiB), for a-b')
    .option('--cmdline <text>', "text to add to the kernel's command line")
    .option('--dup-data', 'store two copies of all file content on BTRFS')
    .option('--seed <text>', 'text to derive the UUIDs from, with --closure')
}

/** Flags that fill in a preset; in a description they are keys. */
const PRESET_FLAGS: Record<Exclude<keyof PresetSources, 'closure'>, string> = {
  firmware: '--firmware',
  toplevel: '--toplevel',
  linux: '--linux',
  ubootPi3: '--uboot-pi3',
  ubootPi4: '--uboot-pi4',
  ubootPi5: '--uboot-pi5',
  bootFromFat: '--boot-from-fat',
  arch: '--arch',
  uki: '--uki',
  systemdBoot: '--systemd-boot',
  tries: '--tries',
  loader: '--loader',
  closureB: '--closure-b',
  slotSize: '--slot-size',
  cmdline: '--cmdline',
  dupData: '--dup-data',
  seed: '--seed',
}
const FOR_ALL: readonly string[] = ['dupData', 'seed']

export interface Description {
  /** For messages; undefined when it is a preset. */
  name: string | undefined
  /** As written, not checked yet. */
  spec: ImageSpec
  /** Directory that its relative paths start from. */
  baseDirectory: string
}

/** Ends the command because of wrong usage. */
export type UsageError = (message: string) => never

/** Reports wrong combinations of a description file, a preset, and options that fill in the preset. */
export function checkDescriptionFlags(spec: string | undefined, flags: DescriptionFlags, usage: UsageError) {
  const usesPreset = flags.preset !== undefined || flags.closure !== undefined
  if (spec === undefined && !usesPreset) usage("missing argument 'spec' or option --closure")
  if (spec !== undefined && usesPreset) {
    usage(`'${spec}' cannot be used with --${flags.preset === undefined ? 'closure' : 'preset'}`)
  }
  for (const [name, flag] of Object.entries(PRESET_FLAGS)) {
    if (spec !== undefined && flags[name as keyof typeof PRESET_FLAGS] !== undefined) {
      usage(`${flag} goes with --closure; in a description it is a key`)
    }
    const { preset = 'raspberry-pi' } = flags
    const isTaken = FOR_ALL.includes(name) || PRESET_KEYS[preset].some((key) => key === name)
    if (spec === undefined && !isTaken && flags[name as keyof typeof PRESET_FLAGS] !== undefined) {
      usage(`${flag} is not for the preset ${preset}`)
    }
  }
  if (spec === undefined) checkPresetFlags(flags, usage)
  if (flags.seed === '') usage('--seed must not be empty')
}

/** Options of a preset that leave each other without effect. */
function checkPresetFlags(flags: DescriptionFlags, usage: UsageError) {
  const { preset, linux, toplevel, uki, tries, cmdline } = flags
  if (linux === true && toplevel !== undefined) usage('--linux cannot be used with --toplevel')
  const hasSystem = linux === true || toplevel !== undefined
  if (uki !== undefined && hasSystem) {
    usage(`--uki cannot be used with ${linux === true ? '--linux' : '--toplevel'}`)
  }
  if (preset === 'a-b' || hasSystem) return
  for (const [flag, value] of [
    ['--tries', tries],
    ['--cmdline', cmdline],
  ] as const) {
    if (value !== undefined)
      usage(`${flag} is for boot files that are made: use it with --linux or --toplevel`)
  }
}

export async function loadDescription(
  spec: string | undefined,
  flags: DescriptionFlags,
): Promise<Description> {
  if (spec === undefined) {
    const preset = flags.preset ?? 'raspberry-pi'
    // Without a closure this is the example to edit, with every value filled in.
    const example = { closure: 'closure.tar.zst', firmware: 'firmware' }
    return {
      name: undefined,
      spec: PRESETS[preset]({
        ...flags,
        closure: flags.closure ?? example.closure,
        firmware:
          flags.firmware ??
          (flags.closure === undefined && preset === 'raspberry-pi' ? example.firmware : undefined),
      }),
      baseDirectory: process.cwd(),
    }
  }
  const name = spec === '-' ? 'standard input' : spec
  const text = await readText(spec)
  // The parser is loaded for descriptions alone: other commands start sooner without it.
  const { findJsonProblem } = await import('../lib/json-text.ts')
  const problem = findJsonProblem(text)
  if (problem !== undefined) {
    throw new CommandError([`${name}:${problem.line}:${problem.column}: ${problem.message}`])
  }
  const parsed = JSON.parse(text) as ImageSpec
  const unknown = programSourcesIn(parsed)
  if (unknown.length > 0) throw new CommandError(unknown.map((path) => `${name}: ${path}: unknown key`))
  return {
    name,
    spec: parsed,
    baseDirectory: spec === '-' ? process.cwd() : dirname(resolve(spec)),
  }
}

/** Reports a description from standard input whose archive would also come from standard input. */
export function checkStandardInput(spec: string | undefined, description: Description, usage: UsageError) {
  if (spec !== '-') return
  for (const { source } of sourcesIn(description.spec)) {
    const kind = standardInputKind(source)
    if (kind === undefined) continue
    usage(
      `the description came from standard input, so its source "${kind}": "-" cannot: give one of them a file`,
    )
  }
}

/** The sources of a description that is not checked yet, with their JSON paths. */
function sourcesIn(spec: Partial<ImageSpec>): { source: Record<string, unknown>; path: string }[] {
  const partitions: unknown[] = Array.isArray(spec.partitions) ? spec.partitions : []
  const holders = [
    { holder: spec as unknown, at: '' },
    ...partitions.map((holder, i) => ({ holder, at: `partitions[${i}].` })),
  ]
  return holders.flatMap(({ holder, at }) =>
    sourceList(holder).flatMap((source, j) =>
      typeof source === 'object' && source !== null
        ? [{ source: source as Record<string, unknown>, path: `${at}sources[${j}]` }]
        : [],
    ),
  )
}

function sourceList(holder: unknown): unknown[] {
  const sources = (holder as { sources?: unknown } | null)?.sources
  return Array.isArray(sources) ? sources : []
}

/** JSON paths of sources that only a program can give; the JSON Schema does not have them. */
function programSourcesIn(spec: Partial<ImageSpec>): string[] {
  return sourcesIn(spec).flatMap(({ source, path }) =>
    PROGRAM_KINDS.filter((kind) => kind in source).map((kind) => `${path}.${kind}`),
  )
}

async function readText(spec: string): Promise<string> {
  try {
    const text = await (spec === '-' ? readAll(process.stdin) : readFile(spec, 'utf8'))
    return text.replace(/^\ufeff/, '')
  } catch (error) {
    throw new CommandError([systemMessage({ path: spec, ...(error as NodeJS.ErrnoException) })], {
      cause: error,
    })
  }
}

/** Runs `work`; problems of the description are reported with its name. */
export async function withDescription<T>({ name }: Description, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof SpecError) || name === undefined) throw error
    const lines = error.issues.map((issue) => [name, issue.path, issue.message].filter((part) => part !== ''))
    throw new CommandError(
      lines.map((parts) => parts.join(': ')),
      { cause: error },
    )
  }
}
