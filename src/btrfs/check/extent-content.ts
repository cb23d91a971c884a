/** Whether compressed extents decompress to what their items say. */
import type { ByteSource } from '../../lib/byte-source.ts'
import { CorruptError } from '../../lib/errors.ts'
import type { Decompressor } from '../read/decompress.ts'
import type { CheckContext } from './context.ts'
import type { CompressedExtent, DecodeBatch } from './decode-batch.ts'
import type { ExtentDecoder } from './extent-decoder.ts'

/** A compressed extent in a batch. */
interface PlacedExtent extends CompressedExtent {
  bytenr: number
}

/**
 * Collects extents in batches and has them decoded. Faults wait until the end: they are then in the order of the
 * extents, whatever the number of threads.
 */
export class ExtentContentCheck {
  readonly #context: CheckContext
  readonly #decoder: ExtentDecoder
  readonly #zstd: Decompressor
  readonly #free: number[]
  readonly #underWay: number[] = []
  /** By batch: its extents. */
  readonly #extents: PlacedExtent[][]
  readonly #faults: { what: string; bytenr: number; expected: unknown; found: unknown }[] = []
  #current: number

  constructor(context: CheckContext, decoder: ExtentDecoder, zstd: Decompressor) {
    this.#context = context
    this.#decoder = decoder
    this.#zstd = zstd
    this.#free = [...decoder.batches.keys()]
    this.#extents = decoder.batches.map(() => [])
    this.#current = this.#free.shift()!
  }

  /** The same source, whose reads wait until there is room for a batch of extents. */
  pacing(source: ByteSource): ByteSource {
    const later = async (offset: number, length: number) => {
      while (this.#free.length === 0) await this.#finishOldest()
      return source.read(offset, length)
    }
    return {
      size: source.size,
      read: (offset, length) =>
        this.#free.length === 0 ? later(offset, length) : source.read(offset, length),
    }
  }

  /**
   * Takes an extent and a copy of its stored bytes. The extents between two reads take at most the room of a batch.
   */
  add({ bytenr, ramBytes, compression }: PlacedExtent, stored: Uint8Array): void {
    if (!this.#batch(this.#current).add({ ramBytes, compression }, stored, this.#context.sectorsize)) {
      this.#decoder.start(this.#current)
      this.#underWay.push(this.#current)
      this.#current = this.#free.shift()!
      this.add({ bytenr, ramBytes, compression }, stored)
      return
    }
    this.#extents[this.#current].push({ bytenr, ramBytes, compression })
  }

  /** Waits for all extents, and reports the faults. */
  async finish(): Promise<void> {
    const last = this.#batch(this.#current)
    // A single batch is not worth starting threads.
    if (this.#underWay.length === 0) last.decode(last.count, this.#zstd)
    else this.#decoder.start(this.#current)
    this.#underWay.push(this.#current)
    while (this.#underWay.length > 0) await this.#finishOldest()
    for (const { what, bytenr, expected, found } of this.#faults) {
      this.#context.fault(what, this.#context.physical(bytenr), expected, found)
    }
  }

  async #finishOldest(): Promise<void> {
    const oldest = this.#underWay.shift()!
    const finished = this.#decoder.finish(oldest)
    if (finished !== undefined) await finished
    this.#extents[oldest].forEach((extent, index) => this.#compare(extent, this.#batch(oldest), index))
    this.#extents[oldest] = []
    this.#batch(oldest).clear()
    this.#free.push(oldest)
  }

  #compare({ bytenr, ramBytes }: PlacedExtent, batch: DecodeBatch, index: number): void {
    const what = `compressed extent ${bytenr}`
    try {
      const length = batch.contentLength(index, this.#zstd)
      // The kernel compresses up to the end of the file, which may be within the last sector.
      if (length > ramBytes - this.#context.sectorsize) return
      this.#faults.push({ what, bytenr, expected: `${ramBytes} bytes of content`, found: length })
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error
      this.#faults.push({ what: `${what}, content`, bytenr, expected: error.expected, found: error.found })
    }
  }

  #batch(index: number): DecodeBatch {
    return this.#decoder.batches[index]
  }
}
