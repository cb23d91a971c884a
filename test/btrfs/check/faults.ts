/** The findings of the checker on a file system. */
import { checkBtrfs, type BtrfsCheckOptions } from '../../../src/btrfs/check/check.ts'
import type { ByteSource } from '../../../src/lib/byte-source.ts'
import { formatFinding, type Finding } from '../../../src/lib/finding.ts'

export async function faultsOf(source: ByteSource, options: BtrfsCheckOptions = {}): Promise<Finding[]> {
  const faults: Finding[] = []
  await checkBtrfs(source, { ...options, onFinding: (finding) => faults.push(finding) })
  return faults
}

/** The same as lines of text. */
export async function faultTextsOf(source: ByteSource, options?: BtrfsCheckOptions): Promise<string[]> {
  return (await faultsOf(source, options)).map(formatFinding)
}
