/**
 * Decompresses extents on other threads while the trees that lead to them are still being walked. Only what is sound is
 * noted: the check of the data passes over it, and looks at everything else once more. So the faults it reports, and
 * their order, are the same without this.
 */
import type { ByteSource } from '../../lib/byte-source.ts'
import { COMPRESS_NONE, MAX_COMPRESSED_RAM_BYTES } from '../format.ts'
import type { CheckContext } from './context.ts'
import { WINDOW_BYTES } from './data-window.ts'
import type { ExtentClaim, UseTable } from './use-table.ts'
import type { WindowChecker } from './window-checker.ts'

/** Extents in one window of data, by the rows of their uses. */
interface Run {
  start: number
  end: number
  rows: number[]
}

export interface DecodeAheadInput {
  context: CheckContext
  source: ByteSource
  checker: WindowChecker
}

export class DecodeAhead {
  readonly #in: DecodeAheadInput
  readonly #free: number[]
  readonly #underWay: { index: number; rows: number[] }[] = []
  #run: Run | undefined
  /** Where the last extent ends: those before it have had their turn. */
  #end = 0

  constructor(input: DecodeAheadInput) {
    this.#in = input
    this.#free = [...input.checker.windows.keys()]
  }

  /**
   * Takes in a use of an extent, which may be nonsense. Never waits: what comes when all windows are under way is left
   * to the check of the data.
   */
  add(uses: UseTable, { bytenr, diskNumBytes, ramBytes, compression }: ExtentClaim): void {
    if (compression === COMPRESS_NONE || bytenr < this.#end) return
    if (diskNumBytes > WINDOW_BYTES || ramBytes > MAX_COMPRESSED_RAM_BYTES) return
    const end = bytenr + diskNumBytes
    if (this.#run !== undefined && end > this.#run.start + WINDOW_BYTES) this.#flush(uses)
    this.#run ??= { start: bytenr, end, rows: [] }
    this.#run.rows.push(uses.length - 1)
    this.#run.end = end
    this.#end = end
  }

  /** Waits for all that is under way; its windows are free then. */
  async finish(uses: UseTable): Promise<void> {
    this.#run = undefined
    for (const { index, rows } of this.#underWay.splice(0)) {
      await this.#in.checker.finish(index)
      this.#note(uses, index, rows)
    }
  }

  #flush(uses: UseTable): void {
    const { start, end, rows } = this.#run!
    this.#run = undefined
    const { context, source, checker } = this.#in
    while (this.#underWay.length > 0 && checker.isFinished(this.#underWay[0].index)) {
      const { index, rows } = this.#underWay.shift()!
      this.#note(uses, index, rows)
      this.#free.push(index)
    }
    if (this.#free.length === 0) return
    // Of several copies, the first one whose checksums fit is decompressed; which one it is turns out later.
    const places = context.chunks.copies(start, end - start)
    const location = places.length === 1 ? source.locate?.(places[0], end - start) : undefined
    if (location === undefined) return
    const index = this.#free.pop()!
    const window = checker.windows[index]
    window.begin(undefined, context.sectorsize, { ...location, length: end - start })
    for (const row of rows) {
      const { bytenr, diskNumBytes: length, ramBytes, compression } = uses.get(row)
      window.addExtent({ start: bytenr - start, length, ramBytes, compression })
    }
    checker.start(index)
    this.#underWay.push({ index, rows })
  }

  #note(uses: UseTable, index: number, rows: readonly number[]): void {
    const { checker, context } = this.#in
    const window = checker.windows[index]
    if (!window.isSound) return
    rows.forEach((row, i) => {
      if (i < window.extents && window.isDecoded(i, context.sectorsize)) uses.noteDecoded(row)
    })
  }
}
