/**
 * Entries of the Boot Loader Specification, type 1: `loader/entries/*.conf`, read the way systemd-boot reads them.
 * (UAPI boot loader specification; config_entry_add_type1 of systemd's boot.c)
 */

/** What an entry boots. Paths begin at the root of its partition. */
export interface BlsEntry {
  title?: string | undefined
  /** Entries of the same sort key are ordered by it, the newest first. */
  version?: string | undefined
  machineId?: string | undefined
  sortKey?: string | undefined
  /** A kernel with an EFI stub. */
  linux?: string | undefined
  /** Any other EFI program. */
  efi?: string | undefined
  /** A unified kernel image. (systemd 258) */
  uki?: string | undefined
  /** Loaded one behind the other. */
  initrds?: readonly string[] | undefined
  /** The kernel's command line. */
  options?: string | undefined
  devicetree?: string | undefined
  devicetreeOverlays?: readonly string[] | undefined
  /** The only architecture whose boot loaders show it, like `x64` or `AA64`. */
  architecture?: string | undefined
}

/** An entry with everything that is ignored in it, a sentence each. */
export interface ParsedBlsEntry extends BlsEntry {
  problems: readonly string[]
}

/** Keys that have one value: the last line counts. */
const SINGLE: Readonly<Record<string, keyof BlsEntry>> = {
  title: 'title',
  version: 'version',
  'machine-id': 'machineId',
  'sort-key': 'sortKey',
  linux: 'linux',
  efi: 'efi',
  uki: 'uki',
  devicetree: 'devicetree',
  architecture: 'architecture',
}
/** Keys of other boot loaders, or of other versions. */
const OTHER = new Set([
  'grub_hotkey',
  'grub_users',
  'grub_class',
  'grub_arg',
  'id',
  'profile',
  'extra',
  'uki-url',
])

/** The text of an entry, in the order of keys that NixOS has. */
export function formatBlsEntry(entry: BlsEntry): string {
  const line = (key: string, value: string | undefined) => (value === undefined ? [] : [`${key} ${value}`])
  const lines = [
    ...line('title', entry.title),
    ...line('sort-key', entry.sortKey),
    ...line('version', entry.version),
    ...line('architecture', entry.architecture),
    ...line('linux', entry.linux),
    ...line('efi', entry.efi),
    ...line('uki', entry.uki),
    ...(entry.initrds ?? []).flatMap((initrd) => line('initrd', initrd)),
    ...line('options', entry.options),
    ...line('machine-id', entry.machineId),
    ...line('devicetree', entry.devicetree),
    ...line('devicetree-overlay', entry.devicetreeOverlays?.join(' ')),
  ]
  return `${lines.join('\n')}\n`
}

/** One line of an entry or of a loader.conf. */
export interface ConfLine {
  /** Counted from 1. */
  number: number
  key: string
  /** '' when there is none. */
  value: string
}

/** The lines that are neither empty nor comments: a key, white space, and a value to the end of the line. */
export function confLines(text: string): ConfLine[] {
  return text.split(/\r\n|[\r\n]/).flatMap((raw, i) => {
    const line = raw.replace(/^[ \t]+|[ \t]+$/g, '')
    if (line === '' || line.startsWith('#')) return []
    const key = /^[^ \t]*/.exec(line)![0]
    const value = line.slice(key.length).replace(/^[ \t]+/, '')
    // Quotes around a value belong to the syntax.
    const quoted = /^"(.*)"$/.exec(value)?.[1]
    return [{ number: i + 1, key, value: quoted ?? value }]
  })
}

/** Reads an entry as systemd-boot does, which accepts any text. */
export function parseBlsEntry(text: string): ParsedBlsEntry {
  const problems: string[] = []
  const entry: BlsEntry = {}
  const initrds: string[] = []
  const options: string[] = []
  const overlays: string[] = []
  for (const { number, key, value } of confLines(text)) {
    if (value === '') {
      problems.push(`line ${number}: ${key} has no value`)
      continue
    }
    const single = SINGLE[key]
    if (single !== undefined) {
      if (entry[single] !== undefined)
        problems.push(`line ${number}: ${key} appears twice; the second one counts`)
      Object.assign(entry, { [single]: value })
    } else if (key === 'initrd') initrds.push(value)
    else if (key === 'options') options.push(value)
    else if (key === 'devicetree-overlay') overlays.push(...value.split(/[ \t]+/))
    else if (!OTHER.has(key)) problems.push(`line ${number}: the key ${key} is unknown, and ignored`)
  }
  return {
    ...entry,
    ...(initrds.length > 0 && { initrds }),
    ...(options.length > 0 && { options: options.join(' ') }),
    ...(overlays.length > 0 && { devicetreeOverlays: overlays }),
    problems,
  }
}
