/** Checks whether an image boots by UEFI: what the firmware and systemd-boot read. */
import { fromBytes, toLatin1 } from '../../lib/byte-string.ts'
import type { Finding } from '../../lib/finding.ts'
import type { PartitionList } from '../block-device.ts'
import type { BootNode, BootPartition } from '../boot-tree.ts'
import { isEsp, isXbootldr, type Architecture } from '../partition-types.ts'
import { lintBls } from './lint-bls.ts'
import { ukiFindings } from './lint-uki.ts'
import { formatPath, partitionName } from './partition-name.ts'
import { parsePe, PE_HEAD, sectionOf, type PeImage } from './pe.ts'
import { removableLoaders } from './removable-loaders.ts'

/** What systemd-boot says of itself in its file. */
const SYSTEMD_BOOT = /LoaderInfo: systemd-boot/
/** Of systemd-boot: its programs have some hundred kilobytes. */
const MAX_LOADER_SIZE = 2 ** 20

/**
 * @returns undefined when the image is not made for UEFI: it has no ESP, and no EFI programs on a FAT partition
 */
export async function uefiFindings(partitions: PartitionList): Promise<Finding[] | undefined> {
  const { readable, others } = partitions
  const unreadable = [...others, ...readable.filter(({ type }) => type !== 'fat')].find(isEsp)
  if (unreadable !== undefined) {
    const message = 'is an EFI system partition without a FAT file system: the firmware reads nothing else'
    return [{ severity: 'error', where: partitionName(unreadable), message }]
  }
  const fats = readable.filter(({ type }) => type === 'fat')
  const esp = fats.find(isEsp) ?? (await firstWithEfi(fats))
  if (esp === undefined) return undefined
  const findings: Finding[] = []
  if (!isEsp(esp)) {
    const type = esp.typeGuid === undefined ? 'MBR type 0xef' : 'GPT type esp'
    const message = `has EFI programs, but is not an EFI system partition (${type}): not every firmware looks there`
    findings.push({ severity: 'warning', where: partitionName(esp), message })
  }
  if (esp.fatType !== undefined && esp.fatType !== 'fat32') {
    const message = `is ${esp.fatType.toUpperCase()}: firmware may read only FAT32 on fixed disks`
    findings.push({ severity: 'warning', where: partitionName(esp), message })
  }
  const loaders = await removableLoaders(esp)
  if (loaders.length === 0) {
    const message =
      'has no EFI/BOOT/BOOTX64.EFI or BOOTAA64.EFI: firmware that does not know the disk finds nothing to start'
    findings.push({ severity: 'error', where: partitionName(esp), message })
  }
  for (const { node, architecture } of loaders) {
    const where = `${partitionName(esp)}, ${formatPath(node.path)}`
    const head = await esp.tree.read(node, PE_HEAD)
    const image = parsePe(head)
    findings.push(...loaderFindings(image, architecture).map((finding) => ({ where, ...finding })))
    if (image?.architecture !== architecture || !image.isApplication) continue
    if (sectionOf(image, '.linux') !== undefined) {
      findings.push(...(await ukiFindings(esp, node, image, partitions)))
    } else if (await isSystemdBoot(esp, node, image)) {
      const extended = fats.find((partition) => partition !== esp && isXbootldr(partition))
      findings.push(...(await lintBls({ esp, extended, architecture, partitions })))
    } else {
      // GRUB, rEFInd and others read files by rules of their own.
      const message = 'is neither systemd-boot nor a unified kernel image: what it boots was not checked'
      findings.push({ severity: 'notice', where, message })
    }
  }
  return findings
}

async function firstWithEfi(fats: readonly BootPartition[]): Promise<BootPartition | undefined> {
  for (const partition of fats) if ((await removableLoaders(partition)).length > 0) return partition
  return undefined
}

function loaderFindings(
  image: PeImage | undefined,
  architecture: Architecture,
): Pick<Finding, 'severity' | 'message'>[] {
  if (image === undefined)
    return [{ severity: 'error', message: 'is not an EFI program: the firmware refuses it' }]
  if (image.architecture !== architecture) {
    const found = image.architecture ?? `machine 0x${image.machine.toString(16)}`
    return [
      { severity: 'error', message: `is a program for ${found}: the firmware of ${architecture} refuses it` },
    ]
  }
  if (!image.isApplication)
    return [{ severity: 'error', message: 'is not an EFI application: the firmware refuses it' }]
  if (image.isSigned) return []
  return [{ severity: 'notice', message: 'is not signed: it starts only if Secure Boot is off' }]
}

/** Its mark has a section of its own; in programs for arm64 that old binutils made, it stands among the data. */
async function isSystemdBoot({ tree }: BootPartition, node: BootNode, image: PeImage): Promise<boolean> {
  const section = sectionOf(image, '.sdmagic')
  const [length, offset] =
    section === undefined
      ? [Math.min(node.size, MAX_LOADER_SIZE), 0]
      : [Math.min(section.size, 256), section.offset]
  return SYSTEMD_BOOT.test(toLatin1(fromBytes(await tree.read(node, length, offset))))
}
