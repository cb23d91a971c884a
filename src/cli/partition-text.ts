/** The partitions of an image, in words. */
import type { DiskImage, ImagePartition } from '../image/open-image.ts'
import { bytesText, columns } from './units.ts'

export function partitionsText(image: DiskImage): string {
  const rows: string[][] = []
  for (const partition of image.partitions) {
    const { number, size, start, bootable, labels } = partition
    rows.push([
      String(number),
      contentOf(partition).toUpperCase(),
      labels.map((label) => JSON.stringify(label)).join(' '),
      `${bytesText(size)} at ${bytesText(start)}`,
      bootable ? 'bootable' : '',
    ])
  }
  const { table } = image
  const kind = table === undefined ? 'no partition table' : table.type.toUpperCase()
  return `${kind}, ${bytesText(image.size)}\n${rows.length === 0 ? '' : `${columns(rows, '  ')}\n`}`
}

export function partitionsJson({ size, compression, table, partitions }: DiskImage) {
  const list = []
  for (const partition of partitions) {
    const { number, start, size, type, bootable, name } = partition
    const content = partition.contentType ?? null
    list.push({ number, start, size, type, bootable, name, content, label: partition.label })
  }
  return {
    size,
    compression: compression ?? null,
    table: table === undefined ? null : { type: table.type, diskId: table.diskId, guid: table.guid },
    partitions: list,
  }
}

function contentOf(partition: ImagePartition): string {
  return partition.contentType ?? 'unknown'
}
