/** Looks at what was just written as the boot loaders will. */
import type { FatContent } from '../fat32/write/content.ts'
import type { DirectoryNode, TreeNode } from '../file-tree/tree.ts'
import { PLAIN_FORM } from '../file-tree/file-layout.ts'
import { toText, type ByteString, lowerCaseAscii } from '../lib/byte-string.ts'
import { BootError } from '../lib/errors.ts'
import type { Finding } from '../lib/finding.ts'
import { formatVolumeId } from '../spec/numbers.ts'
import type { ImagePlan } from '../spec/plan.ts'
import type { BootNode, BootPartition, BootTree } from '../uboot/boot-tree.ts'
import { lintBoot } from '../uboot/lint.ts'
import { findNode } from '../file-tree/find-node.ts'
import type { WrittenBtrfs } from './btrfs-partition.ts'
import type { WrittenFat32 } from './fat32-partition.ts'

/**
 * @param written all partitions, in the order of their numbers
 * @returns what may keep the image from booting
 * @throws BootError with what does
 */
export async function checkBoot(
  { boot, table }: ImagePlan,
  written: readonly (WrittenBtrfs | WrittenFat32)[],
): Promise<Finding[]> {
  if (boot === undefined || !boot.check) return []
  const partitions = written.map((each): BootPartition => {
    const { number, bootable, label } = each.plan
    const disk = table.diskId.toString(16).padStart(8, '0')
    const partUuid = `${disk}-${number.toString(16).padStart(2, '0')}`
    const common = { number, bootable, label, partUuid }
    return 'writer' in each
      ? { ...common, type: 'btrfs', uuid: each.plan.uuid, tree: btrfsTree(each), btrfs: traitsOf(each) }
      : { ...common, type: 'fat', uuid: formatVolumeId(each.plan.volumeId), tree: fatTree(each.root) }
  })
  const findings = await lintBoot(partitions, { uboot: boot.uboot })
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new BootError(errors)
  return findings
}

function traitsOf({ plan }: WrittenBtrfs): BootPartition['btrfs'] {
  const nameOf = (name: ByteString) => toText(name)!
  return {
    checksum: plan.checksum,
    dataProfiles: [plan.profiles.data],
    features: [],
    subvolumes: plan.subvolumes.map(({ name }) => nameOf(name)).filter((name) => name !== ''),
    defaultSubvolume: nameOf(plan.subvolumes.find(({ isDefault }) => isDefault)!.name),
  }
}

function btrfsTree({ writer }: WrittenBtrfs): BootTree {
  const view = writer.bootView
  const at = (path: ByteString) => view.find(path)?.node
  const fileAt = (path: ByteString) => {
    const node = at(path)
    if (node?.type !== 'file') throw new Error(`no file at ${path}`)
    return node.content
  }
  return {
    find: (path) => Promise.resolve(bootNode(view.find(path), ({ size }) => size)),
    list: ({ path }) => {
      const node = at(path)
      return Promise.resolve(node?.type === 'directory' ? view.list(node) : [])
    },
    read: ({ path }, length) => beginning(writer.open(fileAt(path)).content, length),
    form: ({ path }) => Promise.resolve(view.formOf(fileAt(path))),
  }
}

/** Names of FAT are found whatever their case. */
function fatTree(root: DirectoryNode<FatContent>): BootTree {
  const child = (directory: DirectoryNode<FatContent>, name: ByteString) =>
    directory.children.get(name) ??
    [...directory.children].find(([other]) => lowerCaseAscii(other) === lowerCaseAscii(name))?.[1]
  const at = (path: ByteString) => findNode(root, path, child)
  return {
    find: (path) => Promise.resolve(bootNode(at(path), ({ size }) => size)),
    list: ({ path }) => {
      const node = at(path)?.node
      return Promise.resolve(node?.type === 'directory' ? [...node.children.keys()].sort() : [])
    },
    read: ({ path }, length) => {
      const node = at(path)?.node
      return node?.type === 'file'
        ? beginning(node.content.open(), length)
        : Promise.resolve(new Uint8Array(0))
    },
    form: () => Promise.resolve(PLAIN_FORM),
  }
}

function bootNode<Content>(
  found: { path: ByteString; node: TreeNode<Content> } | undefined,
  sizeOf: (content: Content) => number,
): BootNode | undefined {
  if (found === undefined) return undefined
  const { path, node } = found
  if (node.type === 'file') return { path, type: 'file', size: sizeOf(node.content) }
  return { path, type: node.type === 'directory' ? 'directory' : 'other', size: 0 }
}

async function beginning(content: AsyncIterable<Uint8Array>, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let at = 0
  for await (const piece of content) {
    const part = piece.subarray(0, length - at)
    bytes.set(part, at)
    at += part.length
    if (at === length) break
  }
  return bytes.subarray(0, at)
}
