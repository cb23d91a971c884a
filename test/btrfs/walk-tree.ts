/** Reads a tree back block by block, as the format describes it: it shares nothing with the loader but the structs. */
import { Header, Item, KeyPtr, leafDataSize, type Key } from '../../src/btrfs/format.ts'

export interface WalkedItem {
  key: Key
  data: Uint8Array
}

export interface WalkedTree {
  items: WalkedItem[]
  blocks: number
}

export type BlockAt = (bytenr: number) => Uint8Array | undefined

/**
 * All items below a root, in order.
 *
 * @throws Error at the first thing that is not as the format demands
 */
export function walkTree(
  root: { bytenr: number; level: number },
  owner: bigint,
  blockAt: BlockAt,
): WalkedTree {
  const items: WalkedItem[] = []
  const seen = new Set<number>()

  const visit = (
    bytenr: number,
    level: number,
    generation: number | undefined,
    firstKey: Key | undefined,
  ) => {
    const fail = (what: string) => new Error(`block ${bytenr}: ${what}`)
    if (seen.has(bytenr)) throw fail('reached twice')
    seen.add(bytenr)
    const block = blockAt(bytenr)
    if (block === undefined) throw fail('was never written')
    const header = Header.decode(block)
    if (header.bytenr !== bytenr) throw fail(`says it is ${header.bytenr}`)
    if (header.level !== level) throw fail(`level ${header.level}, expected ${level}`)
    if (header.owner !== owner) throw fail(`owner ${header.owner}`)
    if (header.flags !== 0x0100_0000_0000_0001n) throw fail(`flags ${header.flags}`)
    if (generation !== undefined && header.generation !== generation) throw fail('generation')
    if (level > 0 && header.nritems === 0) throw fail('an empty node')
    const own = (level === 0 ? Item : KeyPtr).decode(block, Header.size).key
    if (firstKey !== undefined && !sameKey(firstKey, own)) throw fail('its pointer has another key')
    if (level === 0) readLeaf(block, header.nritems, items, fail)
    else {
      for (let i = 0; i < header.nritems; i++) {
        const at = Header.size + i * KeyPtr.size
        if (at + KeyPtr.size > block.length) throw fail('more pointers than it has room for')
        const pointer = KeyPtr.decode(block, at)
        visit(pointer.blockptr, level - 1, pointer.generation, pointer.key)
      }
      const end = Header.size + header.nritems * KeyPtr.size
      if (block.subarray(end).some((byte) => byte !== 0)) throw fail('leftovers after the pointers')
    }
  }
  visit(root.bytenr, root.level, undefined, undefined)
  return { items, blocks: seen.size }
}

function readLeaf(block: Uint8Array, nritems: number, items: WalkedItem[], fail: (what: string) => Error) {
  const headersEnd = Header.size + nritems * Item.size
  let dataEnd = leafDataSize(block.length)
  for (let i = 0; i < nritems; i++) {
    const { key, offset, size } = Item.decode(block, Header.size + i * Item.size)
    if (offset + size !== dataEnd) throw fail(`item ${i} ends at ${offset + size}, expected ${dataEnd}`)
    dataEnd = offset
    const start = Header.size + offset
    if (start < headersEnd) throw fail(`data of item ${i} in the items`)
    items.push({ key, data: block.slice(start, start + size) })
  }
  if (block.subarray(headersEnd, Header.size + dataEnd).some((byte) => byte !== 0)) {
    throw fail('leftovers between the items and their data')
  }
}

export function sameKey(a: Key, b: Key): boolean {
  return a.objectid === b.objectid && a.type === b.type && a.offset === b.offset
}
