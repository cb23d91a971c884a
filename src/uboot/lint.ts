/** Checks whether an image boots, by reading it as the firmware and U-Boot do. */
import { fromBytes, toDisplay, type ByteString, toLatin1 } from '../lib/byte-string.ts'
import type { Finding } from '../lib/finding.ts'
import type { UBootVersion } from '../spec/notation/uboot-version.ts'
import type { PartitionList } from './block-device.ts'
import type { BootDisk, BootNode, BootPartition, PartitionNames } from './boot-tree.ts'
import { commandLineProblems } from './command-line.ts'
import { parseExtlinux, pathFrom, type ExtlinuxEntry, type ParsedExtlinux } from './extlinux.ts'
import { Arm64Image } from './format.ts'
import { blobFindings } from './blobs/lint-blobs.ts'
import {
  CUSTOM_PREFIXES,
  findMenu,
  MAX_MENU,
  MENU_FILE,
  PREFIXES,
  ubootPartition,
  type Menu,
} from './find-menu.ts'
import { firmwareLint } from './lint-firmware.ts'
import { isEsp } from './partition-types.ts'
import { fileSystemIssues, fileIssues, kernelIssues, type ReaderIssue } from './reader-rules.ts'
import { uefiFindings } from './uefi/lint-uefi.ts'

/** Device trees of a folder that are checked; there are usually hundreds of small ones. */
const MAX_DEVICE_TREES = 2000

export interface BootLintOptions {
  /** Version of the U-Boot that boots the image; undefined: any. */
  uboot: UBootVersion | undefined
  /** Partitions without a file system that boot loaders read. */
  others?: readonly PartitionNames[]
  /** The disk around them, for what lies outside of partitions. */
  disk?: BootDisk | undefined
}

/**
 * Finds everything that keeps an image from booting, or may: with UEFI, with the firmware of a Raspberry Pi, and with
 * U-Boot, whichever it is made for.
 *
 * @param partitions those with a file system, in the order of their numbers
 * @returns errors, with which the image does not boot as it should, warnings, and notices
 */
export async function lintBoot(
  partitions: readonly BootPartition[],
  { uboot, others = [], disk }: BootLintOptions,
): Promise<Finding[]> {
  const all = { readable: partitions, others }
  const findings: Finding[] = []
  if (disk !== undefined) findings.push(...(await blobFindings(disk)))
  const firmware = await firmwareLint(all)
  findings.push(...(firmware?.findings ?? []))
  const uefi = await uefiFindings(all)
  findings.push(...(uefi ?? []))
  if (firmware?.startsUBoot === false) return findings
  const { partition: boot, menu } = await ubootPartition(partitions)
  // U-Boot is one of the firmwares that start EFI programs.
  return uefi !== undefined && menu === undefined
    ? findings
    : [...findings, ...(await ubootFindings(boot, all, uboot))]
}

/** What keeps U-Boot from booting by an extlinux.conf. */
async function ubootFindings(
  boot: BootPartition | undefined,
  partitions: PartitionList,
  uboot: UBootVersion | undefined,
): Promise<Finding[]> {
  const findings: Finding[] = []
  if (boot === undefined) {
    return [
      { severity: 'error', where: 'the image', message: 'has no partition that U-Boot could boot from' },
    ]
  }
  if (!boot.bootable && !isEsp(boot)) {
    const message = 'no partition is bootable: U-Boot takes the first one'
    findings.push({ severity: 'warning', where: nameOf(boot), message })
  }
  if (boot.btrfs !== undefined) {
    findings.push(...findingsAt(nameOf(boot), fileSystemIssues(boot.btrfs, uboot)))
  }
  const menu = await checkedMenu(boot, findings)
  if (menu === undefined) return findings
  return [...findings, ...(await new MenuLint(boot, partitions, menu, uboot).findings())]
}

async function checkedMenu(boot: BootPartition, findings: Finding[]): Promise<Menu | undefined> {
  const found = await findMenu(boot, PREFIXES)
  if (found !== undefined) return found
  const where = nameOf(boot)
  const other = await findMenu(boot, CUSTOM_PREFIXES)
  const begins = boot.btrfs?.defaultSubvolume
  const hint = begins ? `; U-Boot starts in the default subvolume ${JSON.stringify(begins)}` : ''
  const places = PREFIXES.map((prefix) => `/${prefix}${MENU_FILE}`).join(' or ')
  if (other === undefined) {
    const message = `has no ${places}${hint}: U-Boot finds nothing to boot here, and goes on to the network`
    findings.push({ severity: 'error', where, message })
    return undefined
  }
  const place = `/${other.path}`
  const message = `has its boot files at ${place}, which U-Boot searches only if boot_prefixes lists that directory; a symlink "boot" at the top level makes every U-Boot find them`
  findings.push({ severity: 'warning', where, message })
  return other
}

/** Checks a menu and the files that it names. */
class MenuLint {
  readonly #boot: BootPartition
  readonly #partitions: PartitionList
  readonly #menu: Menu
  readonly #uboot: UBootVersion | undefined
  readonly #findings: Finding[] = []
  /** Paths of files by the issue they have, as hundreds of device trees may have the same. */
  readonly #issues = new Map<string, { severity: ReaderIssue['severity']; paths: ByteString[] }>()
  /** Files that were checked; many entries name the same ones. */
  readonly #seen = new Set<ByteString>()

  constructor(boot: BootPartition, partitions: PartitionList, menu: Menu, uboot: UBootVersion | undefined) {
    this.#boot = boot
    this.#partitions = partitions
    this.#menu = menu
    this.#uboot = uboot
  }

  async findings(): Promise<Finding[]> {
    const { path, node } = this.#menu
    if (node.size > MAX_MENU) {
      this.#report('error', path, `has ${node.size} bytes: U-Boot refuses a menu of more than ${MAX_MENU}`)
      return this.#findings
    }
    await this.#checkLayout(node)
    const menu = parseExtlinux(toLatin1(fromBytes(await this.#boot.tree.read(node, MAX_MENU))))
    for (const problem of menu.problems) this.#report('warning', path, problem)
    for (const other of menu.includes) {
      this.#report('warning', path, `includes ${JSON.stringify(other)}, which was not checked`)
    }
    if (menu.entries.length === 0 && menu.includes.length === 0) {
      this.#report('error', path, 'has no entry (LABEL): U-Boot finds nothing to boot')
    }
    const first = this.#defaultOf(menu)
    for (const entry of menu.entries) await this.#checkEntry(entry, entry === first)
    for (const [message, { severity, paths }] of this.#issues) {
      const others = paths.length === 1 ? '' : ` and ${paths.length - 1} more`
      this.#report(severity, paths[0], message, others)
    }
    return this.#findings
  }

  #defaultOf(menu: ParsedExtlinux): ExtlinuxEntry | undefined {
    const chosen = menu.entries.findLast(({ name }) => name === menu.default)
    if (chosen === undefined && menu.default !== undefined && menu.entries.length > 0) {
      const message = `DEFAULT ${menu.default} names no entry of the menu: U-Boot tries the entries in order`
      this.#report('warning', this.#menu.path, message)
    }
    return chosen ?? menu.entries[0]
  }

  /** @param isDefault U-Boot boots it first; without it, the image does not boot as it should */
  async #checkEntry(entry: ExtlinuxEntry, isDefault: boolean): Promise<void> {
    const severity = isDefault ? 'error' : 'warning'
    const where = `${this.#menu.path}, entry ${entry.name}`
    if (entry.localboot) return
    if (entry.kernel === undefined) {
      this.#report(severity, where, 'names no kernel (LINUX): U-Boot skips it')
      return
    }
    const kernel = await this.#checkFile(where, 'kernel', entry.kernel, severity)
    if (kernel !== undefined && !this.#seen.has(`kernel ${kernel.path}`)) {
      this.#seen.add(`kernel ${kernel.path}`)
      const head = await this.#boot.tree.read(kernel, Arm64Image.size)
      this.#addIssues(kernel.path, kernelIssues(head, this.#uboot))
    }
    if (entry.initrd !== undefined) await this.#checkFile(where, 'initrd', entry.initrd, severity)
    if (entry.hasOpenInitrd === true) {
      const message =
        'nothing follows the initrd= at the end of APPEND: U-Boot looks for the space behind it, and crashes'
      this.#report(severity, where, message)
    }
    if (entry.fdt !== undefined) await this.#checkFile(where, 'device tree', entry.fdt, severity)
    else if (entry.fdtdir !== undefined) await this.#checkDeviceTrees(where, entry.fdtdir)
    for (const overlay of entry.fdtoverlays ?? []) await this.#checkFile(where, 'overlay', overlay, 'warning')
    for (const problem of await commandLineProblems(entry.append ?? '', this.#partitions)) {
      this.#report(severity, where, problem)
    }
  }

  async #checkFile(
    where: string,
    what: string,
    path: string,
    severity: 'error' | 'warning',
  ): Promise<BootNode | undefined> {
    const place = pathFrom(`/${this.#menu.path}`, path).slice(1)
    const node = await this.#boot.tree.find(place)
    if (node?.type === 'file') {
      await this.#checkLayout(node)
      return node
    }
    const isList = what === 'initrd' && node === undefined && /[ ,]/.test(path)
    const found =
      node === undefined ? `is not there${isList ? ' (U-Boot loads only one initrd)' : ''}` : 'is not a file'
    const then = what === 'overlay' ? 'boots without it' : 'skips the entry'
    this.#report(severity, where, `its ${what} ${formatPath(place)} ${found}: U-Boot ${then}`)
    return undefined
  }

  async #checkDeviceTrees(where: string, path: string): Promise<void> {
    const place = pathFrom(`/${this.#menu.path}`, path).slice(1)
    const folder = await this.#boot.tree.find(place)
    if (folder?.type !== 'directory') {
      const message = `its folder of device trees ${formatPath(place)} is not there: U-Boot gives the kernel the firmware's`
      this.#report('warning', where, message)
      return
    }
    if (this.#seen.has(folder.path)) return
    this.#seen.add(folder.path)
    let remaining = MAX_DEVICE_TREES
    const check = async (folder: BootNode, depth: number): Promise<void> => {
      for (const name of await this.#boot.tree.list(folder)) {
        if (remaining <= 0) return
        const node = await this.#boot.tree.find(`${folder.path}/${name}`)
        if (node?.type === 'directory' && depth < 8) await check(node, depth + 1)
        if (node?.type !== 'file' || !name.endsWith('.dtb')) continue
        remaining--
        await this.#checkLayout(node)
      }
    }
    await check(folder, 0)
    if (remaining === MAX_DEVICE_TREES) {
      this.#report(
        'warning',
        where,
        `its folder ${formatPath(place)} holds no device tree: U-Boot gives the kernel the firmware's`,
      )
    }
  }

  /** Checks that U-Boot can read a file. */
  async #checkLayout(node: BootNode): Promise<void> {
    if (this.#seen.has(`form ${node.path}`)) return
    this.#seen.add(`form ${node.path}`)
    this.#addIssues(node.path, fileIssues(await this.#boot.tree.form(node), this.#uboot))
  }

  #addIssues(path: ByteString, issues: readonly ReaderIssue[]): void {
    for (const { severity, message } of issues) {
      const known = this.#issues.get(message)
      if (known === undefined) this.#issues.set(message, { severity, paths: [path] })
      else known.paths.push(path)
    }
  }

  #report(severity: Finding['severity'], path: ByteString, message: string, others = ''): void {
    this.#findings.push({ severity, where: `${nameOf(this.#boot)}, ${formatPath(path)}${others}`, message })
  }
}

function nameOf({ number, label }: BootPartition): string {
  return label === '' ? `partition ${number}` : `partition ${number} (${label})`
}

const formatPath = (path: ByteString) => toDisplay(path.startsWith('/') ? path : `/${path}`)

function findingsAt(where: string, issues: readonly ReaderIssue[]): Finding[] {
  return issues.map((issue) => ({ where, ...issue }))
}
