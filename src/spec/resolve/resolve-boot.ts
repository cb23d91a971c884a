/** The parts of a description that make an image boot, with everything decided. */
import type { SubvolumePlan } from '../../file-tree/subvolume.ts'
import { toText } from '../../lib/byte-string.ts'
import type { LinuxSpec } from '../boot-spec.ts'
import type { BootPlan, FirmwarePlan, LinuxPlan, LoaderPlan, NixosPlan, PiVersion } from '../plan/plan.ts'
import type { ImageSpec } from '../image-spec.ts'
import { bootIndex, bootPlaceOf, isFat, systemOf } from '../shorthands.ts'
import { toTreePath } from './tree-path.ts'
import { parseUBootVersion } from '../notation/uboot-version.ts'

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
  const systems = partitions.flatMap((partition, i) => (systemOf(partition) === undefined ? [] : [i]))
  const boot = systems.length > 0 ? bootPlaceOf(spec, systems[0]) : bootIndex(spec)
  const hasFirmware = partitions.some((partition) => isFat(partition) && partition.firmware !== undefined)
  if (boot < 0 && uboot === undefined && !hasFirmware) return undefined
  return {
    partition: boot < 0 ? undefined : numbers[boot],
    uboot: uboot?.version === undefined ? undefined : parseUBootVersion(uboot.version),
    check: uboot?.check ?? true,
  }
}

/** @param i index of the partition */
export function resolveFirmware(
  spec: ImageSpec,
  i: number,
  resolvePath: (path: string) => string,
): FirmwarePlan | undefined {
  const partition = spec.partitions[i]
  const firmware = isFat(partition) ? partition.firmware : undefined
  if (firmware === undefined) return undefined
  const startsKernel = spec.partitions.some(
    (other, j) => systemOf(other)?.loader === 'raspberry-pi' && bootPlaceOf(spec, j) === i,
  )
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
    startsKernel,
    settings: config,
    extraLines: extraConfig,
  }
}

/**
 * The system in a partition.
 *
 * @param i index of the partition
 * @param ids by which a command line can name the partition
 */
export function resolveSystem(
  spec: ImageSpec,
  i: number,
  ids: { uuid: string; partUuid: string | undefined; subvolumes: readonly SubvolumePlan[] },
  resolvePath: (path: string) => string,
): { nixos: NixosPlan | undefined; linux: LinuxPlan | undefined } {
  const partition = spec.partitions[i]
  if (partition.type !== 'btrfs') return { nixos: undefined, linux: undefined }
  const { nixos, linux } = partition
  return {
    nixos: nixos && {
      ...resolveLoader(spec, i, nixos, resolvePath),
      toplevel: nixos.toplevel === undefined ? undefined : toTreePath(nixos.toplevel),
      generations: nixos.generations ?? DEFAULT_GENERATIONS,
      deviceTree: nixos.deviceTree ?? true,
      registration: nixos.registration === undefined ? undefined : resolvePath(nixos.registration),
    },
    linux: linux && {
      ...resolveLoader(spec, i, linux, resolvePath),
      root: rootParameters(linux.root ?? 'uuid', ids),
      kernels: linux.kernels ?? DEFAULT_GENERATIONS,
      deviceTree: linux.deviceTree ?? true,
    },
  }
}

function resolveLoader(
  spec: ImageSpec,
  i: number,
  { loader = 'extlinux', timeout = DEFAULT_TIMEOUT, ...keys }: LinuxSpec,
  resolvePath: (path: string) => string,
): LoaderPlan {
  const place = bootPlaceOf(spec, i)
  return {
    loader,
    bootPlace: place < 0 ? undefined : `partitions[${place}]`,
    timeout,
    tries: keys.tries,
    systemdBoot: keys.systemdBoot === undefined ? undefined : resolvePath(keys.systemdBoot),
    editor: keys.editor ?? true,
    consoleMode: keys.consoleMode ?? 'keep',
    cmdline: keys.cmdline,
    slot: keys.slot,
  }
}

/** `root=` and the subvolume with the root of the file system, where mounting the partition gives another one. */
function rootParameters(
  kind: 'uuid' | 'partuuid' | 'none',
  { uuid, partUuid, subvolumes }: Parameters<typeof resolveSystem>[2],
): string {
  if (kind === 'none') return ''
  const root = subvolumes.find(({ path }) => path === '')!
  const flags = root.isDefault ? '' : ` rootflags=subvol=${toText(root.name)!}`
  const name =
    kind === 'uuid' || partUuid === undefined ? `UUID=${uuid}` : `PARTUUID=${partUuid.toLowerCase()}`
  return `root=${name}${flags}`
}
