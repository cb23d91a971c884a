import { mismatch, type OnFinding } from '../../lib/finding.ts'
import { chsLimit, chsOf, SECTOR_SIZE, DEFAULT_GEOMETRY, type Chs, type DiskGeometry } from '../format.ts'
import type { MbrPartition } from '../read/mbr.ts'

const MAX_HEADS = 256
const MAX_SECTORS_PER_TRACK = 63

/** Reports CHS addresses that contradict the LBA ones in every geometry. */
export function reportChs(partitions: readonly MbrPartition[], onFinding: OnFinding): void {
  const addresses = partitions
    .filter(({ size }) => size > 0)
    .flatMap((partition) => {
      const { start, size, firstChs, lastChs } = partition
      return [
        { partition, which: 'first', found: firstChs, lba: start / SECTOR_SIZE },
        { partition, which: 'last', found: lastChs, lba: (start + size) / SECTOR_SIZE - 1 },
      ]
    })
  const fits = (geometry: DiskGeometry) =>
    addresses.every(({ found, lba }) => isAddress(found, lba, geometry))
  if (fits(DEFAULT_GEOMETRY) || otherGeometries().some(fits)) return
  for (const { partition, which, found, lba } of addresses) {
    if (isAddress(found, lba, DEFAULT_GEOMETRY)) continue
    const what = `partition ${partition.number}, CHS of the ${which} sector, ${lba}`
    onFinding(
      mismatch({
        where: what,
        offset: partition.entryOffset,
        expected: show(chsOf(lba)),
        found: show(found),
      }),
    )
  }
}

function otherGeometries(): DiskGeometry[] {
  return Array.from({ length: MAX_HEADS * MAX_SECTORS_PER_TRACK }, (_, i) => ({
    heads: Math.floor(i / MAX_SECTORS_PER_TRACK) + 1,
    sectorsPerTrack: (i % MAX_SECTORS_PER_TRACK) + 1,
  }))
}

function isAddress(found: Chs, lba: number, geometry: DiskGeometry): boolean {
  const expected = chsOf(lba, geometry)
  if (same(found, expected)) return true
  // For sectors beyond the limit, some tools write the limit of another geometry, or head 255.
  const isBeyond = same(expected, chsLimit(geometry))
  return isBeyond && (same(found, chsLimit()) || same(found, { ...chsLimit(), head: 255 }))
}

const same = (a: Chs, b: Chs) => a.cylinder === b.cylinder && a.head === b.head && a.sector === b.sector
const show = ({ cylinder, head, sector }: Chs) => `${cylinder}/${head}/${sector}`
