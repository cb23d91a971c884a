/** Checks a kernel's command line: its length, and the root file system it names. */
import { findDevice, subvolumeProblem, type PartitionList } from './block-device.ts'
import { fstabProblems } from './fstab.ts'
import { rootArchitecture } from './partition-types.ts'

/** U-Boot refuses longer ones: the usual CONFIG_SYS_CBSIZE, without the NUL at the end. */
const MAX_LENGTH = 1023

/** Problems of a command line that U-Boot hands over, a sentence each. */
export async function commandLineProblems(line: string, partitions: PartitionList): Promise<string[]> {
  const problems: string[] = []
  if (line.length > MAX_LENGTH) {
    problems.push(
      `the command line has ${line.length} bytes, and U-Boot refuses those of more than ${MAX_LENGTH}`,
    )
  }
  if (/\$[{(]/.test(line)) {
    problems.push('the command line has a "${" or "$(", which U-Boot replaces by one of its own variables')
  }
  return [...problems, ...(await rootProblems(line, partitions))]
}

/**
 * What keeps a system from finding its root, a sentence each.
 *
 * @param line the kernel's command line
 */
export async function rootProblems(line: string, partitions: PartitionList): Promise<string[]> {
  const problems: string[] = []
  const parameters = parametersOf(line)
  // Of several the last one counts, for the kernel as for every initrd.
  const root = parameters.get('root')?.at(-1)
  const init = parameters.get('init')?.at(-1)
  if (root !== undefined && /^gpt-auto(-force)?$/.test(root))
    return autoRootProblems(`root=${root}`, partitions)
  const isFstab = root === 'fstab'
  const device = root === undefined || isFstab ? undefined : findDevice(root, partitions)
  if (device?.kind === 'missing') {
    problems.push(
      `root=${root} names no partition of the image (${device.why}): the boot waits for it forever`,
    )
  } else if (device?.kind !== 'elsewhere') {
    // The kernel takes the last one, systemd all of them; of several subvolumes the last one counts.
    const options = parameters.get('rootflags')?.join(',') ?? ''
    const problem = subvolumeProblem(options, device?.partition, partitions)
    if (problem !== undefined) problems.push(`rootflags=${problem}: the root cannot be mounted`)
  }
  if (root !== undefined && !isFstab) return problems
  return [...problems, ...(await fstabProblems(init ?? '', partitions, isFstab))]
}

/** The root is the partition with the type of a root, on the disk of the ESP. (systemd-gpt-auto-generator(8)) */
function autoRootProblems(asked: string, { readable, others }: PartitionList): string[] {
  const all = [...readable, ...others]
  if (all.some(({ typeGuid }) => typeGuid !== undefined && rootArchitecture(typeGuid) !== undefined))
    return []
  return [`${asked}, but no partition has the GPT type of a root: the initrd waits for one`]
}

/** Splits a command line as the kernel does: a value may have spaces between quotes. (next_arg of lib/cmdline.c) */
export function parametersOf(line: string): Map<string, string[]> {
  const parameters = new Map<string, string[]>()
  for (const [raw] of line.matchAll(/(?:[^\s"]|"[^"]*(?:"|$))+/g)) {
    const word = unquoted(raw)
    const equals = word.indexOf('=')
    if (equals < 0) continue
    const name = word.slice(0, equals)
    const values = parameters.get(name) ?? []
    values.push(unquoted(word.slice(equals + 1)))
    parameters.set(name, values)
  }
  return parameters
}

const unquoted = (text: string) => (text.startsWith('"') ? text.slice(1).replace(/"$/, '') : text)
