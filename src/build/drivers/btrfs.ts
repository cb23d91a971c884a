import type { NewEntry, PartitionDriver, PartitionWriter } from './driver.ts'
import { openExtentEncoder } from '../extent-encoder/open-encoder.ts'
import { loadExtentCompression } from '../../btrfs/write/extent-compression.ts'
import type { BuildContext } from '../context.ts'
import { nameOf } from '../disk-layout.ts'
import { addBootFiles, bootFileEntries } from '../boot-files.ts'
import { installNixos } from '../nixos-system.ts'
import { linuxFiles } from '../linux-system.ts'
import type { BtrfsResult } from '../result.ts'
import type { BtrfsSummary } from '../../btrfs/write/summary.ts'
import { BtrfsWriter } from '../../btrfs/write/writer.ts'
import type { TreeNode } from '../../file-tree/tree.ts'
import { toText, type ByteString } from '../../lib/byte-string.ts'
import type { Finding } from '../../lib/finding.ts'
import { firstBytes } from '../../lib/first-bytes.ts'
import type { ImageSink } from '../../lib/image-sink.ts'
import { loadHash } from '../../lib/load-hash.ts'
import type { BtrfsPlan, PlacedPlan } from '../../spec/plan/plan.ts'
import {
  bootNodeOf,
  MAX_SYSTEM_FILE,
  type BootTree,
  type BtrfsTraits,
  type SystemFiles,
  type SystemNode,
} from '../../uboot/boot-tree.ts'
import { standardDirectories } from '../../uboot/nixos-tree.ts'

export const btrfsPartitionDriver: PartitionDriver<BtrfsPlan> = {
  open: openBtrfsPartition,
  inputs: ({ nixos, linux }) =>
    [nixos?.registration, (nixos ?? linux)?.systemdBoot].flatMap((path) =>
      path === undefined ? [] : [{ kind: 'file' as const, path }],
    ),
}

async function openBtrfsPartition(
  plan: PlacedPlan<BtrfsPlan>,
  sink: ImageSink,
  { host, workers, profiler, progress, onFinding, onReplace, signal }: BuildContext,
): Promise<PartitionWriter> {
  const { nixos, linux, time } = plan
  const system = nixos ?? linux
  const { compress, decompress } = await loadExtentCompression()
  const hash = await loadHash(plan.checksum)
  const threads = await openExtentEncoder(workers, { compress, hash, onFinding })
  const encoder = profiler?.encoder(threads) ?? threads
  const writer = new BtrfsWriter(plan, sink, {
    encoder,
    decompress,
    hash,
    signal,
    onReplace,
    name: nameOf(plan),
    jsonPath: `${plan.jsonPath}.`,
  })
  return {
    *ownEntries(): Iterable<NewEntry> {
      if (nixos === undefined) return
      for (const entry of standardDirectories(time)) yield { entry }
    },
    beginSource: (merge) => writer.beginSource(merge),
    add: ({ entry, to = '', unsupported }) => writer.add(entry, to, unsupported),
    find: (path) => writer.collected.entry(path),
    list(path) {
      const found = writer.collected.find(path)
      return found?.type === 'directory' ? writer.collected.list(found) : []
    },
    async installSystem() {
      if (system === undefined) return undefined
      progress.step('boot-files', 'adding the boot files')
      const files = await (nixos === undefined
        ? linuxFiles(writer.collected, linux!, host.readFile)
        : installNixos(writer, nixos, time, host.readFile))
      const bootsHere = system.bootPlace === plan.jsonPath
      if (bootsHere) await addBootFiles(writer, files, time)
      return {
        bootPlace: bootsHere ? undefined : system.bootPlace,
        bootFiles: () => bootFileEntries(writer, files, time),
      }
    },
    async finish() {
      progress.step('trees', `writing the trees of ${plan.label || 'BTRFS'}`)
      signal?.throwIfAborted()
      const { unusedRules, writableReceived, addedSlack, ...summary } = await writer.finish()
      for (const where of unusedRules) {
        onFinding({ severity: 'notice', where, message: 'matches nothing in the sources' })
      }
      for (const name of writableReceived) onFinding(writableReceivedNotice(plan, name))
      for (const notice of writer.drops.notices('BTRFS')) onFinding(notice)
      if (addedSlack > 0) onFinding(addedSlackNotice(plan, addedSlack))
      return { ...resultOf(plan, summary), dropped: writer.drops.counts }
    },
    bootView: () => ({
      ...{ type: 'btrfs', uuid: plan.uuid, tree: bootTreeOf(writer), btrfs: traitsOf(plan) },
      systems: systemsOf(writer),
    }),
    close: () => threads.close(),
  }
}

function writableReceivedNotice({ jsonPath }: BtrfsPlan, name: string): Finding {
  return {
    severity: 'notice',
    where: `${jsonPath}.subvolumes`,
    message:
      `${JSON.stringify(name)} is writable, so it gets no received UUID: with "readOnly": true, incremental ` +
      'streams can be received on top of it',
  }
}

function addedSlackNotice({ jsonPath, slack = 0 }: BtrfsPlan, added: number): Finding {
  return {
    severity: 'notice',
    where: `${jsonPath}.slack`,
    message:
      `${slack + added} bytes are free instead of ${slack}: with less, more than a tenth of what the kernel offers as ` +
      'free could not be written',
  }
}

function resultOf(
  plan: PlacedPlan<BtrfsPlan>,
  {
    uuid,
    size,
    subvolumes: all,
    ...numbers
  }: Omit<BtrfsSummary, 'unusedRules' | 'writableReceived' | 'addedSlack'>,
): Omit<BtrfsResult, 'dropped'> {
  const { number, label, start, bootable } = plan
  const subvolumes = all.filter(({ snapshotOf }) => snapshotOf === undefined)
  const total = (count: 'files' | 'directories' | 'symlinks' | 'specials' | 'hardLinks' | 'inlineFiles') =>
    subvolumes.reduce((sum, subvolume) => sum + subvolume[count], 0)
  return {
    number,
    type: 'btrfs',
    label,
    start,
    bootable,
    uuid,
    size,
    ...numbers,
    files: total('files'),
    directories: total('directories'),
    symlinks: total('symlinks'),
    specials: total('specials'),
    hardLinks: total('hardLinks'),
    inlineFiles: total('inlineFiles'),
    subvolumes: all.map(
      ({ id, name, parent, path, uuid, readOnly, default: isDefault, snapshotOf, receivedUuid, files }) => ({
        id,
        name,
        parent,
        path,
        uuid,
        readOnly,
        default: isDefault,
        snapshotOf,
        receivedUuid,
        files,
      }),
    ),
  }
}

function traitsOf(plan: BtrfsPlan): BtrfsTraits {
  const nameOf = (name: ByteString) => toText(name)!
  return {
    checksum: plan.checksum,
    dataProfiles: [plan.profiles.data],
    features: [],
    subvolumes: plan.subvolumes.map(({ name }) => nameOf(name)).filter((name) => name !== ''),
    defaultSubvolume: nameOf(plan.subvolumes.find(({ isDefault }) => isDefault)!.name),
  }
}

function bootTreeOf(writer: BtrfsWriter): BootTree {
  const view = writer.bootView
  const nodeAt = (path: ByteString) => view.find(path)?.node
  const fileAt = (path: ByteString) => {
    const node = nodeAt(path)
    if (node?.type !== 'file') throw new Error(`no file at ${path}`)
    return node.content
  }
  return {
    find: (path) => Promise.resolve(bootNodeOf(view.find(path), (file) => view.sizeOf(file))),
    list({ path }) {
      const node = nodeAt(path)
      return Promise.resolve(node?.type === 'directory' ? view.list(node) : [])
    },
    read: ({ path }, length, offset) => firstBytes(writer.open(fileAt(path)).content, length, offset),
    form: ({ path }) => Promise.resolve(view.formOf(fileAt(path))),
  }
}

/** What the systems in the subvolumes see that mount them. */
function systemsOf(writer: BtrfsWriter): SystemFiles[] {
  const view = writer.bootView
  const nodeOf = (node: TreeNode<number> | undefined): SystemNode | undefined => {
    if (node?.type === 'directory') return { type: 'directory' }
    if (node?.type === 'symlink') return { type: 'symlink', target: node.target }
    if (node?.type !== 'file') return undefined
    return { type: 'file', content: () => firstBytes(writer.open(node.content).content, MAX_SYSTEM_FILE) }
  }
  return view.subvolumeRoots.map((root) => ({
    look: (path) => Promise.resolve(nodeOf(view.look(root, path))),
  }))
}
