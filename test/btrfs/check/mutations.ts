/** Changes one field of one structure in a sound file system, in all copies, with the checksums made right. */
import { closeSync, openSync, readSync, writeSync, fstatSync } from 'node:fs'
import { sealBlock } from '../../../src/btrfs/checksum.ts'
import * as format from '../../../src/btrfs/format.ts'
import { openBtrfs, type BtrfsReader } from '../../../src/btrfs/read/open.ts'
import type { TreeBlock } from '../../../src/btrfs/read/tree-block.ts'
import type { SyncByteSource } from '../../../src/lib/byte-source.ts'
import { loadHash } from '../../../src/lib/load-hash.ts'
import { driveSync } from '../../../src/lib/read-routine.ts'
import type { Struct } from '../../../src/lib/struct.ts'
import { loadZstd } from '../../../src/lib/zstd/codec.ts'

/** One place that can be changed. */
export interface Field {
  /** `InodeItem.nlink`; `item 12, byte` where no struct is known. */
  name: string
  tree: bigint
  bytenr: number
  /** Of the item that it is part of. */
  key: format.Key | undefined
  /** Where it is in the block, and how long. */
  at: number
  size: number
}

export const OPERATIONS = ['zero', 'ones', 'plus', 'minus', 'sector', 'bit', 'byte'] as const
export interface Mutation {
  field: Field
  operation: (typeof OPERATIONS)[number]
  /** Which bit or byte, as far as it matters. */
  salt: number
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyStruct = Struct<any>

/** What items begin with. */
const STRUCTS = new Map<number, AnyStruct[]>([
  [format.INODE_ITEM_KEY, [format.InodeItem]],
  [format.INODE_REF_KEY, [format.InodeRefItem]],
  [format.INODE_EXTREF_KEY, [format.InodeExtref]],
  [format.XATTR_ITEM_KEY, [format.DirItem]],
  [format.DIR_ITEM_KEY, [format.DirItem]],
  [format.DIR_INDEX_KEY, [format.DirItem]],
  [format.EXTENT_DATA_KEY, [format.FileExtentHead, format.FileExtentTail]],
  [format.ROOT_ITEM_KEY, [format.RootItem]],
  [format.ROOT_REF_KEY, [format.RootRef]],
  [format.ROOT_BACKREF_KEY, [format.RootRef]],
  [format.METADATA_ITEM_KEY, [format.ExtentItem, format.InlineTreeBlockRef]],
  [format.EXTENT_ITEM_KEY, [format.ExtentItem, format.InlineExtentDataRef]],
  [format.EXTENT_DATA_REF_KEY, [format.ExtentDataRef]],
  [format.SHARED_DATA_REF_KEY, [format.SharedDataRef]],
  [format.BLOCK_GROUP_ITEM_KEY, [format.BlockGroupItem]],
  [format.FREE_SPACE_INFO_KEY, [format.FreeSpaceInfo]],
  [format.DEV_EXTENT_KEY, [format.DevExtent]],
  [format.DEV_ITEM_KEY, [format.DevItem]],
  [format.CHUNK_ITEM_KEY, [format.ChunkItem, format.Stripe, format.Stripe]],
])

/** Names, places and sizes of the fields of a struct; those of structs in it by themselves. */
function fieldsOf(struct: AnyStruct): { name: string; at: number; size: number }[] {
  const names = Object.keys(struct.decode(new Uint8Array(struct.size)))
  return names.flatMap((name, i) => {
    const at = struct.offsetOf(name)
    const size = (i + 1 < names.length ? struct.offsetOf(names[i + 1]) : struct.size) - at
    const inner = INNER[name]
    if (inner?.size === size) {
      return fieldsOf(inner).map((field) => ({
        ...field,
        name: `${struct.name}.${name}.${field.name.split('.')[1]}`,
        at: at + field.at,
      }))
    }
    return [{ name: `${struct.name}.${name}`, at, size }]
  })
}

const INNER: Record<string, AnyStruct | undefined> = {
  key: format.Key,
  location: format.Key,
  dropProgress: format.Key,
  inode: format.InodeItem,
  ref: format.ExtentDataRef,
}

function fieldsOfBlock(block: TreeBlock, tree: bigint): Field[] {
  const { bytenr } = block
  const fields: Field[] = []
  let key: format.Key | undefined
  const add = (struct: AnyStruct, start: number) => {
    for (const { name, at, size } of fieldsOf(struct))
      fields.push({ name, tree, bytenr, key, at: start + at, size })
  }
  add(format.Header, 0)
  for (let slot = 0; slot < block.count; slot++) {
    key = block.key(slot)
    if (!block.isLeaf) {
      add(format.KeyPtr, format.Header.size + slot * format.KeyPtr.size)
      continue
    }
    add(format.Item, format.Header.size + slot * format.Item.size)
    let at = block.itemStart(slot)
    const end = at + block.itemSize(slot)
    for (const struct of STRUCTS.get(block.type(slot)) ?? []) {
      if (at + struct.size > end) break
      add(struct, at)
      at += struct.size
    }
    if (at < end) {
      fields.push({
        name: `item ${block.type(slot)}, rest`,
        tree,
        bytenr,
        key,
        at,
        size: Math.min(8, end - at),
      })
    }
  }
  // The checksum is made right whatever it is.
  return fields.filter(({ name }) => name !== 'Header.csum')
}

/** A file system in a file, in which fields can be changed. */
export class MutableImage {
  readonly #fd: number
  readonly source: SyncByteSource
  readonly reader: BtrfsReader
  readonly #seal: (block: Uint8Array) => void
  readonly fields: Field[] = []

  private constructor(
    fd: number,
    source: SyncByteSource,
    reader: BtrfsReader,
    seal: (block: Uint8Array) => void,
  ) {
    this.#fd = fd
    this.source = source
    this.reader = reader
    this.#seal = seal
  }

  static async open(path: string): Promise<MutableImage> {
    const fd = openSync(path, 'r+')
    const read = (offset: number, length: number) => {
      const bytes = new Uint8Array(length)
      return bytes.subarray(0, length === 0 ? 0 : readSync(fd, bytes, 0, length, offset))
    }
    const source = { size: fstatSync(fd).size, read, readSync: read }
    const reader = await openBtrfs(source, { loadHash, zstd: await loadZstd() })
    const names = Object.entries(format.CSUM_TYPES)
    const [name] = names.find(([, type]) => type === reader.superblock.csumType)!
    const hash = await loadHash(name as keyof typeof format.CSUM_TYPES)
    const image = new MutableImage(fd, source, reader, (block) => {
      block.fill(0, 0, 32)
      sealBlock(block, hash)
    })
    image.#findFields()
    return image
  }

  close(): void {
    closeSync(this.#fd)
  }

  #findFields(): void {
    const { trees, superblock } = this.reader
    const seen = new Set<number>()
    const visit = (bytenr: number, level: number, generation: number, tree: bigint): void => {
      if (seen.has(bytenr)) return
      seen.add(bytenr)
      const block = driveSync(this.source, trees.block(bytenr, { level, generation }, tree))
      for (const field of fieldsOfBlock(block, tree)) this.fields.push(field)
      for (let slot = 0; slot < block.count; slot++) {
        if (!block.isLeaf) visit(block.childBytenr(slot), level - 1, block.childGeneration(slot), tree)
        else if (block.type(slot) === format.ROOT_ITEM_KEY) {
          const root = format.RootItem.decode(block.bytes, block.itemStart(slot))
          visit(root.bytenr, root.level, root.generation, block.objectid(slot))
        }
      }
    }
    visit(superblock.chunkRoot, superblock.chunkRootLevel, superblock.chunkRootGeneration, 3n)
    visit(superblock.root, superblock.rootLevel, superblock.generation, 1n)
  }

  /**
   * Changes all copies of the superblock while `work` is done.
   *
   * @param change of the bytes of one copy
   */
  async withSuperblock(change: (copy: Uint8Array) => void, work: () => Promise<void>): Promise<void> {
    const places = format.SUPERBLOCK_OFFSETS.filter((at) => at + format.SUPERBLOCK_SIZE <= this.source.size)
    await this.#withChanges(places, format.SUPERBLOCK_SIZE, change, work)
  }

  /** Changes all tree blocks in which `change` changes anything, in all copies, while `work` is done. */
  async withBlocks(change: (block: Uint8Array) => void, work: () => Promise<void>): Promise<void> {
    const { chunks, superblock } = this.reader
    const blocks = [...new Set(this.fields.map(({ bytenr }) => bytenr))]
    const places = blocks.flatMap((bytenr) => chunks.copies(bytenr, superblock.nodesize))
    await this.#withChanges(places, superblock.nodesize, change, work)
  }

  async #withChanges(
    places: readonly number[],
    size: number,
    change: (bytes: Uint8Array) => void,
    work: () => Promise<void>,
  ): Promise<void> {
    const originals: { place: number; bytes: Uint8Array }[] = []
    try {
      for (const place of places) {
        const bytes = this.source.readSync(place, size)
        const changed = bytes.slice()
        change(changed)
        if (changed.every((byte, i) => byte === bytes[i])) continue
        originals.push({ place, bytes })
        this.#seal(changed)
        writeSync(this.#fd, changed, 0, size, place)
      }
      await work()
    } finally {
      for (const { place, bytes } of originals) writeSync(this.#fd, bytes, 0, size, place)
    }
  }

  /** Changes the field while `work` is done; false when the change would be none. */
  async with({ field, operation, salt }: Mutation, work: () => Promise<void>): Promise<boolean> {
    const { chunks, superblock } = this.reader
    const copies = chunks.copies(field.bytenr, superblock.nodesize)
    const original = this.source.readSync(copies[0], superblock.nodesize)
    const changed = original.slice()
    change(changed.subarray(field.at, field.at + field.size), operation, salt)
    if (changed.every((byte, i) => byte === original[i])) return false
    this.#seal(changed)
    try {
      for (const place of copies) writeSync(this.#fd, changed, 0, changed.length, place)
      await work()
    } finally {
      for (const place of copies) writeSync(this.#fd, original, 0, original.length, place)
    }
    return true
  }
}

function change(field: Uint8Array, operation: Mutation['operation'], salt: number): void {
  const add = (start: number, value: number) => {
    let carry = value
    for (let i = start; i < field.length && carry !== 0; i++) {
      const sum = field[i] + carry
      field[i] = sum & 0xff
      carry = sum >> 8
    }
  }
  switch (operation) {
    case 'zero':
      field.fill(0)
      break
    case 'ones':
      field.fill(0xff)
      break
    case 'plus':
      add(0, 1)
      break
    case 'minus':
      add(0, -1)
      break
    case 'sector':
      if (field.length > 1) add(1, 0x10)
      break
    case 'bit':
      field[Math.floor(salt / 8) % field.length] ^= 1 << (salt % 8)
      break
    case 'byte':
      field[salt % field.length] = (salt * 167 + 13) & 0xff
      break
  }
}
