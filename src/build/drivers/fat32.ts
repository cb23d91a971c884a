import type { NewEntry, PartitionDriver, PartitionWriter } from './driver.ts'
import type { BuildContext } from '../context.ts'
import { firmwareEntries } from '../firmware.ts'
import type { Fat32Result } from '../result.ts'
import { caseKey } from '../../fat32/names.ts'
import { FatCollector } from '../../fat32/write/collect.ts'
import { planFat32, type Fat32Layout } from '../../fat32/write/plan.ts'
import type { PlannedChild, PlannedDirectory } from '../../fat32/write/plan-tree.ts'
import { writeLayout } from '../../fat32/write/write.ts'
import { summaryOf } from '../../fat32/write/write-fat32.ts'
import { PLAIN_FORM } from '../../file-tree/file-layout.ts'
import { SECTOR_SIZE } from '../../gpt-mbr/format.ts'
import { toText, type ByteString } from '../../lib/byte-string.ts'
import { firstBytes } from '../../lib/first-bytes.ts'
import type { ImageSink } from '../../lib/image-sink.ts'
import type { InputPath } from '../../sources/kinds/opener.ts'
import { FileSpool } from '../../sources/spool.ts'
import { formatVolumeId } from '../../spec/numbers.ts'
import type { Fat32Plan, PlacedPlan } from '../../spec/plan.ts'
import type { BootTree } from '../../uboot/boot-tree.ts'

export const fat32PartitionDriver: PartitionDriver<Fat32Plan> = {
  open: (plan, sink, context) => Promise.resolve(openFat32Partition(plan, sink, context)),
  inputs({ firmware }): InputPath[] {
    if (firmware === undefined) return []
    const { directory, uboot } = firmware
    return [
      ...(directory === undefined ? [] : [{ kind: 'directory' as const, path: directory }]),
      ...uboot.map(({ path }) => ({ kind: 'file' as const, path })),
    ]
  },
}

/** FAT32 is written at the end: its directories and chains stand before its files. */
function openFat32Partition(
  plan: PlacedPlan<Fat32Plan>,
  sink: ImageSink,
  context: BuildContext,
): PartitionWriter {
  const { label, volumeId, start, time, rules, symlinks, firmware } = plan
  const size = plan.size as number
  const spool = new FileSpool()
  const collector = new FatCollector({ size, time, spool, rules, symlinks, onReplace: context.onReplace })
  let finished: Fat32Layout | undefined
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
      const hiddenSectors = start / SECTOR_SIZE
      const layout = planFat32({ size, hiddenSectors, label, volumeId, time, ...collector.tree })
      for (const where of collector.unusedRules(`${plan.jsonPath}.`)) {
        context.onFinding({ severity: 'notice', where, message: 'matches nothing in the sources' })
      }
      context.progress.step(`writing ${label || 'FAT32'}`)
      await writeLayout(layout, sink, {
        signal: context.signal,
        onBytes: (bytes) => context.progress.advance(bytes),
      })
      finished = layout
      for (const notice of collector.drops.notices('FAT32')) context.onFinding(notice)
      return { ...resultOf(plan, size, layout), dropped: collector.drops.counts }
    },
    bootView() {
      if (finished === undefined) throw new Error('the file system is not finished')
      return { type: 'fat', uuid: formatVolumeId(volumeId), tree: bootTreeOf(finished) }
    },
    close: () => spool.close(),
  }
}

function resultOf(
  { number, start, bootable }: PlacedPlan<Fat32Plan>,
  size: number,
  layout: Fat32Layout,
): Omit<Fat32Result, 'dropped'> {
  const { label, volumeId, files, directories, bytesIn, bytesStored } = summaryOf(layout)
  return {
    ...{ number, type: 'fat32', label, start, size, bootable, volumeId },
    ...{ files, directories, bytesIn, bytesStored },
  }
}

function bootTreeOf({ directories: [root] }: Fat32Layout): BootTree {
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
    read({ path }, length) {
      const node = find(path)
      if (node?.type !== 'file') throw new Error(`no file at ${path}`)
      return firstBytes(node.content.open(), length)
    },
    form: () => Promise.resolve(PLAIN_FORM),
  }
}
