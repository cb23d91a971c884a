/** Checks that every allocated cluster belongs to something, and the counts in FSInfo. */
import { mismatch } from '../../lib/finding.ts'
import { readStruct, type ReadRoutine } from '../../lib/read-routine.ts'
import { FAT_FREE, FIRST_CLUSTER, FsInfo, UNKNOWN_COUNT } from '../format.ts'
import type { Check } from './context.ts'
import { fsInfoOffset } from './head.ts'
import type { ClusterSet } from './cluster-set.ts'

/** @param used by files and directories */
export function* checkUse(check: Check, used: ClusterSet): ReadRoutine<void> {
  const { fat, geometry, onFinding } = check
  const end = FIRST_CLUSTER + geometry.clusters
  let [free, lost, firstLost] = [0, 0, 0]
  for (let cluster = FIRST_CLUSTER; cluster < end; cluster++) {
    const value = fat.kept(cluster) ?? (yield* fat.entry(cluster))
    if (value === FAT_FREE) free++
    else if (value !== fat.form.bad && !used.has(cluster)) {
      if (lost === 0) firstLost = cluster
      lost++
    }
  }
  if (lost > 0) {
    onFinding(
      mismatch({
        where: 'FAT',
        offset: fat.offsetOf(firstLost),
        expected: 'clusters in use by something',
        found: `${lost} that nothing uses, the first one ${firstLost}`,
      }),
    )
  }

  const offset = fsInfoOffset(check)
  if (offset === undefined) return
  const { freeClusters, nextFree } = yield* readStruct(offset, 'FSInfo', FsInfo)
  const fault = (field: keyof FsInfo, expected: string, found: number) =>
    onFinding(
      mismatch({
        where: `FSInfo, ${field}`,
        offset: offset + FsInfo.offsetOf(field),
        expected,
        found: String(found),
      }),
    )
  if (freeClusters !== UNKNOWN_COUNT && freeClusters !== free)
    fault('freeClusters', String(free), freeClusters)
  if (nextFree !== UNKNOWN_COUNT && (nextFree < FIRST_CLUSTER || nextFree >= end)) {
    fault('nextFree', `a cluster from ${FIRST_CLUSTER} to ${end - 1}`, nextFree)
  }
}
