import { wrapSink, type ImageSink } from '../../lib/image-sink.ts'
import { SUPERBLOCK_OFFSETS, SUPERBLOCK_SIZE } from '../format.ts'

export interface DeviceSink extends ImageSink {
  /** Sets aside the superblocks that begin before `end`. */
  reserveSuperblocks(end: number): Promise<void>
}

/**
 * The device as the writers of data and trees see it: the superblock and its mirrors are set aside on the way.
 *
 * Content that does not fit is written beyond its end. No image results from that, but what was written can be read
 * back, so that the error can state exactly how much is needed.
 *
 * @param size of the device in bytes; Infinity when it ends where its content ends
 */
export function deviceSink(sink: ImageSink, size: number): DeviceSink {
  const superblocks: number[] = [...SUPERBLOCK_OFFSETS]

  async function reserveSuperblocks(end: number): Promise<void> {
    while (superblocks.length > 0 && superblocks[0] < end) {
      const offset = superblocks.shift()!
      if (offset + SUPERBLOCK_SIZE <= size) await sink.reserve(offset, SUPERBLOCK_SIZE)
    }
  }

  return wrapSink(sink, {
    reserveSuperblocks,
    write(offset: number, bytes: Uint8Array, incompressible?: boolean) {
      if (superblocks.length > 0 && superblocks[0] < offset) {
        return reserveSuperblocks(offset).then(() => sink.write(offset, bytes, incompressible))
      }
      return sink.write(offset, bytes, incompressible)
    },
    async writeTwice(offset: number, bytes: Uint8Array, distance: number) {
      await reserveSuperblocks(offset)
      const second = offset + distance
      if (superblocks.length === 0 || superblocks[0] >= second) {
        return sink.writeTwice(offset, bytes, distance)
      }
      await sink.write(offset, bytes)
      await reserveSuperblocks(second)
      await sink.write(second, bytes)
    },
  })
}
