/**
 * Limits of the BTRFS readers in boot loaders, by version. Measured with U-Boot's sandbox and boards, and with
 * grub-fstest: see docs/how-to/booting.md.
 */
import type { FileLayout } from '../file-tree/file-layout.ts'
import type { Finding } from '../lib/finding.ts'
import { isBefore, formatUBootVersion, type UBootVersion } from '../spec/notation/uboot-version.ts'
import { Arm64Image, ARM64_MAGIC } from './format.ts'
import type { BtrfsTraits } from './boot-tree.ts'

/** A rule of a reader that a file system or file breaks; the caller knows where. */
export type ReaderIssue = Pick<Finding, 'severity' | 'message'>

/** The first versions of U-Boot that read something. */
const FIRST_VERSIONS = {
  holes: { year: 2022, month: 10 },
  blake2b: { year: 2022, month: 1 },
  dup: { year: 2023, month: 4 },
  compressedTail: { year: 2023, month: 7 },
  largeKernels: { year: 2025, month: 7 },
} satisfies Record<string, UBootVersion>

/** Features that no version of U-Boot supports. */
const UNSUPPORTED_FEATURES = new Set([
  'simple_quota',
  'raid56',
  'raid1c34',
  'raid_stripe_tree',
  'zoned',
  'extent_tree_v2',
  'metadata_uuid',
])
const SUPPORTED_PROFILES = new Set(['single', 'dup'])

/** On boards like the Raspberry Pi 3 the kernel is loaded 36 MiB below the device tree. */
const ROOM_FOR_KERNEL = 36n * 2n ** 20n

/** An error when the version is too old, a warning when it is unknown. */
function requires(
  feature: keyof typeof FIRST_VERSIONS,
  version: UBootVersion | undefined,
  message: (who: string) => string,
): ReaderIssue[] {
  const first = FIRST_VERSIONS[feature]
  if (version === undefined) {
    return [{ severity: 'warning', message: message(`U-Boot before ${formatUBootVersion(first)}`) }]
  }
  return isBefore(version, first)
    ? [{ severity: 'error', message: message(`U-Boot ${formatUBootVersion(version)}`) }]
    : []
}

/** Finds everything that keeps U-Boot from reading a file system at all. */
export function fileSystemIssues(
  { checksum, dataProfiles, features }: BtrfsTraits,
  version: UBootVersion | undefined,
): ReaderIssue[] {
  const fatal = (message: string): ReaderIssue => ({ severity: 'error', message })
  return [
    ...features
      .filter((feature) => UNSUPPORTED_FEATURES.has(feature))
      .map((feature) => fatal(`has the feature ${feature}, which U-Boot does not support`)),
    ...dataProfiles
      .filter((profile) => !SUPPORTED_PROFILES.has(profile))
      .map((profile) => fatal(`has data of the profile ${profile}, which U-Boot does not read`)),
    ...(dataProfiles.includes('dup')
      ? requires('dup', version, (who) => `has two copies of its data (DUP), which ${who} cannot read`)
      : []),
    ...(checksum === 'blake2b'
      ? requires('blake2b', version, (who) => `has blake2b checksums, which ${who} does not support`)
      : []),
  ]
}

/** Finds everything that keeps U-Boot from reading a file. */
export function fileIssues(form: FileLayout, version: UBootVersion | undefined): ReaderIssue[] {
  const { holes, preallocated, compressions, compressedTail, oddExtent } = form
  return [
    ...(holes || preallocated
      ? requires(
          'holes',
          version,
          (who) => `has ${holes ? 'holes' : 'preallocated space'}, which ${who} and GRUB fail to read`,
        )
      : []),
    ...(compressedTail
      ? requires(
          'compressedTail',
          version,
          (who) =>
            `ends with a partial sector that is compressed (${compressions.join(', ')}): ${who} silently reads wrong data at its end; "bootFiles": true stores it so that every version reads it correctly`,
        )
      : []),
    ...(oddExtent === undefined
      ? []
      : [{ severity: 'error' as const, message: `${oddExtent}, which U-Boot reads wrong` }]),
  ]
}

/** @param image the start of a kernel: as many bytes of its header as there are */
export function kernelIssues(image: Uint8Array, version: UBootVersion | undefined): ReaderIssue[] {
  if (image.length < Arm64Image.size) {
    return [{ severity: 'error', message: `has only ${image.length} bytes, and is not a kernel` }]
  }
  const { magic, imageSize } = Arm64Image.decode(image)
  if (magic !== ARM64_MAGIC || imageSize <= ROOM_FOR_KERNEL) return []
  const mib = imageSize / 2n ** 20n
  const message = (who: string) =>
    `takes ${mib} MiB of memory: on a Raspberry Pi 3, ${who} loads the device tree 36 MiB above the start of the kernel and overwrites part of it`
  // The addresses depend on the board and its settings.
  return requires('largeKernels', version, message).map((issue) => ({ ...issue, severity: 'warning' }))
}
