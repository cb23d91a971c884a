/** Opens file systems for tests. */
import type { BtrfsReader } from '../../../src/btrfs/read/open.ts'
import { openBtrfs } from '../../../src/btrfs/read/open.ts'
import type { SyncByteSource } from '../../../src/lib/byte-source.ts'
import type { Finding } from '../../../src/lib/finding.ts'
import { loadHash } from '../../../src/lib/load-hash.ts'
import { loadZstd } from '../../../src/lib/zstd/codec.ts'

/** A reader, and what it reports. */
export async function openWithFaults(
  source: SyncByteSource,
): Promise<{ reader: BtrfsReader; faults: Finding[] }> {
  const faults: Finding[] = []
  const onFinding = (fault: Finding) => void faults.push(fault)
  return { reader: await openBtrfs(source, { loadHash, zstd: await loadZstd(), onFinding }), faults }
}
