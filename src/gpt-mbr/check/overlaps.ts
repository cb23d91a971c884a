import { mismatch, type OnFinding } from '../../lib/finding.ts'

/** The place of a partition, in bytes. */
interface Placed {
  number: number
  start: number
  size: number
  entryOffset: number
}

/** Reports partitions that overlap an earlier one on the disk. */
export function reportOverlaps(partitions: readonly Placed[], onFinding: OnFinding): void {
  let farthest: Placed | undefined
  for (const partition of partitions.toSorted((a, b) => a.start - b.start || a.number - b.number)) {
    if (partition.size === 0) continue
    const end = farthest === undefined ? 0 : farthest.start + farthest.size
    if (farthest !== undefined && partition.start < end) {
      const [first, second] = [farthest, partition].sort((a, b) => a.number - b.number)
      onFinding(
        mismatch({
          where: `partition ${second.number}`,
          offset: second.entryOffset,
          expected: 'a place of its own',
          found: `one that overlaps partition ${first.number}`,
        }),
      )
    }
    if (partition.start + partition.size > end) farthest = partition
  }
}
