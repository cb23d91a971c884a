/** Compares the ranges that have checksums with the extents, and with the files that use them. */
import type { ChecksumRanges } from './checksum-ranges.ts'
import type { CheckContext } from './context.ts'
import type { ExtentTable } from './extent-table.ts'
import type { SummedPrealloc } from './file-content.ts'
import type { LostRanges } from './lost-ranges.ts'
import { treeName } from './names.ts'
import { lastAtMost } from './numbers.ts'
import type { UseTable } from './use-table.ts'

/** An extent that has no item yet. */
export interface LoggedExtent {
  start: number
  end: number
}

export interface ChecksumComparison {
  context: CheckContext
  checksums: ChecksumRanges
  extents: ExtentTable
  /** Ranges of keys of either tree that could not be read. */
  lost: LostRanges
  /** Extents that are in a log only. */
  logged: readonly LoggedExtent[]
}

/** Everything with a checksum is part of an extent, or of one that is in a log only. */
export function compareChecksums({
  context,
  checksums,
  extents,
  lost,
  logged: logs,
}: ChecksumComparison): void {
  if (lost.any) return
  const logged = [...logs].sort((a, b) => a.start - b.start)
  for (let range = 0; range < checksums.length; range++) {
    let at = checksums.start(range)
    const end = checksums.end(range)
    const first = Math.max(0, lastAtMost(extents.length, extents.bytenr, at))
    for (let row = first; at < end; row++) {
      const next = row < extents.length ? Math.min(end, extents.bytenr(row)) : end
      if (next > at && !isLogged(logged, at, next)) {
        const place = context.physical(at)
        context.fault(`checksums from ${at} to ${next}`, place, 'a data extent there', 'none')
      }
      at = Math.max(at, next)
      if (row < extents.length && !extents.isSkinny(row)) at = Math.max(at, extents.end(row))
      if (row >= extents.length) break
    }
  }
}

/** Whether all of a range is in the last extent that begins at or before it. */
function isLogged(logged: readonly LoggedExtent[], from: number, to: number): boolean {
  const last = lastAtMost(logged.length, (i) => logged[i].start, from)
  return last >= 0 && to <= logged[last].end
}

/** Preallocated space has no checksums, unless another file has written it. */
export function comparePreallocs(
  context: CheckContext,
  preallocs: readonly SummedPrealloc[],
  uses: UseTable,
): void {
  if (preallocs.length === 0) return
  const written = new Set<number>()
  for (let row = 0; row < uses.length; row++) {
    const { bytenr, isPreallocated } = uses.get(row)
    if (!isPreallocated) written.add(bytenr)
  }
  for (const { bytenr, inode, tree, place } of preallocs) {
    if (written.has(bytenr)) continue
    const what = `inode ${inode} of ${treeName(tree)}, checksums`
    context.fault(what, place, 'none of preallocated space', `some of the extent at ${bytenr}`)
  }
}
