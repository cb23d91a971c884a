/** The preset for what a source contains, with what fills it in, and why. */
import { PRESET_KEYS, type PresetName } from '../presets.ts'
import type { ContentFacts, PiBootFiles } from './content-facts.ts'
import type { PresetSources } from './preset-sources.ts'

/** What a preset is given besides its content. */
export type PresetOptions = Partial<Omit<PresetSources, 'closure' | 'nixStore'>>

export interface ChosenPreset {
  preset: PresetName
  /** What fills it in, beside what is given. */
  options: PresetOptions
  /** What the content is: `Debian GNU/Linux 12 (bookworm) for arm64, with the kernel 6.1.0-25-arm64`. */
  content: string
  /** Why it is this preset, if the content does not say. */
  reason: string
  /** What the image lacks. */
  notes: readonly string[]
}

const PI_KEYS = ['firmware', 'ubootPi3', 'ubootPi4', 'ubootPi5', 'bootFromFat'] as const

/** The preset for content that was looked at. @param given options that are set already */
export function choosePreset(facts: ContentFacts, given: PresetOptions): ChosenPreset {
  const content = describeContent(facts)
  const chosen = choice(facts, given)
  return { content, notes: [], options: {}, ...chosen }
}

/** What fills in a preset that somebody has named. */
export function fillPreset(
  preset: PresetName,
  facts: ContentFacts,
  given: PresetOptions,
): Pick<ChosenPreset, 'content' | 'options'> {
  return { content: describeContent(facts), options: optionsFor(preset, facts, given) }
}

/** @returns undefined when the content suits the preset */
export function mismatchOf(preset: PresetName, facts: ContentFacts): string | undefined {
  if (preset === 'raspberry-pi-os' && facts.piBoot === undefined) {
    return 'there is no config.txt with a kernel in /boot/firmware, which the preset raspberry-pi-os needs'
  }
  if (preset !== 'raspberry-pi' || facts.hasNixStore || facts.osName === undefined) return undefined
  return `a root file system of ${facts.osName}, and the preset raspberry-pi is for NixOS`
}

/** Whether `mismatchOf` is known before all of the content was looked at. */
export function isDecided(preset: PresetName, facts: ContentFacts): boolean {
  if (preset === 'raspberry-pi-os') return facts.piBoot !== undefined
  return facts.hasNixStore || mismatchOf(preset, facts) !== undefined
}

type Choice = Pick<ChosenPreset, 'preset' | 'reason'> & Partial<Pick<ChosenPreset, 'options' | 'notes'>>

function choice(facts: ContentFacts, given: PresetOptions): Choice {
  const of = (preset: PresetName, reason: string, notes: readonly string[] = []): Choice => ({
    ...{ preset, reason, notes },
    options: optionsFor(preset, facts, given),
  })
  if (facts.hasNixStore && PI_KEYS.some((key) => given[key] !== undefined)) {
    return of('raspberry-pi', 'NixOS, and firmware for a Raspberry Pi')
  }
  if (facts.nixosSystems.length > 0) return chooseForNixos(facts, given, of)
  if (facts.hasEfiBoot) return of('uefi', '/boot has what the firmware of a machine with UEFI starts')
  if (facts.hasNixStore && facts.extlinux !== undefined) {
    return of('raspberry-pi', `NixOS with an extlinux.conf for U-Boot`, piNotes(given))
  }
  if (facts.piBoot !== undefined) {
    const why = 'the firmware of a Raspberry Pi starts the kernel in /boot/firmware'
    return of('raspberry-pi-os', why, piOsNotes(facts.piBoot))
  }
  if (facts.kernels.length > 0) return chooseForKernel(facts, given, of)
  if (facts.extlinux !== undefined) {
    return of('plain', 'U-Boot reads its extlinux.conf', ['U-Boot itself must be on the board already'])
  }
  const why = facts.isRoot || facts.hasNixStore ? 'there is no kernel in it' : 'it is not an operating system'
  const boots = facts.isRoot || facts.hasNixStore ? ['the image does not boot'] : []
  return of('plain', why, boots)
}

type Of = (preset: PresetName, reason: string, notes?: readonly string[]) => Choice

function chooseForNixos({ systemdBoot, architecture }: ContentFacts, given: PresetOptions, of: Of): Choice {
  const hasLoader = systemdBoot.length > 0 || given.systemdBoot !== undefined
  if (hasLoader) return of('uefi', 'NixOS, and systemd-boot to start it on a machine with UEFI')
  if (architecture === 'x86-64') return of('uefi', 'NixOS for x86-64')
  return of('raspberry-pi', 'NixOS without systemd-boot', piNotes(given))
}

function chooseForKernel({ systemdBoot, piFirmware }: ContentFacts, given: PresetOptions, of: Of): Choice {
  if (systemdBoot.length > 0 || given.systemdBoot !== undefined) {
    return of('uefi', 'systemd-boot starts its kernel on a machine with UEFI')
  }
  if (given.uki !== undefined) return of('uefi', 'a unified kernel image is given')
  const notes =
    piFirmware === undefined
      ? [
          'the image does not boot: nothing in it starts its kernel. For a machine with UEFI, install systemd-boot in it' +
            ' (systemd-boot-efi of Debian), or give --systemd-boot; for a board, --preset rockchip or allwinner with --loader',
        ]
      : [
          `the image does not boot: the firmware of a Raspberry Pi (/${piFirmware}) must lie on a FAT partition.` +
            ' docs/reference/boards.md describes one',
        ]
  return of('plain', 'nothing in it starts its kernel', notes)
}

function piOsNotes({ hasInitramfs }: PiBootFiles): string[] {
  if (hasInitramfs) return []
  return [
    '/boot/firmware has no initramfs: the kernel must have BTRFS built in, unlike that of Raspberry Pi OS',
  ]
}

function piNotes(given: PresetOptions): string[] {
  if (given.firmware !== undefined) return []
  return ['the firmware partition stays empty: give --firmware and --uboot-pi3, --uboot-pi4 or --uboot-pi5']
}

function optionsFor(preset: PresetName, facts: ContentFacts, given: PresetOptions): PresetOptions {
  const options: PresetOptions = {}
  const keys = PRESET_KEYS[preset]
  const isDecided = (given.toplevel ?? given.linux ?? given.uki) !== undefined
  const bringsBootFiles = facts.hasEfiBoot || facts.extlinux !== undefined
  const generates = !isDecided && !bringsBootFiles && preset !== 'plain'
  if (generates && facts.nixosSystems.length > 0) options.toplevel = 'auto'
  else if (generates && facts.kernels.length > 0 && keys.includes('linux')) options.linux = true
  // With --linux there is one anyway, and NixOS has its own.
  const hasFstab = (given.fstab ?? given.toplevel ?? given.linux ?? options.linux) !== undefined
  if (!hasFstab && facts.isRoot && !facts.hasNixStore && keys.includes('fstab')) options.fstab = true
  const arch = facts.architecture ?? (facts.systemdBoot.length === 1 ? facts.systemdBoot[0] : undefined)
  if (arch !== undefined && given.arch === undefined && keys.includes('arch')) options.arch = arch
  if (preset === 'raspberry-pi-os' && given.cmdline === undefined) {
    const cmdline = commandLineOf(facts.piBoot)
    if (cmdline !== undefined) options.cmdline = cmdline
  }
  return options
}

/** Words of a cmdline.txt that name another root file system, or resize an ext4 one when it first boots. */
const FOREIGN =
  /^(?:root|rootfstype|rootflags)=|^resize$|^init=\/usr\/lib\/(?:raspberrypi-sys-mods|raspi-config)\//

/** A command line without its root file system; undefined when there is none. */
function commandLineOf(piBoot: PiBootFiles | undefined): string | undefined {
  const words = (piBoot?.cmdline ?? '').split(/\s+/).filter((word) => word !== '' && !FOREIGN.test(word))
  return words.length === 0 ? undefined : words.join(' ')
}

/** What a source contains, in a few words. */
export function describeContent(facts: ContentFacts): string {
  const { osName, isRoot, hasNixStore, nixosSystems, kernels, architecture } = facts
  const what =
    nixosSystems.length > 0
      ? `the closure of ${nixosSystems.join(' and ')}`
      : osName !== undefined
        ? osName
        : hasNixStore
          ? 'a Nix closure'
          : isRoot
            ? 'a root file system'
            : 'files'
  const parts = [
    ...(kernels.length > 0 ? [`the kernel ${kernels.join(' and ')}`] : []),
    ...(facts.systemdBoot.length > 0 ? ['systemd-boot'] : []),
    ...(facts.extlinux === undefined ? [] : ['an extlinux.conf']),
  ]
  const list = parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}` : parts.join('')
  return `${what}${architecture === undefined ? '' : ` for ${architecture}`}${list === '' ? '' : `, with ${list}`}`
}
