/** The options that fill in a built-in preset. */
import { Option, type Command } from 'commander'
import { PRESET_KEYS, PRESETS, type PresetName, type PresetSources } from '../spec/presets.ts'
import type { PresetOptions } from '../spec/presets/choose.ts'
import { parseWholeNumber } from './arguments.ts'

export interface DescriptionFlags extends PresetOptions {
  preset?: PresetName
  closure?: string
}

export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[]

/** Adds `--preset` and the options that fill in a preset. */
export function addDescriptionOptions(command: Command): Command {
  return addPresetOptions(
    command.addOption(
      new Option(
        '--preset <name>',
        'built-in description (default: by what is in the content; raspberry-pi with --closure)',
      ).choices(PRESET_NAMES),
    ),
  )
}

/** Adds the options that fill in a built-in preset. */
export function addPresetOptions(command: Command): Command {
  return command
    .option(
      '--closure <tar>',
      'tar archive (.tar, .gz, .zst) to build from with a preset; - for standard input',
    )
    .option('--firmware <dir>', 'directory with the firmware files of a Raspberry Pi')
    .option('--toplevel <path>', 'store path of the NixOS system to boot; auto: the only one in the closure')
    .option('--linux', 'the content is a root file system with kernels in /boot: make its boot files')
    .option('--fstab', 'write an /etc/fstab that mounts what the preset makes, as --linux does')
    .option('--uboot-pi3 <file>', 'U-Boot for a Raspberry Pi 3')
    .option('--uboot-pi4 <file>', 'U-Boot for a Raspberry Pi 4')
    .option('--uboot-pi5 <file>', 'U-Boot for a Raspberry Pi 5')
    .option('--boot-from-fat', 'put the boot files on the firmware partition')
    .addOption(
      new Option('--arch <name>', 'processor, for uefi and a-b (default: x86-64)').choices([
        'x86-64',
        'arm64',
      ]),
    )
    .option('--uki <file>', 'unified kernel image to boot, for uefi')
    .option('--systemd-boot <file>', 'systemd-boot (default: the one in the content), for uefi and a-b')
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
    .option('--seed <text>', 'text to derive the UUIDs from, with a preset')
}

/** Whether there is a Nix store is for the content to say. */
type OptionKey = Exclude<keyof PresetSources, 'closure' | 'nixStore'>

/** The flag of each option; in a description, keys take their place. */
const PRESET_FLAGS: Record<OptionKey, string> = {
  firmware: '--firmware',
  toplevel: '--toplevel',
  linux: '--linux',
  fstab: '--fstab',
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
const FOR_ALL: readonly OptionKey[] = ['dupData', 'seed']
const PATHS = [
  ...(['firmware', 'ubootPi3', 'ubootPi4', 'ubootPi5'] as const),
  ...(['uki', 'systemdBoot', 'loader', 'closureB'] as const),
]

/** Ends the command because of wrong usage. */
export type UsageError = (message: string) => never

/** The keys of the options that are given. */
function givenKeys(flags: PresetOptions): OptionKey[] {
  return (Object.keys(PRESET_FLAGS) as OptionKey[]).filter((key) => flags[key] !== undefined)
}

/** The options of a preset that are given, without any other flags. */
export function presetOptionsOf(flags: PresetOptions): PresetOptions {
  return Object.fromEntries(givenKeys(flags).map((key) => [key, flags[key]]))
}

/** `--linux --arch x86-64` */
export function optionText(options: PresetOptions): string {
  return givenKeys(options)
    .map((key) =>
      options[key] === true ? PRESET_FLAGS[key] : `${PRESET_FLAGS[key]} ${shellWord(String(options[key]))}`,
    )
    .join(' ')
}

/** Text as one word of a shell. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** The same options with their paths changed. */
export function mapPaths(options: PresetOptions, change: (path: string) => string): PresetOptions {
  const changed = PATHS.flatMap((key) => {
    const path = options[key]
    return path === undefined ? [] : [[key, change(path)] as const]
  })
  return { ...options, ...Object.fromEntries(changed) }
}

/** The options that a preset takes. */
export function optionsOfPreset(preset: PresetName): string[] {
  const keys = Object.keys(PRESET_FLAGS) as OptionKey[]
  return ['--closure', ...keys.filter((key) => isTaken(preset, key)).map((key) => PRESET_FLAGS[key])]
}

/** @returns an option that is given but has no meaning with a description */
export function optionBesideDescription(flags: DescriptionFlags): string | undefined {
  if (flags.preset !== undefined) return '--preset'
  if (flags.closure !== undefined) return '--closure'
  const [key] = givenKeys(flags)
  return key && PRESET_FLAGS[key]
}

const isTaken = (preset: PresetName, key: OptionKey) =>
  FOR_ALL.includes(key) || PRESET_KEYS[preset].includes(key)

/** The presets that take all options that are given. */
export function presetsTaking(flags: PresetOptions): PresetName[] {
  const keys = givenKeys(flags)
  return PRESET_NAMES.filter((preset) => keys.every((key) => isTaken(preset, key)))
}

/** Rejects options that the preset does not take, and combinations in which an option has no effect. */
export function checkPresetOptions(preset: PresetName, flags: PresetOptions, usage: UsageError): void {
  const foreign = givenKeys(flags).find((key) => !isTaken(preset, key))
  if (foreign !== undefined) {
    const takers = PRESET_NAMES.filter((name) => isTaken(name, foreign))
    usage(`${PRESET_FLAGS[foreign]} is not for the preset ${preset}; it is for ${takers.join(' and ')}`)
  }
  const { linux, toplevel, uki, tries, cmdline, seed } = flags
  if (seed === '') usage('--seed must not be empty')
  if (linux === true && toplevel !== undefined) usage('--linux cannot be used with --toplevel')
  const hasSystem = linux === true || toplevel !== undefined
  if (uki !== undefined && hasSystem) {
    usage(`--uki cannot be used with ${linux === true ? '--linux' : '--toplevel'}`)
  }
  if (preset === 'a-b' || preset === 'raspberry-pi-os' || hasSystem) return
  for (const [flag, value] of [
    ['--tries', tries],
    ['--cmdline', cmdline],
  ] as const) {
    if (value !== undefined) usage(`${flag} is for generated boot files: use it with --linux or --toplevel`)
  }
}
