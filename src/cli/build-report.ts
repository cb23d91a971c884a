import type { BuildResult, PartitionResult } from '../build-result.ts'
import { bytesText, columns, countText, secondsText } from './units.ts'

/** What was built, for people: a line for the image, and one for each partition. */
export function buildText(result: BuildResult, { seconds }: { seconds: number }): string {
  const { output = 'standard output', imageSize, outputSize, format } = result
  const size = bytesText(imageSize) + (format === 'img' ? '' : `, ${bytesText(outputSize)} compressed`)
  const rows = result.partitions.map((partition) => [
    String(partition.number),
    partition.type.toUpperCase(),
    partition.label,
    `${bytesText(partition.size)} at ${bytesText(partition.start)}`,
    contentText(partition),
  ])
  return `${output}: ${size}, in ${secondsText(seconds)}\n${columns(rows, '  ')}\n`
}

function contentText(partition: PartitionResult): string {
  const { files, directories, bytesIn, bytesStored } = partition
  const parts = [countText(files, 'file'), countText(directories, 'directory', 'directories')]
  if (partition.type === 'btrfs') parts.push(countText(partition.subvolumes.length - 1, 'subvolume'))
  parts.push(`${bytesText(bytesIn)} in ${bytesText(bytesStored)}`)
  return parts.join(', ')
}
