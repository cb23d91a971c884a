/** Checks kernels that the firmware of a Raspberry Pi starts itself, without U-Boot. */
import { fromBytes, fromText, toLatin1 } from '../lib/byte-string.ts'
import type { Finding } from '../lib/finding.ts'
import type { PiVersion } from '../spec/plan/plan.ts'
import type { PartitionList } from './block-device.ts'
import type { BootPartition } from './boot-tree.ts'
import { rootProblems } from './command-line.ts'
import { settingFor, type ConfigLine } from './config-txt.ts'

const MAX_TEXT = 65536
/** (COMMAND_LINE_SIZE of arm64) */
const MAX_COMMAND_LINE = 2048

/** What the firmware starts on boards of a version. */
export interface Start {
  version: PiVersion
  kernel: string
  /** A setting names it. */
  isNamed: boolean
  isUBoot: boolean
}

/** The file with the kernel's command line. */
export function cmdlineOf(lines: readonly ConfigLine[], version: PiVersion): string {
  return settingFor(lines, version, 'cmdline') ?? 'cmdline.txt'
}

/** Checks what a kernel needs that the firmware starts: its command line and initrd. */
export async function directStartFindings(
  partition: BootPartition,
  lines: readonly ConfigLine[],
  starts: readonly Start[],
  has: (name: string) => boolean,
  partitions: PartitionList,
): Promise<Finding[]> {
  const findings: Finding[] = []
  const seen = new Set<string>()
  for (const { version, isUBoot, kernel } of starts) {
    if (isUBoot) continue
    const add = (
      severity: Finding['severity'],
      message: string,
      where = firmwarePartitionName(partition),
    ) => {
      if (!seen.has(message)) findings.push({ severity, where, message })
      seen.add(message)
    }
    const initramfs =
      settingFor(lines, version, 'initramfs')?.split(/\s+/)[0] ?? settingFor(lines, version, 'ramfsfile')
    for (const name of initramfs?.split(',') ?? []) {
      if (!name.includes('/') && !has(name))
        add('error', `has no ${name}, the initramfs of config.txt: ${kernel} finds no root`)
    }
    const name = cmdlineOf(lines, version)
    const node = await partition.tree.find(fromText(name))
    if (node === undefined) {
      add('error', `has no ${name}: ${kernel} is not told its root`)
      continue
    }
    // The firmware reads the first line.
    const [line] = (await readText(partition, name)).split('\n')
    const where = `${firmwarePartitionName(partition)}, /${name}`
    if (line.length > MAX_COMMAND_LINE - 1) {
      add('error', `has ${line.length} bytes, of which a kernel takes ${MAX_COMMAND_LINE - 1}`, where)
    }
    for (const problem of await rootProblems(line, partitions)) add('error', problem, where)
  }
  return findings
}

/** The text of a small file; '' when there is none. */
export async function readText({ tree }: BootPartition, name: string): Promise<string> {
  const node = await tree.find(fromText(name))
  return node === undefined ? '' : toLatin1(fromBytes(await tree.read(node, MAX_TEXT)))
}

export function firmwarePartitionName({ number, label }: BootPartition): string {
  return `partition ${number} (${label || 'FAT'})`
}
