import type { NewEntry, PartitionDriver, PartitionWriter } from './driver.ts'
import { firstBytes } from './first-bytes.ts'
import type { BuildContext } from '../context.ts'
import { firmwareEntries } from '../firmware.ts'
import type { Fat32Result } from '../result.ts'
import { caseKey } from '../../fat32/names.ts'
import { FatCollector } from '../../fat32/write/collect.ts'
import type { FatContent } from '../../fat32/write/content.ts'
import { planFat32, type Fat32Layout } from '../../fat32/write/plan.ts'
import { writeLayout } from '../../fat32/write/write.ts'
import { summaryOf } from '../../fat32/write/write-fat32.ts'
import { PLAIN_FORM } from '../../file-tree/file-layout.ts'
import { findNode } from '../../file-tree/find-node.ts'
import type { DirectoryNode } from '../../file-tree/tree.ts'
import { SECTOR_SIZE } from '../../gpt-mbr/format.ts'
import { toLatin1, toText, type ByteString } from '../../lib/byte-string.ts'
import type { ImageSink } from '../../lib/image-sink.ts'
import type { InputPath } from '../../sources/kinds/opener.ts'
import { FileSpool } from '../../sources/spool.ts'
import { formatVolumeId } from '../../spec/numbers.ts'
import type { Fat32Plan } from '../../spec/plan.ts'
import { bootNodeOf, type BootTree } from '../../uboot/boot-tree.ts'

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
function openFat32Partition(plan: Fat32Plan, sink: ImageSink, context: BuildContext): PartitionWriter {
  const { label, volumeId, start, size, time, firmware } = plan
  const spool = new FileSpool()
  const collector = new FatCollector({ size, time, spool, onReplace: context.onReplace })
  return {
    async *ownEntries(): AsyncIterable<NewEntry> {
      if (firmware === undefined) return
      for await (const entry of firmwareEntries(firmware, time, context)) yield { entry }
    },
    beginSource: (merge) => collector.beginSource(merge),
    add: ({ entry, to, unsupported }) => collector.add(entry, to, unsupported),
    installSystem: () => Promise.resolve(undefined),
    async finish() {
      const { root, places } = collector
      const hiddenSectors = start / SECTOR_SIZE
      const layout = planFat32({ size, hiddenSectors, label, volumeId, time, root, places })
      context.progress.step(`writing ${label || 'FAT32'}`)
      await writeLayout(layout, sink, {
        signal: context.signal,
        onBytes: (bytes) => context.progress.advance(bytes),
      })
      for (const notice of collector.drops.notices('FAT32')) context.onFinding(notice)
      return { ...resultOf(plan, layout), dropped: collector.drops.counts }
    },
    bootView: () => ({ type: 'fat', uuid: formatVolumeId(volumeId), tree: bootTreeOf(collector.root) }),
    close: () => spool.close(),
  }
}

function resultOf(
  { number, start, size, bootable }: Fat32Plan,
  layout: Fat32Layout,
): Omit<Fat32Result, 'dropped'> {
  const { label, volumeId, files, directories, bytesIn, bytesStored } = summaryOf(layout)
  return {
    ...{ number, type: 'fat32', label, start, size, bootable, volumeId },
    ...{ files, directories, bytesIn, bytesStored },
  }
}

function bootTreeOf(root: DirectoryNode<FatContent>): BootTree {
  const keyOf = (name: ByteString) => caseKey(toText(name) ?? toLatin1(name))
  // A name is found whatever its case.
  const child = (directory: DirectoryNode<FatContent>, name: ByteString) =>
    directory.children.get(name) ??
    [...directory.children].find(([other]) => keyOf(other) === keyOf(name))?.[1]
  const find = (path: ByteString) => findNode(root, path, child)
  return {
    find: (path) => Promise.resolve(bootNodeOf(find(path), ({ size }) => size)),
    list({ path }) {
      const node = find(path)?.node
      return Promise.resolve(node?.type === 'directory' ? [...node.children.keys()].sort() : [])
    },
    read({ path }, length) {
      const node = find(path)?.node
      if (node?.type !== 'file') throw new Error(`no file at ${path}`)
      return firstBytes(node.content.open(), length)
    },
    form: () => Promise.resolve(PLAIN_FORM),
  }
}
