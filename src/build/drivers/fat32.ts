import type { NewEntry, PartitionDriver, PartitionWriter } from './driver.ts'
import type { BuildContext } from '../context.ts'
import { firmwareEntries } from '../firmware.ts'
import type { FatResult } from '../result.ts'
import { caseKey } from '../../fat32/names.ts'
import { FAT_TITLES } from '../../fat32/plan-geometry.ts'
import { FatCollector, fatLimit } from '../../fat32/write/collect.ts'
import { planFat, type FatLayout } from '../../fat32/write/plan.ts'
import type { PlannedChild, PlannedDirectory } from '../../fat32/write/plan-tree.ts'
import { writeLayout } from '../../fat32/write/write.ts'
import { summaryOf } from '../../fat32/write/write-fat32.ts'
import { PLAIN_FORM } from '../../file-tree/file-layout.ts'
import { toText, type ByteString } from '../../lib/byte-string.ts'
import { firstBytes } from '../../lib/first-bytes.ts'
import type { ImageSink } from '../../lib/image-sink.ts'
import type { InputPath } from '../../sources/kinds/opener.ts'
import { formatVolumeId } from '../../spec/notation/numbers.ts'
import type { FatPlan, PlacedPlan } from '../../spec/plan/plan.ts'
import type { BootTree } from '../../uboot/boot-tree.ts'

export const fatPartitionDriver: PartitionDriver<FatPlan> = {
  open: (plan, sink, context) => Promise.resolve(openFatPartition(plan, sink, context)),
  inputs({ firmware }): InputPath[] {
    if (firmware === undefined) return []
    const { directory, uboot } = firmware
    return [
      ...(directory === undefined ? [] : [{ kind: 'directory' as const, path: directory }]),
      ...uboot.map(({ path }) => ({ kind: 'file' as const, path })),
    ]
  },
}

/** FAT is written at the end: its directories and chains stand before its files. */
function openFatPartition(
  plan: PlacedPlan<FatPlan>,
  sink: ImageSink,
  context: BuildContext,
): PartitionWriter {
  const { type, label, volumeId, shape, time, rules, symlinks, firmware } = plan
  // A partition that grows may end within a sector of the file system.
  const size = plan.size === 'fit' ? plan.size : plan.size - (plan.size % shape.sectorSize)
  const spool = context.host.createSpool()
  // The boot check reads files back.
  context.openFiles.push(spool)
  const limit = fatLimit(size, { type, ...shape })
  const collector = new FatCollector({ limit, time, spool, rules, symlinks, onReplace: context.onReplace })
  let finished: FatLayout | undefined
  return {
    async *ownEntries(): AsyncIterable<NewEntry> {
      if (firmware === undefined) return
      for await (const entry of firmwareEntries(firmware, time, context)) yield { entry }
    },
    beginSource: (merge) => collector.beginSource(merge),
    add: ({ entry, to, unsupported }) => collector.add(entry, to, unsupported),
    find: () => undefined,
    list: () => [],
    installSystem: () => Promise.resolve(undefined),
    async finish() {
      const hiddenSectors = hiddenSectorsOf(plan)
      const layout = planFat({ ...plan, ...shape, size, hiddenSectors, ...collector.tree })
      for (const where of collector.unusedRules(`${plan.jsonPath}.`)) {
        context.onFinding({ severity: 'notice', where, message: 'matches nothing in the sources' })
      }
      context.progress.step('write', `writing ${label || FAT_TITLES[type]}`)
      await writeLayout(layout, sink, {
        signal: context.signal,
        onBytes: (bytes) => context.progress.advance(bytes),
      })
      finished = layout
      for (const notice of collector.drops.notices('FAT')) context.onFinding(notice)
      return { ...resultOf(plan, layout), dropped: collector.drops.counts }
    },
    bootView() {
      if (finished === undefined) throw new Error('the file system is not finished')
      return { type: 'fat', fatType: plan.type, uuid: formatVolumeId(volumeId), tree: bootTreeOf(finished) }
    },
    close: () => Promise.resolve(),
  }
}

/** Sectors before the partition, as Windows wants them; those of a disk of more than 2^32 sectors can have no number. */
function hiddenSectorsOf({ start, shape, hiddenSectors }: PlacedPlan<FatPlan>): number {
  const before = hiddenSectors ?? Math.floor(start / shape.sectorSize)
  return before <= 0xffff_ffff ? before : 0
}

function resultOf(plan: PlacedPlan<FatPlan>, layout: FatLayout): Omit<FatResult, 'dropped'> {
  const { number, start, bootable } = plan
  const { type, label, volumeId, clusterSize, files, directories, bytesIn, bytesStored, ...summary } =
    summaryOf(layout)
  const size = plan.size === 'fit' ? summary.size : plan.size
  const { freeBytes } = summary
  return {
    ...{ number, type, label, start, size, bootable, volumeId, clusterSize, freeBytes },
    ...{ files, directories, bytesIn, bytesStored },
  }
}

function bootTreeOf({ directories: [root] }: FatLayout): BootTree {
  const keyOf = (name: ByteString) => caseKey(toText(name)!)
  const childOf = (directory: PlannedDirectory, name: ByteString) => {
    // A name is found whatever its case.
    const key = toText(name) === undefined ? undefined : keyOf(name)
    return directory.children.find(({ text }) => text === name || keyOf(text) === key)
  }
  const find = (path: ByteString): PlannedChild['node'] | undefined => {
    let node: PlannedChild['node'] = root
    for (const name of path.split('/')) {
      if (node.type !== 'directory') return undefined
      if (name === '' || name === '.') continue
      if (name === '..') node = node.parent ?? root
      else {
        const child = childOf(node, name)
        if (child === undefined) return undefined
        node = child.node
      }
    }
    return node
  }
  return {
    find(path) {
      const node = find(path)
      if (node === undefined) return Promise.resolve(undefined)
      const size = node.type === 'file' ? node.content.size : 0
      return Promise.resolve({ path: node.path, type: node.type, size })
    },
    list({ path }) {
      const node = find(path)
      return Promise.resolve(node?.type === 'directory' ? node.children.map(({ text }) => text).sort() : [])
    },
    read({ path }, length, offset) {
      const node = find(path)
      if (node?.type !== 'file') throw new Error(`no file at ${path}`)
      return firstBytes(node.content.open(), length, offset)
    },
    form: () => Promise.resolve(PLAIN_FORM),
  }
}
