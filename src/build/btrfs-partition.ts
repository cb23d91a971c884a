/** Writes a BTRFS partition: its sources, and what makes a system of them. */
import { BtrfsWriter, type BtrfsSummary } from '../btrfs/write/writer.ts'
import type { BtrfsResult } from './result.ts'
import { readSource, type BuildContext } from './context.ts'
import { toText } from '../lib/byte-string.ts'
import type { ImageSink } from '../lib/image-sink.ts'
import { loadHash } from '../lib/load-hash.ts'
import { addBootFiles, installSystem, type InstalledSystem } from './nixos-system.ts'
import { loadExtentCompression } from './packing/extent-compression.ts'
import { openExtentEncoder } from './packing/open-packing.ts'
import type { BtrfsPlan } from '../spec/plan.ts'
import { standardDirectories } from '../uboot/nixos-tree.ts'

export interface WrittenBtrfs {
  plan: BtrfsPlan
  result: BtrfsResult
  /** Still there, to read back from. */
  writer: BtrfsWriter
  system: InstalledSystem | undefined
}

/** @param boots its boot files lie in it, too */
export async function writeBtrfsPartition(
  plan: BtrfsPlan,
  sink: ImageSink,
  { boots, ...context }: BuildContext & { boots: boolean },
): Promise<WrittenBtrfs> {
  const { nixos, time } = plan
  const { compress, decompress } = await loadExtentCompression()
  const hash = await loadHash(plan.checksum)
  const unmeasured = openExtentEncoder(context.workers, { compress, hash })
  const encoder = context.profiler?.packing(unmeasured) ?? unmeasured
  try {
    const writer = new BtrfsWriter(plan, sink, { encoder, decompress, hash, signal: context.signal })
    if (nixos !== undefined) {
      for (const entry of standardDirectories(time)) await writer.add(entry, '')
    }
    for (const source of plan.sources) {
      await readSource(source, context, (entry) => writer.add(entry, source.to))
    }
    let system: InstalledSystem | undefined
    if (nixos !== undefined) {
      context.progress.step('adding the boot files')
      system = await installSystem(writer, nixos, time)
      if (boots) await addBootFiles(writer, system.bootFiles, time)
    }
    context.progress.step(`writing the trees of ${plan.label || 'BTRFS'}`)
    context.signal?.throwIfAborted()
    return { plan, result: btrfsResult(plan, await writer.finish()), writer, system }
  } finally {
    await encoder.close()
  }
}

function btrfsResult(plan: BtrfsPlan, { size, subvolumes: all, ...numbers }: BtrfsSummary): BtrfsResult {
  const { number, label, start, bootable, uuid } = plan
  const subvolumes = all.filter(({ plan: { snapshotOf } }) => snapshotOf === undefined)
  return {
    number,
    type: 'btrfs',
    label,
    start,
    bootable,
    uuid,
    size,
    ...numbers,
    files: sum(subvolumes, ({ files }) => files),
    directories: sum(subvolumes, ({ directories }) => directories),
    symlinks: sum(subvolumes, ({ symlinks }) => symlinks),
    specials: sum(subvolumes, ({ specials }) => specials),
    hardLinks: sum(subvolumes, ({ hardLinks }) => hardLinks),
    inlineFiles: sum(subvolumes, ({ inlineFiles }) => inlineFiles),
    subvolumes: all.map(({ plan: { id, name, parent, path, uuid, ...more }, files }) => ({
      id,
      // They come from the description, so they are text.
      name: toText(name)!,
      parent: name === '' ? undefined : parent,
      path: path === undefined ? undefined : `/${toText(path)!}`,
      uuid,
      readOnly: more.readOnly,
      default: more.isDefault,
      snapshotOf: more.snapshotOf,
      files,
    })),
  }
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0)
}
