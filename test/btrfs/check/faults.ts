/** What the checker says of a file system. */
import { checkBtrfs, type CheckOptions } from '../../../src/btrfs/check/check.ts'
import type { ByteSource } from '../../../src/lib/byte-source.ts'
import { faultText, type Fault } from '../../../src/lib/fault.ts'
import { loadHash } from '../../../src/lib/load-hash.ts'
import { loadZstd } from '../../../src/lib/zstd/codec.ts'

export async function faultsOf(source: ByteSource, options: Partial<CheckOptions> = {}): Promise<Fault[]> {
  const faults: Fault[] = []
  const onFault = (fault: Fault) => void faults.push(fault)
  await checkBtrfs(source, { loadHash, zstd: await loadZstd(), onFault, ...options })
  return faults
}

/** The same, as people are told. */
export async function faultTextsOf(source: ByteSource, options?: Partial<CheckOptions>): Promise<string[]> {
  return (await faultsOf(source, options)).map(faultText)
}
