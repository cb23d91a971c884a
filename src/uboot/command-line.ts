/** What a kernel's command line says of the file system to begin with. */
import type { BootPartition } from './boot-tree.ts'

/** Longer ones are refused: the boards' usual CONFIG_SYS_CBSIZE, with the NUL at the end. */
const MAX_LENGTH = 1023

/** Names of block devices that udev and the kernel know, by what they say. */
const BY: Record<string, (partition: BootPartition) => string | undefined> = {
  label: ({ label }) => label,
  uuid: ({ uuid }) => uuid,
  partuuid: ({ partUuid }) => partUuid,
}

/** What is wrong with a command line for an image of these partitions; a sentence each. */
export function commandLineProblems(line: string, partitions: readonly BootPartition[]): string[] {
  const problems: string[] = []
  if (line.length > MAX_LENGTH) {
    problems.push(
      `the command line has ${line.length} bytes, and U-Boot refuses those of more than ${MAX_LENGTH}`,
    )
  }
  if (/\$[{(]/.test(line)) {
    problems.push('the command line has a "${" or "$(", in whose place U-Boot puts a variable of its own')
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
  const nameOf = BY[kind.toLowerCase()]
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
      `root=${root} names no partition of the image (${names}): the boot ends in waiting for it`,
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

/** As udev writes labels in names of links. */
function unescaped(name: string): string {
  return name.replace(/\\x([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
}
