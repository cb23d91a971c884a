/** Looks at a finished image as firmware and boot loaders do: would it boot? */
import type { DiskImage } from '../image/open-image.ts'
import { withDiskImage } from '../image/open-image.ts'
import { inputOptionsOf, OPEN_OPTIONS, type OpenOptions } from '../image/open-options.ts'
import type { ImageSource } from '../input/open-input.ts'
import { CorruptError, UnsupportedError } from '../lib/errors.ts'
import type { Finding, OnFinding } from '../lib/finding.ts'
import { checkOptions, TEXT } from '../lib/options.ts'
import { parseUBootVersion, type UBootVersion } from '../spec/notation/uboot-version.ts'
import type { BootDisk, BootPartition, PartitionNames } from '../uboot/boot-tree.ts'
import { lintBoot } from '../uboot/lint.ts'
import { bootPartition, partitionNames } from './boot-partitions.ts'

export interface LintOptions extends OpenOptions {
  /** Version of the U-Boot that boots it, like `2025.01`: it decides what is an error and what is harmless. */
  uboot?: string | undefined
  /** Called with each finding. */
  onFinding?: OnFinding | undefined
}

/**
 * Looks for what keeps an image from booting: by UEFI, on a Raspberry Pi, or on any board whose U-Boot reads an
 * extlinux.conf.
 *
 * @param image a path, bytes, a Blob and so on, or what `openImage` has opened, which stays open
 * @returns the findings; an image without findings of severity `error` is expected to boot
 * @throws InputError when it cannot be read
 * @throws RangeError when `uboot` is no version
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @example
 * for (const { severity, where, message } of await lintImage('disk.img', { uboot: '2025.01' })) {
 *   console.log(severity, where, message)
 * }
 */
export async function lintImage(
  image: ImageSource | DiskImage,
  options: LintOptions = {},
): Promise<Finding[]> {
  checkOptions('lintImage', options, { ...OPEN_OPTIONS, uboot: TEXT })
  const { uboot, onFinding } = options
  const version = uboot === undefined ? undefined : parseUBootVersion(uboot)
  if (uboot !== undefined && version === undefined) {
    const expected = 'expected a version of U-Boot like "2025.01"'
    throw new RangeError(`lintImage: option uboot: ${expected}, found ${JSON.stringify(uboot)}`)
  }
  const findings = await withDiskImage(image, inputOptionsOf(options), (opened) => lint(opened, version))
  if (onFinding !== undefined) findings.forEach(onFinding)
  return findings
}

async function lint(image: DiskImage, uboot: UBootVersion | undefined): Promise<Finding[]> {
  const findings: Finding[] = []
  const partitions: BootPartition[] = []
  const others: PartitionNames[] = []
  for (const partition of image.partitions) {
    if (partition.driver === undefined) {
      others.push(partitionNames(image, partition))
      continue
    }
    const where = `partition ${partition.number}`
    try {
      const bootable = await bootPartition(image, partition)
      if (bootable === undefined) others.push(partitionNames(image, partition))
      else partitions.push(bootable)
    } catch (error) {
      others.push(partitionNames(image, partition))
      findings.push({ severity: 'error', where, message: damageOf(error) })
    }
  }
  try {
    return [...findings, ...(await lintBoot(partitions, { uboot, others, disk: diskOf(image) }))]
  } catch (error) {
    return [...findings, { severity: 'error', where: 'the image', message: damageOf(error) }]
  }
}

function diskOf({ table, source }: DiskImage): BootDisk {
  return {
    table: table === undefined ? 'none' : table.type === 'mbr' ? 'mbr' : 'gpt',
    read: async (offset, length) => source.read(offset, Math.max(0, Math.min(length, source.size - offset))),
  }
}

/** Damage is a finding, too. */
function damageOf(error: unknown): string {
  if (error instanceof CorruptError || error instanceof UnsupportedError) return error.message
  throw error
}
