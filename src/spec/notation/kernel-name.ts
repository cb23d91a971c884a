/** Names of kernels in /boot. */

const KERNEL = /^(?:vmlinuz|vmlinux|Image)-([!-.0-~]+)$/
/** Left behind by editors and package managers. */
const LEFTOVER = /\.(old|bak|dpkg-\w+)$/

/**
 * The version in the name of a kernel.
 *
 * @returns undefined when it is no such name
 * @example
 * kernelVersionOf('vmlinuz-6.1.0-25-arm64') // '6.1.0-25-arm64'
 */
export function kernelVersionOf(name: string): string | undefined {
  const version = KERNEL.exec(name)?.[1]
  return version === undefined || LEFTOVER.test(version) ? undefined : version
}
