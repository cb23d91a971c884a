/** The names that the kernel, udev and fstab(5) give to block devices, looked up in an image. */
import type { BootPartition, PartitionNames } from './boot-tree.ts'

/** Partitions of an image: those with a file system that boot loaders read, and all others. */
export interface PartitionList {
  readable: readonly BootPartition[]
  others: readonly PartitionNames[]
}

export type FoundDevice =
  | { kind: 'partition'; partition: PartitionNames & Partial<BootPartition> }
  /** It names no partition of the image. */
  | { kind: 'missing'; why: string }
  /** It names something else, such as a file system of the network, or its kind is unknown. */
  | { kind: 'elsewhere' }

type NameOf = (partition: PartitionNames & Partial<BootPartition>) => string | undefined

const NAMES: Record<string, NameOf> = {
  label: ({ label }) => label,
  uuid: ({ uuid }) => uuid,
  partuuid: ({ partUuid }) => partUuid,
  partlabel: ({ partLabel }) => partLabel,
}

const TAG = /^(LABEL|UUID|PARTUUID|PARTLABEL)=(.*)$/i
const LINK = /^\/dev\/disk\/by-(label|uuid|partuuid|partlabel)\/(.*)$/
/** Disks whose partitions have a `p` before their number, and those that have none. */
const DISK = /^\/dev\/(?:(?:mmcblk\d+|nvme\d+n\d+|nbd\d+|loop\d+)(?:p(\d+))?|(?:sd|hd|vd|xvd)[a-z]+(\d+)?)$/

/** Finds what `root=` or a line of an fstab names: `LABEL=NIXOS`, `/dev/disk/by-uuid/...`, `/dev/mmcblk0p2`. */
export function findDevice(name: string, { readable, others }: PartitionList): FoundDevice {
  const all = [...readable, ...others]
  const [, kind, wanted] = TAG.exec(name) ?? LINK.exec(name) ?? []
  if (kind !== undefined) return findByName(kind.toLowerCase(), wanted, all)
  const disk = DISK.exec(name)
  if (disk === null) return { kind: 'elsewhere' }
  const number = Number(disk[1] ?? disk[2] ?? 0)
  return findByNumber(number, all)
}

function findByName(kind: string, wanted: string, all: readonly PartitionNames[]): FoundDevice {
  const nameOf = NAMES[kind]
  // The partition so many numbers behind another one. (Documentation/admin-guide/kernel-parameters.txt)
  const [, name, distance] =
    kind === 'partuuid' ? /^(.*?)(?:\/PARTNROFF=(-?\d+))?$/.exec(wanted)! : ['', wanted]
  const isText = kind === 'label' || kind === 'partlabel'
  const isWanted = (found: string | undefined) =>
    isText ? found === unescaped(name) : found?.toLowerCase() === name.toLowerCase()
  const partition = all.find((one) => isWanted(nameOf(one)))
  if (partition === undefined) {
    const there = all.map(nameOf).filter((found) => found !== undefined && found !== '')
    return {
      kind: 'missing',
      why: there.length === 0 ? 'no partition has one' : `there are ${there.join(', ')}`,
    }
  }
  if (distance === undefined) return { kind: 'partition', partition }
  return findByNumber(partition.number + Number(distance), all)
}

function findByNumber(number: number, all: readonly PartitionNames[]): FoundDevice {
  const partition = all.find((one) => one.number === number)
  if (partition !== undefined) return { kind: 'partition', partition }
  const numbers = all.map((one) => one.number).sort((a, b) => a - b)
  const there = numbers.join() === '0' ? 'it has no partition table' : `there are ${numbers.join(', ')}`
  return { kind: 'missing', why: there }
}

/** Decodes the escapes of udev in the names of its links. */
function unescaped(name: string): string {
  return name.replace(/\\x([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
}

/**
 * What is wrong with a subvolume that mount options ask for.
 *
 * @param options `noatime,subvol=@`
 * @param partition undefined: any of the image's
 * @returns `subvol=@root names no subvolume of partition 2 (there are @, @boot)`
 */
export function subvolumeProblem(
  options: string,
  partition: Partial<BootPartition> | undefined,
  { readable }: PartitionList,
): string | undefined {
  const given = /.*(?:^|,)subvol=([^,]*)/.exec(options)?.[1]
  const wanted = given?.replace(/\/+/g, '/').replace(/^\/|\/$/g, '')
  const candidates = (partition === undefined ? readable : [partition]).filter(
    ({ btrfs }) => btrfs !== undefined,
  )
  if (wanted === undefined || wanted === '' || candidates.length === 0) return undefined
  const subvolumes = candidates.flatMap(({ btrfs }) => btrfs!.subvolumes)
  if (subvolumes.includes(wanted)) return undefined
  const where = candidates.length === 1 ? `partition ${candidates[0].number}` : 'the image'
  const there = subvolumes.length === 0 ? 'there is none' : `there are ${subvolumes.join(', ')}`
  return `subvol=${wanted} names no subvolume of ${where} (${there})`
}
