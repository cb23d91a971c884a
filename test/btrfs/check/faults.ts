/** What the checker says of a file system. */
import { checkBtrfs, type CheckOptions } from '../../../src/btrfs/check/check.ts'
import type { ByteSource } from '../../../src/lib/byte-source.ts'
import { formatFinding, type Finding } from '../../../src/lib/finding.ts'
import { loadHash } from '../../../src/lib/load-hash.ts'
import { loadZstd } from '../../../src/lib/zstd/codec.ts'

export async function faultsOf(source: ByteSource, options: Partial<CheckOptions> = {}): Promise<Finding[]> {
  const faults: Finding[] = []
  const onFinding = (fault: Finding) => void faults.push(fault)
  await checkBtrfs(source, { loadHash, zstd: await loadZstd(), onFinding, ...options })
  return faults
}

/** The same, as people are told. */
export async function faultTextsOf(source: ByteSource, options?: Partial<CheckOptions>): Promise<string[]> {
  return (await faultsOf(source, options)).map(formatFinding)
}
