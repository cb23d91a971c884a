/** Writes a FAT32 partition: its sources, the firmware, and boot files of a system that lies elsewhere. */
import type { Fat32Result } from './result.ts'
import { readSource, type BuildContext } from './context.ts'
import { FatCollector } from '../fat32/write/collect.ts'
import type { FatContent } from '../fat32/write/content.ts'
import { clusterSizeOf } from '../fat32/geometry.ts'
import { planFat32 } from '../fat32/write/plan.ts'
import { writeFat32 } from '../fat32/write/write.ts'
import { addFirmware } from './firmware.ts'
import type { SourceEntry } from '../file-tree/entry.ts'
import type { DirectoryNode } from '../file-tree/tree.ts'
import { SECTOR_SIZE } from '../gpt-mbr/format.ts'
import type { ImageSink } from '../lib/image-sink.ts'
import { Spool } from '../sources/spool.ts'
import { formatVolumeId } from '../spec/numbers.ts'
import type { Fat32Plan } from '../spec/plan.ts'

export interface WrittenFat32 {
  plan: Fat32Plan
  result: Fat32Result
  root: DirectoryNode<FatContent>
}

/** @param more entries that come after the sources; what they hold can be read at any time */
export async function writeFat32Partition(
  plan: Fat32Plan,
  sink: ImageSink,
  { more, ...context }: BuildContext & { more: Iterable<SourceEntry> },
): Promise<WrittenFat32> {
  const { number, label, volumeId, start, size, bootable, time, firmware } = plan
  const spool = new Spool()
  try {
    let stays = false
    const collector = new FatCollector({
      size,
      time,
      // Files of a directory stay where they are; those of an archive go by once.
      keep: (content) => (stays ? Promise.resolve(() => content) : spool.add(content)),
    })
    if (firmware !== undefined) {
      stays = true
      await addFirmware(firmware, time, context, (entry) => collector.add(entry))
    }
    for (const source of plan.sources) {
      stays = source.kind === 'directory'
      await readSource(source, context, (entry) => collector.add(entry, source.to))
    }
    stays = true
    for (const entry of more) await collector.add(entry)
    const { root, places } = collector
    const hiddenSectors = start / SECTOR_SIZE
    const layout = planFat32({ size, hiddenSectors, label, volumeId, time, root, places })
    context.progress.step(`writing ${label || 'FAT32'}`)
    await writeFat32(layout, sink, {
      signal: context.signal,
      onBytes: (bytes) => context.progress.advance(bytes),
    })
    const clusterSize = clusterSizeOf(layout.geometry)
    const result: Fat32Result = {
      number,
      type: 'fat32',
      label,
      start,
      size,
      bootable,
      volumeId: formatVolumeId(volumeId),
      files: layout.files.length,
      directories: layout.directories.length,
      bytesIn: sum(layout.files, ({ content }) => content.size),
      bytesStored: sum(layout.files, ({ run }) => run.count * clusterSize),
    }
    return { plan, result, root }
  } finally {
    await spool.close()
  }
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0)
}
