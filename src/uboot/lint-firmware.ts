/** Checks that the firmware of a Raspberry Pi starts U-Boot. */
import { fromBytes, fromText, lowerCaseAscii, toLatin1, type ByteString } from '../lib/byte-string.ts'
import type { Finding } from '../lib/finding.ts'
import type { PiVersion } from '../spec/plan.ts'
import type { BootPartition } from './boot-tree.ts'
import { configTxtProblems, parseConfigTxt, settingFor, versionsOf, type ConfigLine } from './config-txt.ts'
import { missingFirmware } from './firmware.ts'

const MAX_CONFIG = 65536

/** Checks the firmware partition: the first FAT, if it has firmware files. */
export async function firmwareFindings(partitions: readonly BootPartition[]): Promise<Finding[]> {
  const partition = partitions.find(({ type }) => type === 'fat')
  if (partition === undefined) return []
  const names = await namesIn(partition)
  const hasConfig = names.has('config.txt')
  if (!hasConfig && !['bootcode.bin', 'start.elf', 'start4.elf'].some((name) => names.has(name))) return []
  const { number, label } = partition
  const where = `partition ${number} (${label || 'FAT'})`
  if (!hasConfig) {
    const message = 'has no config.txt: the firmware looks for a kernel8.img, and never starts U-Boot'
    return [{ severity: 'error', where, message }]
  }
  const node = (await partition.tree.find('config.txt'))!
  const text = toLatin1(fromBytes(await partition.tree.read(node, MAX_CONFIG)))
  const lines = parseConfigTxt(text)
  const versions = versionsOf(lines)
  const config = `${where}, /config.txt`
  return [
    ...configTxtProblems(text).map((message) => ({ severity: 'warning' as const, where: config, message })),
    ...(versions.length === 0
      ? [
          {
            severity: 'error' as const,
            where: config,
            message: 'names no kernel: the firmware looks for a kernel8.img, and never starts U-Boot',
          },
        ]
      : []),
    ...versions.flatMap((version) =>
      settingProblems(lines, version, names).map((problem) => ({ where: config, ...problem })),
    ),
    ...missingFirmware(versions, (name) => names.has(lowerCaseAscii(name))).map(({ name, consequence }) => ({
      severity: 'error' as const,
      where,
      message: `has no ${name}: ${consequence}`,
    })),
  ]
}

/** Names in the root in lower case, as FAT ignores case. */
async function namesIn({ tree }: BootPartition): Promise<Set<ByteString>> {
  const root = await tree.find('')
  const names = root === undefined ? [] : await tree.list(root)
  return new Set(names.map((name) => lowerCaseAscii(name)))
}

function settingProblems(
  lines: readonly ConfigLine[],
  version: PiVersion,
  names: ReadonlySet<ByteString>,
): Pick<Finding, 'severity' | 'message'>[] {
  const error = (message: string) => ({ severity: 'error' as const, message })
  const setting = (key: string) => settingFor(lines, version, key)
  const problems: Pick<Finding, 'severity' | 'message'>[] = []
  for (const [key, then] of [
    ['kernel', 'stops at the rainbow screen'],
    ['armstub', 'starts U-Boot incorrectly, and interrupts do not work'],
  ] as const) {
    const file = setting(key)
    if (file === undefined || file.includes('/') || names.has(fromText(file.toLowerCase()))) continue
    problems.push(error(`${key}=${file} is not on the partition: a Raspberry Pi ${version} ${then}`))
  }
  if (setting('arm_64bit') === '0' || (version === 3 && setting('arm_64bit') === undefined)) {
    problems.push(
      error(`does not set arm_64bit=1: a Raspberry Pi ${version} starts a 64-bit U-Boot in 32-bit mode`),
    )
  }
  if (setting('enable_uart') !== '1') {
    const message = `does not set enable_uart=1: U-Boot on a Raspberry Pi ${version} may hang before its first line`
    problems.push({ severity: 'warning', message })
  }
  return problems
}
