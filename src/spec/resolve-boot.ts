/** The parts of a description that make an image boot, with everything decided. */
import type { BootPlan, FirmwarePlan, NixosPlan, PiVersion } from './plan.ts'
import type { BtrfsSpec } from './btrfs-spec.ts'
import type { FatPartitionSpec } from './fat32-spec.ts'
import type { ImageSpec } from './image-spec.ts'
import { bootIndex, isFat } from './shorthands.ts'
import { toTreePath } from './tree-path.ts'
import { parseUBootVersion } from './uboot-version.ts'

const VERSIONS: readonly PiVersion[] = [3, 4, 5]
const DEFAULT_VERSIONS: readonly PiVersion[] = [3, 4]
const DEFAULT_TIMEOUT = 5
const DEFAULT_GENERATIONS = 20

/**
 * @param numbers of the partitions in the table
 * @returns undefined when the description is not about booting
 */
export function resolveBoot(spec: ImageSpec, numbers: readonly number[]): BootPlan | undefined {
  const { uboot, partitions } = spec
  const boot = bootIndex(spec)
  const hasFirmware = partitions.some((partition) => isFat(partition) && partition.firmware !== undefined)
  if (boot < 0 && uboot === undefined && !hasFirmware) return undefined
  return {
    partition: boot < 0 ? undefined : numbers[boot],
    uboot: uboot?.version === undefined ? undefined : parseUBootVersion(uboot.version),
    check: uboot?.check ?? true,
  }
}

export function resolveFirmware(
  firmware: FatPartitionSpec['firmware'],
  resolvePath: (path: string) => string,
): FirmwarePlan | undefined {
  if (firmware === undefined) return undefined
  const { directory, piVersion, config = {}, extraConfig = [] } = firmware
  const uboot = VERSIONS.flatMap((version) => {
    const path = firmware[`ubootPi${version}`]
    return path === undefined ? [] : [{ version, path: resolvePath(path) }]
  })
  const asked = piVersion === undefined ? uboot.map(({ version }) => version) : [piVersion].flat()
  return {
    versions: VERSIONS.filter((version) => (asked.length === 0 ? DEFAULT_VERSIONS : asked).includes(version)),
    directory: directory === undefined ? undefined : resolvePath(directory),
    uboot,
    settings: config,
    extraLines: extraConfig,
  }
}

export function resolveNixos(
  nixos: BtrfsSpec['nixos'],
  resolvePath: (path: string) => string,
): NixosPlan | undefined {
  if (nixos === undefined) return undefined
  const { toplevel, timeout, generations, deviceTree, registration } = nixos
  return {
    toplevel: toplevel === undefined ? undefined : toTreePath(toplevel),
    timeout: timeout ?? DEFAULT_TIMEOUT,
    generations: generations ?? DEFAULT_GENERATIONS,
    deviceTree: deviceTree ?? true,
    registration: registration === undefined ? undefined : resolvePath(registration),
  }
}
