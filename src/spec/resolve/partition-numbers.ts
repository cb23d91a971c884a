/** The numbers that the partitions of a description have in its table. */
import type { Draft } from '../check.ts'
import type { ImageSpec } from '../image-spec.ts'

const MAX_PRIMARY = 4
const FIRST_LOGICAL = 5

/**
 * The number of each partition, as Linux counts them; 0 for what has no entry in the table. Of more than four in an
 * MBR, those from the fourth on are logical, and their numbers begin with 5.
 */
export function partitionNumbers({ table, partitions = [] }: Draft<ImageSpec>): number[] {
  if (table?.type === 'none') return partitions.map(() => 0)
  let count = 0
  const places = partitions.map((partition) => (partition?.inTable === false ? 0 : ++count))
  if (table?.type !== 'mbr' || count <= MAX_PRIMARY) return places
  return places.map((place) => (place < MAX_PRIMARY ? place : place - MAX_PRIMARY + FIRST_LOGICAL))
}
