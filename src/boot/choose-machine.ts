/** Which machine boots an image: by what the firmware of each would find on it. */
import { fatDriver } from '../image/drivers/fat.ts'
import { openImage, type DiskImage, type ImagePartition } from '../image/open-image.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import { fromBytes, toLatin1 } from '../lib/byte-string.ts'
import { NotFoundError } from '../lib/errors.ts'
import type { BootPartition } from '../uboot/boot-tree.ts'
import { pathFrom, parseExtlinux } from '../uboot/extlinux.ts'
import { ARM64_MAGIC, Arm64Image } from '../uboot/format.ts'
import { MAX_MENU, ubootPartition } from '../uboot/find-menu.ts'
import { parsePe, PE_HEAD } from '../uboot/uefi/pe.ts'
import { formatPath, partitionName } from '../uboot/uefi/partition-name.ts'
import { removableLoaders } from '../uboot/uefi/removable-loaders.ts'
import { bootPartition, partitionNames } from './boot-partitions.ts'
import { unreadOptions, type BootOptions } from './options.ts'
import { firmwarePartition, namedUboot } from './pi-start.ts'
import { fixedMemoryOf, type MachineName } from './qemu/machines.ts'

/** A machine, and what it starts. */
export interface ChosenMachine {
  machine: MachineName
  /** Such as `EFI/BOOT/BOOTX64.EFI on partition 1 (ESP)`. */
  reason: string
}

/** What decides about the machine besides the image. */
export type GivenForMachine = Pick<BootOptions, 'uboot' | 'dtb' | 'firmware' | 'memory'>

/**
 * The machine that starts what is in an image, of those that take all options that are given.
 *
 * @throws NotFoundError when there is none
 */
export async function chooseMachine(source: ByteSource, given: GivenForMachine): Promise<ChosenMachine> {
  const image = await openImage(source)
  let refused: string | undefined
  try {
    for await (const found of machinesFor(image, given)) {
      const problem = obstacle(found.machine, given)
      if (problem === undefined) return found
      refused ??= `the image is for the machine ${found.machine} (${found.reason}), ${problem}`
    }
  } finally {
    await image.close()
  }
  throw new NotFoundError(refused ?? NOTHING_FOUND)
}

const NOTHING_FOUND =
  'nothing on the image says which machine boots it: no EFI/BOOT/BOOTX64.EFI (q35), no EFI/BOOT/BOOTAA64.EFI (virt-uefi), ' +
  'no config.txt of a Raspberry Pi (raspi3b), no extlinux.conf with a kernel for arm64 (virt); machine must be given'

/** Why a machine cannot be started with what is given. */
function obstacle(machine: MachineName, given: GivenForMachine): string | undefined {
  const unread = unreadOptions(machine).find((name) => given[name] !== undefined)
  if (unread !== undefined) return `for which ${unread} must not be given`
  const memory = fixedMemoryOf(machine)
  if (memory !== undefined && given.memory !== undefined && given.memory !== memory) {
    return `which has ${memory} MiB of memory, not ${given.memory}`
  }
  if (machine === 'virt' && given.uboot === undefined) {
    return 'which has no U-Boot of its own: uboot must be given'
  }
  return undefined
}

/** All that start something on the image, the most likely one first. Nothing is read before it is needed. */
async function* machinesFor(image: DiskImage, given: GivenForMachine): AsyncGenerator<ChosenMachine> {
  const pi = await raspberryPi(image)
  if (pi?.startsUBoot === true) yield pi.machine
  const fats = await bootPartitions(image, (partition) => partition.driver === fatDriver)
  yield* await efiMachines(fats, given)
  if (pi?.startsUBoot === false) yield pi.machine
  const uboot = await ubootMachine(await bootPartitions(image))
  if (uboot !== undefined) yield uboot
  if (given.uboot !== undefined && given.dtb !== undefined) {
    // It needs nothing of the image.
    yield { machine: 'raspi3b', reason: 'U-Boot and a device tree are given' }
  }
}

/** Partitions with a file system that boot loaders read. */
async function bootPartitions(
  image: DiskImage,
  isWanted: (partition: ImagePartition) => boolean = () => true,
): Promise<BootPartition[]> {
  const partitions: BootPartition[] = []
  for (const partition of image.partitions) {
    if (partition.driver === undefined || !isWanted(partition)) continue
    const bootable = await bootPartition(image, partition)
    if (bootable !== undefined) partitions.push(bootable)
  }
  return partitions
}

/** The machine of an image with a config.txt, and whether that starts a U-Boot on a Raspberry Pi 3. */
async function raspberryPi(
  image: DiskImage,
): Promise<{ machine: ChosenMachine; startsUBoot: boolean } | undefined> {
  const partition = await firmwarePartition(image.partitions)
  if (partition === undefined) return undefined
  const files = await partition.open()
  const name = partitionName({ ...partitionNames(image, partition), label: files.label })
  const startsUBoot = (await namedUboot(files))?.exists === true
  return { machine: { machine: 'raspi3b', reason: `/config.txt on ${name}` }, startsUBoot }
}

/** What UEFI firmware starts, or a U-Boot that is given in its place. */
async function efiMachines(
  fats: readonly BootPartition[],
  { uboot }: GivenForMachine,
): Promise<ChosenMachine[]> {
  const found: ChosenMachine[] = []
  for (const partition of fats) {
    for (const { node, architecture } of await removableLoaders(partition)) {
      const reason = `${formatPath(node.path)} on ${partitionName(partition)}`
      if (architecture === 'x64') found.push({ machine: 'q35', reason })
      if (architecture === 'aa64') found.push({ machine: uboot === undefined ? 'virt-uefi' : 'virt', reason })
    }
  }
  // A PC first, if the image is for both.
  return found.sort((a, b) => Number(b.machine === 'q35') - Number(a.machine === 'q35'))
}

/** What U-Boot starts, if it is for arm64: QEMU's machines with U-Boot have no other processor. */
async function ubootMachine(partitions: readonly BootPartition[]): Promise<ChosenMachine | undefined> {
  const { partition, menu } = await ubootPartition(partitions)
  if (partition === undefined || menu === undefined) return undefined
  const { tree } = partition
  const { entries } = parseExtlinux(toLatin1(fromBytes(await tree.read(menu.node, MAX_MENU))))
  for (const { kernel } of entries) {
    if (kernel === undefined) continue
    const node = await tree.find(pathFrom(`/${menu.path}`, kernel).slice(1))
    if (node?.type !== 'file' || !isForArm64(await tree.read(node, PE_HEAD))) continue
    return { machine: 'virt', reason: `${formatPath(menu.path)} on ${partitionName(partition)}` }
  }
  return undefined
}

/** A kernel that is compressed does not say; those for PCs are not compressed as a whole. */
function isForArm64(head: Uint8Array): boolean {
  if (head[0] === 0x1f && head[1] === 0x8b) return true
  if (head.length >= Arm64Image.size && Arm64Image.decode(head).magic === ARM64_MAGIC) return true
  return parsePe(head)?.architecture === 'aa64'
}
