/** Does an image boot? What U-Boot and the firmware before it would find, in the order in which they look. */
import { fromBytes, toDisplay, type ByteString, toLatin1 } from '../lib/byte-string.ts'
import type { Finding } from '../lib/finding.ts'
import type { UBootVersion } from '../spec/uboot-version.ts'
import type { BootNode, BootPartition } from './boot-tree.ts'
import { commandLineProblems } from './command-line.ts'
import { parseExtlinux, pathFrom, type ExtlinuxEntry, type ParsedExtlinux } from './extlinux.ts'
import { Arm64Image } from './format.ts'
import { firmwareFindings } from './lint-firmware.ts'
import { fileSystemIssues, fileIssues, kernelIssues, type ReaderIssue } from './reader-rules.ts'

/** Where U-Boot looks, in this order. (bootstd's prefixes, distro_bootcmd's boot_prefixes) */
const PREFIXES = ['', 'boot/']
/** Where it looks when its variable `boot_prefixes` says so. */
const OTHER_PREFIXES = ['@boot/', '@/boot/', '@/']
const FILE = 'extlinux/extlinux.conf'
/** U-Boot takes no larger menu. (extlinux_read_bootflow) */
const MAX_MENU = 0x10000
/** Device trees that are looked at in a folder: each of them is small, and there are hundreds. */
const MAX_DEVICE_TREES = 2000

export interface BootLintOptions {
  /** The U-Boot that boots it; undefined: any. */
  uboot: UBootVersion | undefined
}

/**
 * Looks for what keeps an image from booting with U-Boot.
 *
 * @param partitions those of the image that hold a file system, in the order of their numbers
 */
export async function lintBoot(
  partitions: readonly BootPartition[],
  { uboot }: BootLintOptions,
): Promise<Finding[]> {
  const findings: Finding[] = []
  const boot = partitions.find(({ bootable }) => bootable) ?? partitions[0]
  if (boot === undefined) {
    return [
      { severity: 'error', where: 'the image', message: 'has no partition that U-Boot could boot from' },
    ]
  }
  findings.push(...(await firmwareFindings(partitions)))
  if (!boot.bootable) {
    const message = 'no partition is bootable: U-Boot takes the first one'
    findings.push({ severity: 'warning', where: nameOf(boot), message })
  }
  if (boot.btrfs !== undefined) {
    findings.push(...placed(nameOf(boot), fileSystemIssues(boot.btrfs, uboot)))
  }
  const menu = await findMenu(boot, findings)
  if (menu === undefined) return findings
  return [...findings, ...(await new MenuLint(boot, partitions, menu, uboot).findings())]
}

async function findMenu(boot: BootPartition, findings: Finding[]): Promise<Menu | undefined> {
  const look = async (prefixes: readonly string[]) => {
    for (const prefix of prefixes) {
      const node = await boot.tree.find(prefix + FILE)
      if (node?.type === 'file') return { path: prefix + FILE, node }
    }
    return undefined
  }
  const found = await look(PREFIXES)
  if (found !== undefined) return found
  const where = nameOf(boot)
  const other = await look(OTHER_PREFIXES)
  const begins = boot.btrfs?.defaultSubvolume
  const hint = begins ? `; U-Boot begins in the default subvolume ${JSON.stringify(begins)}` : ''
  const places = PREFIXES.map((prefix) => `/${prefix}${FILE}`).join(' or ')
  if (other === undefined) {
    const message = `has no ${places}${hint}: U-Boot finds nothing to boot here, and goes on to the network`
    findings.push({ severity: 'error', where, message })
    return undefined
  }
  const place = `/${other.path}`
  const message = `has its boot files where only a U-Boot looks whose boot_prefixes say so (${place}): a link "boot" at the top level leads every U-Boot there`
  findings.push({ severity: 'warning', where, message })
  return other
}

interface Menu {
  path: string
  node: BootNode
}

/** Looks at the files that a menu names. */
class MenuLint {
  readonly #boot: BootPartition
  readonly #partitions: readonly BootPartition[]
  readonly #menu: Menu
  readonly #uboot: UBootVersion | undefined
  readonly #findings: Finding[] = []
  /** What is wrong with files, and with which: there may be hundreds of device trees. */
  readonly #issues = new Map<string, { severity: ReaderIssue['severity']; paths: ByteString[] }>()
  /** Files that were looked at; many entries name the same. */
  readonly #seen = new Set<ByteString>()

  constructor(
    boot: BootPartition,
    partitions: readonly BootPartition[],
    menu: Menu,
    uboot: UBootVersion | undefined,
  ) {
    this.#boot = boot
    this.#partitions = partitions
    this.#menu = menu
    this.#uboot = uboot
  }

  async findings(): Promise<Finding[]> {
    const { path, node } = this.#menu
    if (node.size > MAX_MENU) {
      this.#say('error', path, `has ${node.size} bytes: U-Boot refuses a menu of more than ${MAX_MENU}`)
      return this.#findings
    }
    await this.#readable(node)
    const menu = parseExtlinux(toLatin1(fromBytes(await this.#boot.tree.read(node, MAX_MENU))))
    for (const problem of menu.problems) this.#say('warning', path, problem)
    for (const other of menu.includes) {
      this.#say('warning', path, `includes ${JSON.stringify(other)}, and what that says was not looked at`)
    }
    if (menu.entries.length === 0 && menu.includes.length === 0) {
      this.#say('error', path, 'has no entry (LABEL): U-Boot finds nothing to boot')
    }
    const first = this.#defaultOf(menu)
    for (const entry of menu.entries) await this.#entry(entry, entry === first)
    for (const [message, { severity, paths }] of this.#issues) {
      const others = paths.length === 1 ? '' : ` and ${paths.length - 1} more`
      this.#say(severity, paths[0], message, others)
    }
    return this.#findings
  }

  #defaultOf(menu: ParsedExtlinux): ExtlinuxEntry | undefined {
    const chosen = menu.entries.findLast(({ name }) => name === menu.default)
    if (chosen === undefined && menu.default !== undefined && menu.entries.length > 0) {
      const message = `DEFAULT ${menu.default} is none of its entries: U-Boot tries them all, from the first on`
      this.#say('warning', this.#menu.path, message)
    }
    return chosen ?? menu.entries[0]
  }

  /** @param isDefault when it fails, the image does not boot as it should; others are tried after it */
  async #entry(entry: ExtlinuxEntry, isDefault: boolean): Promise<void> {
    const severity = isDefault ? 'error' : 'warning'
    const where = `${this.#menu.path}, entry ${entry.name}`
    if (entry.localboot) return
    if (entry.kernel === undefined) {
      this.#say(severity, where, 'names no kernel (LINUX): U-Boot skips it')
      return
    }
    const kernel = await this.#file(where, 'kernel', entry.kernel, severity)
    if (kernel !== undefined && !this.#seen.has(`kernel ${kernel.path}`)) {
      this.#seen.add(`kernel ${kernel.path}`)
      const head = await this.#boot.tree.read(kernel, Arm64Image.size)
      this.#tell(kernel.path, kernelIssues(head, this.#uboot))
    }
    if (entry.initrd !== undefined) await this.#file(where, 'initrd', entry.initrd, severity)
    if (entry.fdt !== undefined) await this.#file(where, 'device tree', entry.fdt, severity)
    else if (entry.fdtdir !== undefined) await this.#deviceTrees(where, entry.fdtdir)
    for (const overlay of entry.fdtoverlays ?? []) await this.#file(where, 'overlay', overlay, 'warning')
    for (const problem of commandLineProblems(entry.append ?? '', this.#partitions)) {
      this.#say(severity, where, problem)
    }
  }

  async #file(
    where: string,
    what: string,
    path: string,
    severity: 'error' | 'warning',
  ): Promise<BootNode | undefined> {
    const place = pathFrom(`/${this.#menu.path}`, path).slice(1)
    const node = await this.#boot.tree.find(place)
    if (node?.type === 'file') {
      await this.#readable(node)
      return node
    }
    const found = node === undefined ? 'is not there' : 'is no file'
    const then = what === 'overlay' ? 'boots without it' : 'skips the entry'
    this.#say(severity, where, `its ${what} ${shown(place)} ${found}: U-Boot ${then}`)
    return undefined
  }

  async #deviceTrees(where: string, path: string): Promise<void> {
    const place = pathFrom(`/${this.#menu.path}`, path).slice(1)
    const folder = await this.#boot.tree.find(place)
    if (folder?.type !== 'directory') {
      const message = `its folder of device trees ${shown(place)} is not there: U-Boot gives the kernel the firmware's`
      this.#say('warning', where, message)
      return
    }
    if (this.#seen.has(folder.path)) return
    this.#seen.add(folder.path)
    let left = MAX_DEVICE_TREES
    const look = async (folder: BootNode, depth: number): Promise<void> => {
      for (const name of await this.#boot.tree.list(folder)) {
        if (left <= 0) return
        const node = await this.#boot.tree.find(`${folder.path}/${name}`)
        if (node?.type === 'directory' && depth < 8) await look(node, depth + 1)
        if (node?.type !== 'file' || !name.endsWith('.dtb')) continue
        left--
        await this.#readable(node)
      }
    }
    await look(folder, 0)
    if (left === MAX_DEVICE_TREES) {
      this.#say(
        'warning',
        where,
        `its folder ${shown(place)} holds no device tree: U-Boot gives the kernel the firmware's`,
      )
    }
  }

  /** Whether U-Boot reads what it finds. */
  async #readable(node: BootNode): Promise<void> {
    if (this.#seen.has(`form ${node.path}`)) return
    this.#seen.add(`form ${node.path}`)
    this.#tell(node.path, fileIssues(await this.#boot.tree.form(node), this.#uboot))
  }

  #tell(path: ByteString, issues: readonly ReaderIssue[]): void {
    for (const { severity, message } of issues) {
      const known = this.#issues.get(message)
      if (known === undefined) this.#issues.set(message, { severity, paths: [path] })
      else known.paths.push(path)
    }
  }

  #say(severity: Finding['severity'], path: ByteString, message: string, others = ''): void {
    this.#findings.push({ severity, where: `${nameOf(this.#boot)}, ${shown(path)}${others}`, message })
  }
}

function nameOf({ number, label }: BootPartition): string {
  return label === '' ? `partition ${number}` : `partition ${number} (${label})`
}

const shown = (path: ByteString) => toDisplay(path.startsWith('/') ? path : `/${path}`)

function placed(where: string, issues: readonly ReaderIssue[]): Finding[] {
  return issues.map((trouble) => ({ where, ...trouble }))
}
