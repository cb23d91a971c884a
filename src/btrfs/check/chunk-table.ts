/** The tables of space on the device: chunks, block groups, device extents and devices. */
import { BlockGroupItem, DevExtent, DevItem } from '../format.ts'
import type { MappedChunk } from '../read/chunk-map.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { u64Of } from './numbers.ts'

export interface BlockGroupRecord {
  start: number
  length: number
  used: number
  flags: bigint
  /** Offset of its item on the device. */
  place: number
}

export interface DeviceExtent {
  devid: number
  start: number
  length: number
  chunk: number
  place: number
}

export interface Device extends Pick<DevItem, 'devid' | 'totalBytes' | 'bytesUsed' | 'uuid' | 'fsid'> {
  place: number
}

/** Rows in the order of their keys. */
export class ChunkTable {
  readonly chunks: (MappedChunk & { place: number })[] = []
  readonly groups: BlockGroupRecord[] = []
  readonly deviceExtents: DeviceExtent[] = []
  readonly devices: Device[] = []

  addChunk(chunk: MappedChunk, place: number): void {
    this.chunks.push({ ...chunk, place })
  }

  addGroup(leaf: TreeBlock, slot: number): void {
    const at = leaf.itemStart(slot)
    const used = u64Of(BlockGroupItem.at.used, leaf.view, at)
    const flags = BlockGroupItem.at.flags.get(leaf.view, at)
    const [start, length] = [leaf.keyObject(slot), leaf.keyNumber(slot)]
    this.groups.push({ start, length, used, flags, place: leaf.physical + at })
  }

  addDeviceExtent(leaf: TreeBlock, slot: number): void {
    const at = leaf.itemStart(slot)
    this.deviceExtents.push({
      devid: leaf.keyObject(slot),
      start: leaf.keyNumber(slot),
      length: u64Of(DevExtent.at.length, leaf.view, at),
      chunk: u64Of(DevExtent.at.chunkOffset, leaf.view, at),
      place: leaf.physical + at,
    })
  }

  addDevice(leaf: TreeBlock, slot: number): void {
    const at = leaf.itemStart(slot)
    this.devices.push({
      devid: u64Of(DevItem.at.devid, leaf.view, at),
      totalBytes: u64Of(DevItem.at.totalBytes, leaf.view, at),
      bytesUsed: u64Of(DevItem.at.bytesUsed, leaf.view, at),
      uuid: DevItem.at.uuid.get(leaf.view, at),
      fsid: DevItem.at.fsid.get(leaf.view, at),
      place: leaf.physical + at,
    })
  }
}
