/** The faults that the checker finds in a file system. */
import { checkBtrfs, type BtrfsCheckOptions } from '../../../src/btrfs/check/check.ts'
import type { ByteSource } from '../../../src/lib/byte-source.ts'
import { formatFinding, type Finding } from '../../../src/lib/finding.ts'

export async function faultsOf(source: ByteSource, options: BtrfsCheckOptions = {}): Promise<Finding[]> {
  return (await findingsOf(source, options)).filter(({ severity }) => severity === 'error')
}

/** The same with warnings. */
export async function findingsOf(source: ByteSource, options: BtrfsCheckOptions = {}): Promise<Finding[]> {
  const findings: Finding[] = []
  await checkBtrfs(source, { ...options, onFinding: (finding) => findings.push(finding) })
  return findings
}

/** The same as lines of text. */
export async function faultTextsOf(source: ByteSource, options?: BtrfsCheckOptions): Promise<string[]> {
  return (await faultsOf(source, options)).map(formatFinding)
}
