/** Checks unified kernel images: a kernel, its initrd and its command line in one EFI program. (UAPI unified kernel image) */
import { fromBytes, toLatin1 } from '../../lib/byte-string.ts'
import type { Finding } from '../../lib/finding.ts'
import type { PartitionList } from '../block-device.ts'
import type { BootNode, BootPartition } from '../boot-tree.ts'
import { rootProblems } from '../command-line.ts'
import { formatPath, partitionName } from './partition-name.ts'
import { sectionOf, type PeImage } from './pe.ts'

const MAX_TEXT = 65536

/** @param image its headers */
export async function ukiFindings(
  partition: BootPartition,
  node: BootNode,
  image: PeImage,
  partitions: PartitionList,
): Promise<Finding[]> {
  const where = `${partitionName(partition)}, ${formatPath(node.path)}`
  const findings: Finding[] = []
  const end = Math.max(0, ...image.sections.map(({ offset, size }) => offset + size))
  if (end > node.size) {
    const message = `is cut off: its sections end at ${end}, and the file at ${node.size}`
    return [{ severity: 'error', where, message }]
  }
  if (sectionOf(image, '.osrel') === undefined) {
    findings.push({
      severity: 'warning',
      where,
      message: 'has no section .osrel: systemd-boot does not list it',
    })
  }
  if (sectionOf(image, '.initrd') === undefined) {
    findings.push({ severity: 'notice', where, message: 'has no initrd: the kernel mounts the root itself' })
  }
  const line = await ukiText(partition, node, image, '.cmdline')
  for (const problem of await rootProblems(line ?? '', partitions)) {
    findings.push({ severity: 'error', where, message: problem })
  }
  return findings
}

/** A section of text; undefined when there is none. */
export async function ukiText(
  { tree }: BootPartition,
  node: BootNode,
  image: PeImage,
  name: '.cmdline' | '.osrel' | '.uname',
): Promise<string | undefined> {
  const section = sectionOf(image, name)
  if (section === undefined) return undefined
  const bytes = await tree.read(node, Math.min(section.size, MAX_TEXT), section.offset)
  return toLatin1(fromBytes(bytes))
    .replace(/\0[^]*$/, '')
    .trim()
}
