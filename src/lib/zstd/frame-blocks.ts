/**
 * Frames made of blocks from two sources.
 *
 * A frame here is any number of raw and RLE blocks, the blocks of at most one frame made by libzstd, and
 * again any number of raw and RLE blocks, and copies. That is sound because the blocks of libzstd refer only
 * to what they themselves produce, by distances, so bytes before them do not matter; because raw and RLE
 * blocks leave the repeated offsets and tables alone that compressed blocks hand on to each other (RFC 8878,
 * 3.1.1.5); and because the first block of libzstd's frame expects the offsets a fresh frame begins with. A
 * second frame of libzstd would not find those any more.
 */
import { viewOf } from '../struct.ts'
import {
  BlockHeader,
  blockBodySize,
  type BlockType,
  SINGLE_SEGMENT_HEADER_SIZE,
  writeSingleSegmentHeader,
} from './format.ts'
import type { RunMemory } from './run-memory.ts'

/** Both sizes of a frame, in bytes. */
export interface FrameSizes {
  compressed: number
  content: number
}

interface Frame {
  /** Bytes of content. */
  content: number
  /** The end of its blocks, those of runs not counted. */
  end: number
  /** Which run is in it. */
  run: number | undefined
}

/** Blocks one after the other in memory, and the places of runs, whose blocks are made later. */
export class FrameBlocks {
  /** Headers and raw blocks, where they stay until they are in the file. */
  readonly bytes: Uint8Array
  readonly #view: DataView
  readonly #memory: RunMemory
  readonly #frames: Frame[] = []
  /** The place of each run among the blocks. */
  readonly #runPlaces: number[] = []
  #end = 0
  /** Of the frame that is open. */
  #frameStart = 0
  #frameContent = 0
  #frameRun: number | undefined
  /** The header of the block written last, unless the run's blocks are the last. */
  #lastHeader: number | undefined
  /** The repeated offsets are no more those of a fresh frame: libzstd's blocks are in it, or copies. */
  #offsetsUsed = false
  /** Of the run that was added last: where in the memory's content it begins, and its length. */
  #runStart = 0
  #runLength = 0

  /**
   * @param size bytes of blocks there is room for
   * @param memory where the runs are compressed
   */
  constructor(size: number, memory: RunMemory) {
    this.bytes = new Uint8Array(size)
    this.#view = viewOf(this.bytes)
    this.#memory = memory
  }

  /** Bytes of content in the frame that is open. */
  get frameContent(): number {
    return this.#frameContent
  }

  get runs(): number {
    return this.#runPlaces.length
  }

  /**
   * Adds a block whose body is left to the caller.
   *
   * @param size of the block, as its header has it
   * @param content bytes the block stands for
   * @returns where in `bytes` its body is
   */
  add(type: BlockType, size: number, content: number): number {
    this.#openFrame()
    const header = this.#end
    this.#lastHeader = header
    const block = { last: false, type, size }
    BlockHeader.write(this.#view, header, block)
    if (type === 'compressed') this.#offsetsUsed = true
    this.#frameContent += content
    this.#end += BlockHeader.size + blockBodySize(block)
    return header + BlockHeader.size
  }

  /** Makes the last block, a raw or an RLE block, stand for `more` bytes more. Returns where in `bytes` they are. */
  extend(more: number): number {
    const header = this.#lastHeader!
    const block = BlockHeader.read(this.#view, header)
    BlockHeader.write(this.#view, header, { ...block, size: block.size + more })
    this.#frameContent += more
    const at = this.#end
    if (block.type === 'raw') this.#end += more
    return at
  }

  /** Adds a run that begins at `start` of the memory's content. */
  addRun(start: number): void {
    if (this.#offsetsUsed) this.endFrame()
    this.#openFrame()
    this.#offsetsUsed = true
    this.#frameRun = this.runs
    this.#runStart = start
    this.#runLength = 0
    this.#runPlaces.push(this.#end)
    this.#lastHeader = undefined
  }

  /** Makes the run that was added last longer; nothing was added since. */
  extendRun(more: number): void {
    this.#runLength += more
    this.#frameContent += more
  }

  endFrame(): void {
    if (this.#frameContent === 0) return
    const header = this.#lastHeader
    // The run's blocks have such a mark already.
    if (header !== undefined) {
      BlockHeader.write(this.#view, header, { ...BlockHeader.read(this.#view, header), last: true })
    }
    writeSingleSegmentHeader(this.bytes, this.#frameStart, this.#frameContent)
    const run = this.#frameRun
    if (run !== undefined) {
      this.#memory.setRun(run, this.#runStart, this.#runLength, header === undefined)
    }
    this.#frames.push({ content: this.#frameContent, end: this.#end, run })
    this.#forgetFrame()
  }

  /** The sizes of the frames, once the runs are compressed. */
  *sizes(): Generator<FrameSizes> {
    let start = 0
    for (const { content, end, run } of this.#frames) {
      yield { compressed: end - start + (run === undefined ? 0 : this.#memory.blocksLength(run)), content }
      start = end
    }
  }

  /** The frames, once the runs are compressed, as pieces that follow each other. */
  gather(): Uint8Array[] {
    const pieces: Uint8Array[] = []
    let start = 0
    for (const [run, place] of this.#runPlaces.entries()) {
      pieces.push(this.bytes.subarray(start, place), this.#memory.blocks(run))
      start = place
    }
    pieces.push(this.bytes.subarray(start, this.#end))
    return pieces
  }

  /** A function from places in `bytes`, in ascending order, to places in the frames, once the runs are compressed. */
  toFrames(): (place: number) => number {
    let run = 0
    let shift = 0
    return (place) => {
      while (run < this.runs && this.#runPlaces[run] <= place) shift += this.#memory.blocksLength(run++)
      return place + shift
    }
  }

  clear(): void {
    this.#frames.length = 0
    this.#runPlaces.length = 0
    this.#end = 0
    this.#forgetFrame()
  }

  #openFrame(): void {
    if (this.#frameContent > 0) return
    this.#frameStart = this.#end
    this.#end += SINGLE_SEGMENT_HEADER_SIZE
  }

  #forgetFrame(): void {
    this.#frameContent = 0
    this.#frameRun = undefined
    this.#offsetsUsed = false
  }
}
