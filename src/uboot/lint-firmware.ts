/** Checks that the firmware of a Raspberry Pi starts U-Boot, or a kernel. */
import { fromText, lowerCaseAscii, type ByteString } from '../lib/byte-string.ts'
import type { Finding } from '../lib/finding.ts'
import type { PiVersion } from '../spec/plan/plan.ts'
import { autobootProblems, parseAutoboot } from './autoboot-txt.ts'
import type { PartitionList } from './block-device.ts'
import type { BootPartition } from './boot-tree.ts'
import {
  configTxtProblems,
  parseConfigTxt,
  PI_VERSIONS,
  settingFor,
  versionsOf,
  type ConfigLine,
} from './config-txt.ts'
import { missingFirmware } from './firmware.ts'
import {
  cmdlineOf,
  directStartFindings,
  firmwarePartitionName,
  readText,
  type Start,
} from './lint-direct-start.ts'
import { DEFAULT_KERNELS, mainBoardOf, PI_BOARDS, type PiBoard } from './pi-boards.ts'

export interface FirmwareLint {
  findings: Finding[]
  /** False: the firmware starts kernels itself, and no U-Boot. */
  startsUBoot: boolean
}

type Problem = Pick<Finding, 'severity' | 'message'>

/**
 * Checks the partitions that the firmware starts from: the first FAT if it has firmware files, or those that its
 * autoboot.txt names.
 *
 * @returns undefined when the image is not for a Raspberry Pi
 */
export async function firmwareLint(partitions: PartitionList): Promise<FirmwareLint | undefined> {
  const first = partitions.readable.find(({ type }) => type === 'fat')
  if (first === undefined) return undefined
  const names = await namesIn(first)
  const autoboot = names.has('autoboot.txt') ? await readText(first, 'autoboot.txt') : undefined
  if (autoboot === undefined) return partitionLint(first, names, partitions)
  const where = `${firmwarePartitionName(first)}, /autoboot.txt`
  const findings: Finding[] = autobootProblems(autoboot).map((message) => ({
    severity: 'warning',
    where,
    message,
  }))
  const slots = parseAutoboot(autoboot)
  const numbers = [
    ...new Set([slots.partition ?? first.number, ...(slots.tryboot === undefined ? [] : [slots.tryboot])]),
  ]
  let startsUBoot = false
  for (const number of numbers) {
    // The first one is what a board starts without being asked.
    const severity = number === numbers[0] ? 'error' : 'warning'
    const partition = partitions.readable.find((one) => one.number === number && one.type === 'fat')
    const lint = partition && (await partitionLint(partition, await namesIn(partition), partitions))
    if (lint === undefined) {
      const what =
        partition === undefined ? 'is not a FAT partition of the image' : 'has no config.txt and no firmware'
      findings.push({
        severity,
        where,
        message: `boot_partition=${number} ${what}: the firmware does not start from it`,
      })
      continue
    }
    startsUBoot ||= lint.startsUBoot
    findings.push(...lint.findings.map((finding) => (number === numbers[0] ? finding : softened(finding))))
  }
  return { findings, startsUBoot }
}

const softened = (finding: Finding): Finding =>
  finding.severity === 'error' ? { ...finding, severity: 'warning' } : finding

async function partitionLint(
  partition: BootPartition,
  names: ReadonlySet<ByteString>,
  partitions: PartitionList,
): Promise<FirmwareLint | undefined> {
  const hasConfig = names.has('config.txt')
  if (!hasConfig && !['bootcode.bin', 'start.elf', 'start4.elf'].some((name) => names.has(name)))
    return undefined
  const where = firmwarePartitionName(partition)
  if (!hasConfig && !names.has('kernel8.img')) {
    const message = 'has no config.txt: the firmware looks for a kernel8.img, and never starts U-Boot'
    return { findings: [{ severity: 'error', where, message }], startsUBoot: true }
  }
  const text = hasConfig ? await readText(partition, 'config.txt') : ''
  const lines = parseConfigTxt(text)
  const has = (name: string) => names.has(fromText(name.toLowerCase()))
  const config = `${where}, /config.txt`
  const starts = versionsIn(lines, has).map((version) => startOf(lines, version, has))
  const findings: Finding[] = configTxtProblems(text).map((message) => ({
    ...{ severity: 'warning', where: config, message },
  }))
  if (starts.length === 0) {
    const message = 'names no kernel: the firmware looks for a kernel8.img, and never starts U-Boot'
    return { findings: [...findings, { severity: 'error', where: config, message }], startsUBoot: true }
  }
  for (const start of starts) {
    findings.push(...settingProblems(lines, start, has).map((problem) => ({ where: config, ...problem })))
  }
  const settings = {
    isChecked: (version: PiVersion) => settingFor(lines, version, 'os_check') !== '0',
    deviceTree: (version: PiVersion) => settingFor(lines, version, 'device_tree'),
    kernel: (version: PiVersion) => starts.find((start) => start.version === version)!.kernel,
  }
  const versions = starts.map(({ version }) => version)
  findings.push(
    ...missingFirmware(versions, has, settings).map(({ name, consequence }) => ({
      ...{ severity: 'error' as const, where, message: `has no ${name}: ${consequence}` },
    })),
  )
  if (starts.some(({ isUBoot }) => !isUBoot)) {
    findings.push(...(await directStartFindings(partition, lines, starts, has, partitions)))
  }
  return { findings, startsUBoot: starts.some(({ isUBoot }) => isUBoot) }
}

function startOf(lines: readonly ConfigLine[], version: PiVersion, has: (name: string) => boolean): Start {
  const named = settingFor(lines, version, 'kernel')
  const anyBoard = PI_BOARDS.filter((board) => board.version === version)
    .map((board) => settingFor(lines, version, 'kernel', board))
    .find((kernel) => kernel !== undefined)
  const kernel = named ?? anyBoard ?? DEFAULT_KERNELS[version].find(has) ?? DEFAULT_KERNELS[version].at(-1)!
  // A kernel has its command line in a file; U-Boot needs none.
  const isUBoot =
    (named ?? anyBoard) !== undefined && (/u-?boot/i.test(kernel) || !has(cmdlineOf(lines, version)))
  return { version, kernel, isNamed: named !== undefined, isUBoot }
}

/** The versions that a partition is for: a setting names their kernel, or kernel and device tree have the default names. */
function versionsIn(lines: readonly ConfigLine[], has: (name: string) => boolean): PiVersion[] {
  const hasTree = (version: PiVersion) => mainBoardOf(version).deviceTrees.some(has)
  // Partitions made before there was a 5 say nothing of it, and name a kernel for all boards.
  const named = versionsOf(lines, (version) => version !== 5 || hasTree(version))
  const start = { 3: 'start.elf', 4: 'start4.elf', 5: 'config.txt' } as const
  const unnamed = PI_VERSIONS.filter(
    (version) =>
      DEFAULT_KERNELS[version].some(has) && hasTree(version) && (version === 5 || has(start[version])),
  )
  return PI_VERSIONS.filter((version) => named.includes(version) || unnamed.includes(version))
}

/** Names in the root in lower case, as FAT ignores case. */
async function namesIn({ tree }: BootPartition): Promise<Set<ByteString>> {
  const root = await tree.find('')
  const names = root === undefined ? [] : await tree.list(root)
  return new Set(names.map((name) => lowerCaseAscii(name)))
}

function settingProblems(
  lines: readonly ConfigLine[],
  { version, kernel, isNamed, isUBoot }: Start,
  has: (name: string) => boolean,
): Problem[] {
  const problems: Problem[] = []
  const error = (message: string) => problems.push({ severity: 'error', message })
  const setting = (key: string) => settingFor(lines, version, key)
  const isOdd = (file: string) => file.includes('/')
  if (isNamed && !isOdd(kernel) && !has(kernel)) {
    error(`kernel=${kernel} is not on the partition: a Raspberry Pi ${version} stops at the rainbow screen`)
  }
  const armstub = setting('armstub')
  if (armstub !== undefined && !isOdd(armstub) && !has(armstub)) {
    const then = isUBoot
      ? 'starts U-Boot incorrectly, and interrupts do not work'
      : 'does not start the kernel'
    error(`armstub=${armstub} is not on the partition: a Raspberry Pi ${version} ${then}`)
  }
  const what = isUBoot ? 'U-Boot' : 'kernel'
  // Of the 5 it is the default, and the only mode.
  if (
    version !== 5 &&
    (setting('arm_64bit') === '0' || (version === 3 && setting('arm_64bit') === undefined))
  ) {
    error(`does not set arm_64bit=1: a Raspberry Pi ${version} starts a 64-bit ${what} in 32-bit mode`)
  }
  // The UART of the 5 has a clock of its own.
  if (isUBoot && version !== 5 && setting('enable_uart') !== '1') {
    const message = `does not set enable_uart=1: U-Boot on a Raspberry Pi ${version} may hang before its first line`
    problems.push({ severity: 'warning', message })
  }
  problems.push(...boardProblems(lines, version, has))
  return problems
}

/** Kernels that settings for one board of a version name, and that are not there. */
function boardProblems(
  lines: readonly ConfigLine[],
  version: PiVersion,
  has: (name: string) => boolean,
): Problem[] {
  const others: PiBoard[] = PI_BOARDS.filter((board) => board.version === version).slice(1)
  const main = settingFor(lines, version, 'kernel')
  const missing = new Map<string, string[]>()
  for (const board of others) {
    const kernel = settingFor(lines, version, 'kernel', board)
    if (kernel === undefined || kernel === main || kernel.includes('/') || has(kernel)) continue
    missing.set(kernel, [...(missing.get(kernel) ?? []), board.name])
  }
  return [...missing].map(([kernel, boards]) => ({
    severity: 'error' as const,
    message: `kernel=${kernel} is not on the partition: ${boards.join(' and ')} stop at the rainbow screen`,
  }))
}
