/** Compares chunks, block groups and device extents: three views of the same ranges. */
import { equalBytes } from '../../lib/equal-bytes.ts'
import {
  BLOCK_GROUP_PROFILE_MASK,
  BLOCK_GROUP_RAID0,
  BLOCK_GROUP_RAID10,
  BLOCK_GROUP_RAID5,
  BLOCK_GROUP_RAID6,
  BLOCK_GROUP_SYSTEM,
  Superblock,
} from '../format.ts'
import { systemChunks, type MappedChunk } from '../read/chunk-map.ts'
import type { ChunkTable, DeviceExtent } from './chunk-table.ts'
import type { ExtentTable } from './extent-table.ts'
import { compareDevices } from './compare-devices.ts'
import { lastAtMost, overlap } from './numbers.ts'
import type { LostRanges } from './lost-ranges.ts'
import type { CheckContext } from './context.ts'

/** Ranges of keys that could not be read. */
export interface LostOfSpace {
  chunks: LostRanges
  devices: LostRanges
  groups: LostRanges
  extents: LostRanges
}

export interface ChunkComparison {
  context: CheckContext
  table: ChunkTable
  extents: ExtentTable
  /** Bytes of the device. */
  deviceSize: number
  lost: LostOfSpace
}

export function compareChunks(input: ChunkComparison): void {
  new ChunkComparer(input).run()
}

class ChunkComparer {
  readonly #in: ChunkComparison
  readonly #context: CheckContext
  readonly #table: ChunkTable

  constructor(input: ChunkComparison) {
    this.#in = input
    this.#context = input.context
    this.#table = input.table
  }

  run(): void {
    const { lost } = this.#in
    this.#checkOverlaps()
    this.#checkSystemArray()
    this.#checkGroups()
    this.#checkDeviceExtents()
    if (!lost.chunks.any) compareDevices(this.#in)
    if (!lost.extents.any && !lost.groups.any) this.#checkUsed()
  }

  #checkOverlaps(): void {
    for (let i = 1; i < this.#table.chunks.length; i++) {
      const [before, chunk] = [this.#table.chunks[i - 1], this.#table.chunks[i]]
      const end = before.logical + before.length
      if (end <= chunk.logical) continue
      this.#context.fault(`chunk ${chunk.logical}`, chunk.place, `an address from ${end} on`, chunk.logical)
    }
  }

  #checkSystemArray(): void {
    const { lost } = this.#in
    const { superblock } = this.#context
    const place = superblock.bytenr + Superblock.offsetOf('sysChunkArray')
    const copies = new Map([...systemChunks(superblock)].map((chunk) => [chunk.logical, chunk]))
    for (const chunk of this.#table.chunks) {
      if ((chunk.type & BLOCK_GROUP_SYSTEM) === 0n) continue
      const copy = copies.get(chunk.logical)
      copies.delete(chunk.logical)
      if (copy !== undefined && isSameChunk(copy, chunk)) continue
      const found = copy === undefined ? 'none' : 'another one'
      this.#context.fault(
        `sys_chunk_array, chunk ${chunk.logical}`,
        place,
        'the chunk of the chunk tree',
        found,
      )
    }
    if (lost.chunks.any) return
    for (const logical of copies.keys()) {
      this.#context.fault(
        `sys_chunk_array, chunk ${logical}`,
        place,
        'a system chunk of the chunk tree',
        'none such',
      )
    }
  }

  #checkGroups(): void {
    const { lost } = this.#in
    const chunks = new Map(this.#table.chunks.map((chunk) => [chunk.logical, chunk]))
    for (const { start, length, flags, place } of this.#table.groups) {
      const what = `block group ${start}`
      const chunk = chunks.get(start)
      chunks.delete(start)
      if (chunk === undefined) {
        if (!lost.chunks.any) this.#context.fault(what, place, 'a chunk at its address', 'none')
        continue
      }
      if (chunk.length !== length)
        this.#context.fault(`${what}, length`, place, `${chunk.length}, as its chunk`, length)
      if (chunk.type !== flags)
        this.#context.fault(`${what}, flags`, place, `${chunk.type}, as its chunk`, flags)
    }
    for (const { logical, place } of chunks.values()) {
      if (lost.groups.hasObject(BigInt(logical))) continue
      this.#context.fault(`chunk ${logical}`, place, 'a block group for it', 'none')
    }
  }

  #checkDeviceExtents(): void {
    const { lost } = this.#in
    const stripes = new Map<string, { length: number; chunk: number; place: number }>()
    for (const chunk of this.#table.chunks) {
      const length = stripeLength(chunk)
      for (const { devid, offset } of chunk.stripes) {
        stripes.set(`${devid} ${offset}`, { length, chunk: chunk.logical, place: chunk.place })
      }
    }
    const devices = new Map(this.#table.devices.map((device) => [device.devid, device]))
    for (const { logical, stripes, place } of this.#table.chunks) {
      for (const { devid, devUuid } of stripes) {
        const device = devices.get(devid)
        if (device === undefined || equalBytes(device.uuid, devUuid)) continue
        this.#context.fault(`chunk ${logical}, dev_uuid`, place, `that of device ${devid}`, 'another one')
      }
    }
    let before: DeviceExtent | undefined
    for (const extent of this.#table.deviceExtents) {
      const { devid, start, length, chunk, place } = extent
      const what = `device extent ${start} of device ${devid}`
      const stripe = stripes.get(`${devid} ${start}`)
      stripes.delete(`${devid} ${start}`)
      if (stripe === undefined) {
        if (!lost.chunks.any) this.#context.fault(what, place, 'a stripe of a chunk at its address', 'none')
      } else if (stripe.length !== length) {
        this.#context.fault(`${what}, length`, place, `${stripe.length}, as its chunk's stripe`, length)
      } else if (stripe.chunk !== chunk) {
        this.#context.fault(`${what}, chunk_offset`, place, stripe.chunk, chunk)
      }
      const device = devices.get(devid)
      if (device === undefined) {
        if (!lost.chunks.any) this.#context.fault(what, place, 'a device item', 'none')
      } else if (start + length > device.totalBytes) {
        this.#context.fault(
          what,
          place,
          `an end within the device's ${device.totalBytes} bytes`,
          start + length,
        )
      }
      if (before !== undefined && before.devid === devid && before.start + before.length > start) {
        this.#context.fault(what, place, `an address from ${before.start + before.length} on`, start)
      }
      before = extent
    }
    if (lost.devices.any) return
    for (const [stripe, { chunk, place }] of stripes) {
      const [devid, offset] = stripe.split(' ')
      this.#context.fault(`chunk ${chunk}`, place, `a device extent ${offset} of device ${devid}`, 'none')
    }
  }

  /** Compares the sums of allocated bytes. */
  #checkUsed(): void {
    const { extents } = this.#in
    const { superblock } = this.#context
    let sum = 0
    for (const { start, length, used, place } of this.#table.groups) {
      const allocated = allocatedIn(extents, start, start + length)
      sum += allocated
      if (allocated === used) continue
      const expected = `${allocated}, the sum of its extents`
      this.#context.fault(`block group ${start}, used`, place, expected, used)
    }
    if (sum === superblock.bytesUsed) return
    const place = superblock.bytenr + Superblock.offsetOf('bytesUsed')
    this.#context.fault(
      'superblock, bytes_used',
      place,
      `${sum}, the sum of all extents`,
      superblock.bytesUsed,
    )
  }
}

function allocatedIn(extents: ExtentTable, start: number, end: number): number {
  let sum = 0
  const first = Math.max(0, lastAtMost(extents.length, extents.bytenr, start))
  for (let row = first; row < extents.length && extents.bytenr(row) < end; row++) {
    sum += overlap(extents.bytenr(row), extents.end(row), start, end)
  }
  return sum
}

function isSameChunk(a: MappedChunk, b: MappedChunk): boolean {
  return (
    a.length === b.length &&
    a.type === b.type &&
    a.stripes.length === b.stripes.length &&
    a.stripes.every(({ devid, offset, devUuid }, i) => {
      const other = b.stripes[i]
      return devid === other.devid && offset === other.offset && equalBytes(devUuid, other.devUuid)
    })
  )
}

/** Bytes of a chunk on each of its devices. (calc_stripe_length) */
function stripeLength({ length, type, stripes, item }: MappedChunk): number {
  const count = stripes.length
  switch (type & BLOCK_GROUP_PROFILE_MASK) {
    case BLOCK_GROUP_RAID0:
      return length / count
    case BLOCK_GROUP_RAID10:
      return (length * item.subStripes) / count
    case BLOCK_GROUP_RAID5:
      return length / (count - 1)
    case BLOCK_GROUP_RAID6:
      return length / (count - 2)
    default:
      return length
  }
}
