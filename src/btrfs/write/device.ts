/** The one device: its chunks in the chunk tree, their stripes in the device tree. */
import {
  BLOCK_GROUP_SYSTEM,
  CHUNK_ITEM_KEY,
  CHUNK_TREE_OBJECTID,
  ChunkItem,
  DEV_EXTENT_KEY,
  DEV_ITEM_KEY,
  DEV_ITEMS_OBJECTID,
  DEVICE_ID,
  DevExtent,
  DevItem,
  EXTENT_TREE_OBJECTID,
  FIRST_CHUNK_TREE_OBJECTID,
  Key,
  SECTOR_SIZE,
  Stripe,
  STRIPE_LEN,
} from '../format.ts'
import { viewOf } from '../../lib/struct.ts'
import type { Chunk } from './chunks.ts'
import { structItem, type TreeItem } from './tree.ts'

export interface DeviceIds {
  fsid: Uint8Array
  deviceUuid: Uint8Array
  chunkTreeUuid: Uint8Array
}

/** @param totalBytes size of the device */
export function deviceItem(chunks: Chunk[], totalBytes: number, { fsid, deviceUuid }: DeviceIds): DevItem {
  return {
    devid: DEVICE_ID,
    totalBytes,
    bytesUsed: chunks.reduce((sum, { length, stripes }) => sum + length * stripes.length, 0),
    ioAlign: SECTOR_SIZE,
    ioWidth: SECTOR_SIZE,
    sectorSize: SECTOR_SIZE,
    type: 0n,
    generation: 0,
    startOffset: 0,
    devGroup: 0,
    seekSpeed: 0,
    bandwidth: 0,
    uuid: deviceUuid,
    fsid,
  }
}

/** The items of the chunk tree in key order. */
export function chunkTreeItems(chunks: Chunk[], device: DevItem): TreeItem[] {
  return [
    structItem({ objectid: DEV_ITEMS_OBJECTID, type: DEV_ITEM_KEY, offset: DEVICE_ID }, DevItem, device),
    ...chunks.map((chunk) => ({
      objectid: FIRST_CHUNK_TREE_OBJECTID,
      type: CHUNK_ITEM_KEY,
      offset: chunk.logical,
      size: chunkItemSize(chunk),
      write: (block: DataView, at: number) => writeChunkItem(block, at, chunk, device.uuid),
    })),
  ]
}

/** The items of the device tree in key order: one for each stripe. */
export function devTreeItems(chunks: Chunk[], { chunkTreeUuid }: DeviceIds): TreeItem[] {
  const stripes = chunks.flatMap((chunk) => chunk.stripes.map((physical) => ({ physical, chunk })))
  stripes.sort((a, b) => a.physical - b.physical)
  return stripes.map(({ physical, chunk }) =>
    structItem({ objectid: DEVICE_ID, type: DEV_EXTENT_KEY, offset: physical }, DevExtent, {
      chunkTree: CHUNK_TREE_OBJECTID,
      chunkObjectid: FIRST_CHUNK_TREE_OBJECTID,
      chunkOffset: chunk.logical,
      length: chunk.length,
      chunkTreeUuid,
    }),
  )
}

/** The system chunks with their keys, for the superblock: without them nothing else can be found. */
export function sysChunkArray(chunks: Chunk[], deviceUuid: Uint8Array): Uint8Array {
  const parts = chunks
    .filter(({ type }) => (type & BLOCK_GROUP_SYSTEM) !== 0n)
    .map((chunk) => {
      const part = new Uint8Array(Key.size + chunkItemSize(chunk))
      const view = viewOf(part)
      const key = { objectid: FIRST_CHUNK_TREE_OBJECTID, type: CHUNK_ITEM_KEY, offset: BigInt(chunk.logical) }
      Key.write(view, 0, key)
      writeChunkItem(view, Key.size, chunk, deviceUuid)
      return part
    })
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0)
  return whole
}

function chunkItemSize({ stripes }: Chunk): number {
  return ChunkItem.size + stripes.length * Stripe.size
}

function writeChunkItem(block: DataView, at: number, chunk: Chunk, devUuid: Uint8Array): void {
  ChunkItem.write(block, at, {
    length: chunk.length,
    owner: EXTENT_TREE_OBJECTID,
    stripeLen: STRIPE_LEN,
    type: chunk.type,
    ioAlign: STRIPE_LEN,
    ioWidth: STRIPE_LEN,
    sectorSize: SECTOR_SIZE,
    numStripes: chunk.stripes.length,
    subStripes: 1,
  })
  chunk.stripes.forEach((offset, i) => {
    Stripe.write(block, at + ChunkItem.size + i * Stripe.size, { devid: DEVICE_ID, offset, devUuid })
  })
}
