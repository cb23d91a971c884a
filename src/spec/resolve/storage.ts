/**
 * How file content is stored at a path: the partition's settings, then those of the subvolume that holds
 * the path, then those of the path rules inside that subvolume, outermost first. Subvolumes do not inherit
 * from the directory they are mounted on, as in the kernel.
 */
import type { Draft } from '../check.ts'
import type { Compression, StoragePlan } from '../plan/plan.ts'
import type { BtrfsFileSystemSpec } from '../btrfs-spec.ts'

/** Levels that the kernel uses when none is given. */
const DEFAULT_LEVELS = { lzo: 0, zlib: 3, zstd: 3 }

interface Settings {
  readonly nodatacow?: boolean | undefined
  readonly nodatasum?: boolean | undefined
  readonly compression?: string | undefined
  readonly bootFiles?: boolean | undefined
}

export function storageAt(partition: Draft<BtrfsFileSystemSpec>, path: string): StoragePlan {
  const subvolumes = (partition.subvolumes ?? []).filter((rule) => holds(rule?.path, path))
  const subvolume = subvolumes.sort(outermostFirst).at(-1)
  const rules = (partition.paths ?? [])
    .filter((rule) => holds(rule?.path, path) && holds(subvolume?.path ?? '/', rule!.path!))
    .sort(outermostFirst)
  return combined([partition, subvolume, ...rules])
}

/** Storage of what no path leads to: a subvolume that stays empty, or the top level behind a subvolume "/". */
export function storageOf(
  partition: Draft<BtrfsFileSystemSpec>,
  subvolume: Settings | undefined,
): StoragePlan {
  return combined([partition, subvolume])
}

/** Is `path` the path `above`, or below it? */
function holds(above: string | undefined, path: string): boolean {
  return above !== undefined && (above === '/' || path === above || path.startsWith(`${above}/`))
}

function outermostFirst(a: { path?: string } | undefined, b: { path?: string } | undefined): number {
  return a!.path!.length - b!.path!.length
}

/** Later settings override earlier ones. */
function combined(settings: readonly (Settings | undefined)[]): StoragePlan {
  const last = <Key extends keyof Settings>(key: Key): Settings[Key] =>
    settings.findLast((setting) => setting?.[key] !== undefined)?.[key]
  const nodatacow = last('nodatacow') ?? false
  const nodatasum = !nodatacow && (last('nodatasum') ?? false)
  return {
    nodatacow,
    ...(nodatasum && { nodatasum }),
    compression: nodatacow || nodatasum ? undefined : parseCompression(last('compression') ?? 'none'),
    ...(last('bootFiles') === true && { bootFiles: true }),
  }
}

export function parseCompression(compression: string): Compression | undefined {
  if (compression === 'none') return undefined
  const [algorithm, level] = compression.split(':') as [Compression['algorithm'], string | undefined]
  return { algorithm, level: level === undefined ? DEFAULT_LEVELS[algorithm] : Number(level) }
}

/** `zstd:3`; `lzo`, which has no levels. */
export function formatCompression({ algorithm, level }: Compression): string {
  return level === 0 ? algorithm : `${algorithm}:${level}`
}
