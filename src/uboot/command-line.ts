/** Checks a kernel's command line: its length, and the root file system it names. */
import type { BootPartition } from './boot-tree.ts'

/** U-Boot refuses longer ones: the usual CONFIG_SYS_CBSIZE, without the NUL at the end. */
const MAX_LENGTH = 1023

/** The names that udev and the kernel give to block devices, by kind. */
const DEVICE_NAMES: Record<string, (partition: BootPartition) => string | undefined> = {
  label: ({ label }) => label,
  uuid: ({ uuid }) => uuid,
  partuuid: ({ partUuid }) => partUuid,
}

/** Problems of a command line in an image of these partitions, a sentence each. */
export function commandLineProblems(line: string, partitions: readonly BootPartition[]): string[] {
  const problems: string[] = []
  if (line.length > MAX_LENGTH) {
    problems.push(
      `the command line has ${line.length} bytes, and U-Boot refuses those of more than ${MAX_LENGTH}`,
    )
  }
  if (/\$[{(]/.test(line)) {
    problems.push('the command line has a "${" or "$(", which U-Boot replaces by one of its own variables')
  }
  const values = new Map(
    line.split(/\s+/).flatMap((word) => {
      const equals = word.indexOf('=')
      return equals < 0 ? [] : [[word.slice(0, equals), word.slice(equals + 1).replace(/^"(.*)"$/, '$1')]]
    }),
  )
  const root = values.get('root')
  if (root === undefined) return problems
  const [, kind, wanted] =
    /^(LABEL|UUID|PARTUUID)=(.*)$/i.exec(root) ??
    /^\/dev\/disk\/by-(label|uuid|partuuid)\/(.*)$/.exec(root) ??
    []
  if (kind === undefined) return problems
  const nameOf = DEVICE_NAMES[kind.toLowerCase()]
  const isSame = (name: string | undefined) =>
    kind.toLowerCase() === 'label' ? name === unescaped(wanted) : name?.toLowerCase() === wanted.toLowerCase()
  const found = partitions.find((partition) => isSame(nameOf(partition)))
  if (found === undefined) {
    const there = partitions
      .map((partition) => nameOf(partition))
      .filter((name) => name !== undefined && name !== '')
    const names = there.length === 0 ? 'no partition has one' : `there are ${there.join(', ')}`
    return [
      ...problems,
      `root=${root} names no partition of the image (${names}): the boot waits for it forever`,
    ]
  }
  const subvolume = /(?:^|,)subvol=\/?([^,]*)/.exec(values.get('rootflags') ?? '')?.[1]
  if (subvolume === undefined || found.btrfs === undefined || subvolume === '') return problems
  if (found.btrfs.subvolumes.includes(subvolume)) return problems
  return [
    ...problems,
    `rootflags=subvol=${subvolume} names no subvolume of partition ${found.number} (there are ${found.btrfs.subvolumes.join(', ')}): the root cannot be mounted`,
  ]
}

/** Decodes the escapes of udev in the names of its links. */
function unescaped(name: string): string {
  return name.replace(/\\x([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
}
