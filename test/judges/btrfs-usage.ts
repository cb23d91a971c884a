/** Usage of a mounted file system or its device, by btrfs-progs and compsize. */
import { findTool, missingJudge, mustRun } from './run-tool.ts'

export interface Compsize {
  storedBytes: number
  contentBytes: number
  referencedBytes: number
}

/** Whether `compsize` is there; says so loudly when not. */
export function canCompsize(): boolean {
  return (
    findTool('compsize') !== undefined ||
    missingJudge('compsize', 'Debian has it as btrfs-compsize; see scripts/install-judges.sh')
  )
}

/** By its names: TOTAL, none, zlib, lzo, zstd, prealloc. Of one subvolume; inline content is among the others. */
export async function compsize(folder: string): Promise<Map<string, Compsize>> {
  const { stdout } = await mustRun('compsize', ['-b', '-x', folder])
  const rows = stdout.matchAll(/^(\w+) +\d+% +(\d+) +(\d+) +(\d+) *$/gm)
  return new Map(
    Array.from(rows, ([, kind, stored, content, referenced]) => {
      const sizes = { storedBytes: Number(stored), contentBytes: Number(content) }
      return [kind, { ...sizes, referencedBytes: Number(referenced) }]
    }),
  )
}

export interface FilesystemUsage {
  deviceSize: number
  allocated: number
  /** `Data,single` and so on: bytes of one copy. */
  groups: Map<string, { size: number; used: number }>
}

export async function filesystemUsage(mountPoint: string): Promise<FilesystemUsage> {
  const { stdout } = await mustRun('btrfs', ['filesystem', 'usage', '-b', mountPoint])
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)![1])
  const groups = stdout.matchAll(/^([\w+]+,\w+): Size:(\d+), Used:(\d+)/gm)
  return {
    deviceSize: number(/Device size:\s+(\d+)/),
    allocated: number(/Device allocated:\s+(\d+)/),
    groups: new Map(
      Array.from(groups, ([, name, size, used]) => [name, { size: Number(size), used: Number(used) }]),
    ),
  }
}

export interface ListedSubvolume {
  id: number
  generation: number
  parent: number
  path: string
  uuid: string
  parentUuid: string | undefined
}

/** All but the top level. */
export async function subvolumeList(mountPoint: string): Promise<ListedSubvolume[]> {
  const { stdout } = await mustRun('btrfs', ['subvolume', 'list', '-puq', mountPoint])
  const line = /^ID (\d+) gen (\d+) parent (\d+) top level \d+ parent_uuid (\S+)\s+uuid (\S+) path (.+)$/gm
  return Array.from(stdout.matchAll(line), ([, id, generation, parent, parentUuid, uuid, path]) => ({
    id: Number(id),
    generation: Number(generation),
    parent: Number(parent),
    path,
    uuid,
    parentUuid: parentUuid === '-' ? undefined : parentUuid,
  }))
}

/** Bytes that only this folder's files refer to, by `btrfs filesystem du`. */
export async function exclusiveBytes(folder: string): Promise<number> {
  const { stdout } = await mustRun('btrfs', ['filesystem', 'du', '--raw', '-s', folder])
  return Number(/^ *\d+ +(\d+)/m.exec(stdout)![1])
}

export interface DumpedSuperblock {
  generation: number
  fsid: string
  label: string
  checksum: string
  /** Names of all features, without their prefixes. */
  features: Set<string>
}

export async function dumpSuper(device: string): Promise<DumpedSuperblock> {
  const { stdout } = await mustRun('btrfs', ['inspect-internal', 'dump-super', device])
  const field = (name: string) => new RegExp(`^${name}\\t+(.*)$`, 'm').exec(stdout)![1]
  const flags = stdout.slice(stdout.indexOf('\ncompat_flags'))
  const features = flags.matchAll(/^\t+[( ] ([A-Z0-9_]+) [|)]$/gm)
  return {
    generation: Number(field('generation')),
    fsid: field('fsid'),
    label: field('label'),
    checksum: /csum_type\t+\d+ \((\w+)\)/.exec(stdout)![1],
    features: new Set(Array.from(features, ([, name]) => name)),
  }
}
