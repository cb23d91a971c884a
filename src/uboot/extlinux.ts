/**
 * extlinux.conf: the menu that U-Boot boots from, read the way U-Boot reads it. (boot/pxe_utils.c; the format is that
 * of syslinux's, as far as U-Boot knows it)
 */

/** One entry of the menu. Paths are as the file has them: see `pathFrom`. */
export interface ExtlinuxEntry {
  name: string
  /** The text in the menu. */
  title?: string | undefined
  kernel?: string | undefined
  initrd?: string | undefined
  /** The kernel's command line. */
  append?: string | undefined
  /** A folder of device trees, of which U-Boot takes the one of its board. */
  fdtdir?: string | undefined
  /** One device tree. */
  fdt?: string | undefined
  /** Laid over the device tree, in this order. */
  fdtoverlays?: readonly string[] | undefined
  /** APPEND ends with an initrd= that U-Boot takes for the initrd. Read from a menu, never written. */
  hasOpenInitrd?: boolean | undefined
  /** Boots what U-Boot's variable `localcmd` says, and no kernel. */
  localboot?: boolean | undefined
}

export interface Extlinux {
  title?: string | undefined
  /** Name of the entry that is booted without a choice. */
  default?: string | undefined
  /** Tenths of a second to wait for a choice; 0: forever, less: no menu at all. */
  timeout: number
  entries: readonly ExtlinuxEntry[]
}

/** A menu as U-Boot reads it, with everything that it ignores or reads in another way. */
export interface ParsedExtlinux extends Extlinux {
  includes: readonly string[]
  /** A sentence each, with the line. */
  problems: readonly string[]
}

/** The text of an extlinux.conf. */
export function formatExtlinux({ title, default: chosen, timeout, entries }: Extlinux): string {
  const line = (key: string, value: string | number | undefined) =>
    value === undefined ? [] : [`${key} ${value}`]
  const head = [...line('DEFAULT', chosen), '', ...line('MENU TITLE', title), `TIMEOUT ${timeout}`]
  const menu = entries.map((entry) =>
    [
      `LABEL ${entry.name}`,
      ...line('  MENU LABEL', entry.title),
      ...line('  LINUX', entry.kernel),
      ...line('  INITRD', entry.initrd),
      ...line('  APPEND', entry.append),
      ...line('  FDT', entry.fdt),
      ...line('  FDTDIR', entry.fdtdir),
      ...line('  FDTOVERLAYS', entry.fdtoverlays?.join(' ')),
      ...line('  LOCALBOOT', entry.localboot ? 1 : undefined),
    ].join('\n'),
  )
  return `${[head.join('\n'), ...menu].join('\n\n')}\n`
}

/** Keywords of an entry; any other keyword ends it. */
const ENTRY_KEYS = new Map<string, keyof ExtlinuxEntry>([
  ['kernel', 'kernel'],
  ['linux', 'kernel'],
  ['initrd', 'initrd'],
  ['append', 'append'],
  ['fdt', 'fdt'],
  ['devicetree', 'fdt'],
  ['fdtdir', 'fdtdir'],
  ['devicetreedir', 'fdtdir'],
])
/** Of several lines with one of these keys, or with overlays, the first one counts; of all others the last one. */
const FIRST_LINE_COUNTS = new Set<keyof ExtlinuxEntry>(['initrd', 'fdt', 'fdtdir'])

interface Line {
  number: number
  keyword: string
  value: string
}

/** The lines of a menu that say something. */
function linesOf(text: string): Line[] {
  return text.split('\n').flatMap((raw, i) => lineOf(raw, i + 1) ?? [])
}

/** Splits a line into keyword and value. A `#` begins a comment at the start of a line or of a value only. */
function lineOf(raw: string, number: number): Line | undefined {
  const line = raw.replace(/^[ \t]+/, '')
  if (line === '' || line.startsWith('#')) return undefined
  const keyword = /^[^\s]*/.exec(line)![0]
  const value = line.slice(keyword.length).replace(/^[ \t\v\f\r]*/, '')
  return { number, keyword: keyword.toLowerCase(), value: value.startsWith('#') ? '' : value }
}

/** Reads a menu as U-Boot does, which accepts any text. */
export function parseExtlinux(text: string): ParsedExtlinux {
  const entries: ExtlinuxEntry[] = []
  const includes: string[] = []
  const problems: string[] = []
  let title: string | undefined
  let chosen: string | undefined
  let timeout = 0
  let entry: ExtlinuxEntry | undefined
  if (text.includes('\r'))
    problems.push('it has CRLF line endings; U-Boot takes the CR as part of a file name')
  if (text.includes('\0')) problems.push('it contains a NUL byte, at which U-Boot stops reading')
  const left = linesOf(text.split('\0')[0]).reverse()
  for (let line = left.pop(); line !== undefined; line = left.pop()) {
    const { number, keyword, value } = line
    const problem = (message: string) => problems.push(`line ${number}: ${message}`)
    const needsValue = () => {
      if (value === '') problem(`${keyword.toUpperCase()} without a value: U-Boot reads no further`)
    }
    /** A line that U-Boot ignores, but for its value: that it reads as the next line. */
    const readOn = (first: string) => {
      const then = 'and reads what follows the keyword as a line of its own'
      problem(`${keyword.toUpperCase()} appears twice: U-Boot takes ${JSON.stringify(first)}, ${then}`)
      const rest = lineOf(value, number)
      if (rest !== undefined) left.push(rest)
    }
    if (keyword === 'label') {
      needsValue()
      entries.push((entry = { name: value }))
      continue
    }
    if (entry !== undefined) {
      const key = ENTRY_KEYS.get(keyword)
      if (key !== undefined) {
        if (entry[key] !== undefined && FIRST_LINE_COUNTS.has(key)) readOn(entry[key] as string)
        else {
          needsValue()
          Object.assign(entry, { [key]: value })
        }
        if (key === 'append') takeInitrd(entry, value)
        continue
      }
      if (keyword === 'fdtoverlays' || keyword === 'devicetree-overlay') {
        if (entry.fdtoverlays !== undefined) readOn(entry.fdtoverlays.join(' '))
        else {
          needsValue()
          entry.fdtoverlays = value.split(' ').filter((name) => name !== '')
        }
        continue
      }
      if (keyword === 'localboot') {
        entry.localboot = true
        continue
      }
      if (keyword === 'menu') {
        const [, what, rest] = /^(\S*)[ \t]*([^]*)$/.exec(value)!
        if (what.toLowerCase() === 'label') entry.title = rest
        else if (what.toLowerCase() === 'default') chosen ??= entry.name
        else problem(`MENU ${what.toUpperCase()} is ignored`)
        continue
      }
      if (keyword === 'ipappend' || keyword === 'kaslrseed') continue
      entry = undefined
    }
    if (keyword === 'default' || keyword === 'ontimeout') {
      needsValue()
      chosen = value
    } else if (keyword === 'timeout') {
      timeout = parseInt(value, 10) || 0
      if (!/^-?\d+\s*$/.test(value)) problem(`TIMEOUT ${JSON.stringify(value)} is not a number`)
    } else if (keyword === 'menu') {
      const [, what, rest] = /^(\S*)[ \t]*([^]*)$/.exec(value)!
      if (what.toLowerCase() === 'title') title = rest
      else if (what.toLowerCase() === 'include') includes.push(rest)
      else if (what.toLowerCase() !== 'background') problem(`MENU ${what.toUpperCase()} is ignored`)
    } else if (keyword === 'include') includes.push(value)
    else if (keyword !== 'prompt') {
      const shown = keyword.toUpperCase()
      problem(
        ENTRY_KEYS.has(keyword)
          ? `${shown} belongs to no entry, because the line before ended it`
          : `${shown} is unknown to U-Boot, and ends its entry`,
      )
    }
  }
  return { title, default: chosen, timeout, entries, includes, problems }
}

/** An initrd= in APPEND is the initrd, if no INITRD came before: up to the next space, wherever it stands. */
function takeInitrd(entry: ExtlinuxEntry, append: string): void {
  const start = append.indexOf('initrd=')
  if (start < 0 || entry.initrd !== undefined) return
  const rest = append.slice(start + 'initrd='.length)
  const end = rest.indexOf(' ')
  entry.initrd = end < 0 ? rest : rest.slice(0, end)
  if (end < 0) entry.hasOpenInitrd = true
}

/**
 * The path of a file that a menu names, from the root of the file system: relative paths begin in the folder of the
 * menu. `..` is kept, as symlinks may lead elsewhere. A part from `#` on names a configuration inside a kernel, and is
 * removed.
 *
 * @param file path of the extlinux.conf
 */
export function pathFrom(file: string, path: string): string {
  const name = path.replace(/#[^]*/, '')
  return name.startsWith('/') ? name : `${file.slice(0, file.lastIndexOf('/') + 1)}${name}`
}
