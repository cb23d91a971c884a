/** The occupancy of a long range, in a bounded number of cells. */

/**
 * How a range is used. The range is divided into cells of equal size. For each kind of use, there is a text with one
 * digit per cell, from 0 (nothing) to 9 (all of the cell); a cell that is used at all has at least 1.
 */
export interface Occupancy<Kind extends string = string> {
  /** Bytes of a cell; the last one may be shorter. */
  cellBytes: number
  use: Partial<Record<Kind, string>>
}

const FULL = 9
/** Cells begin where memory pages and disk blocks do. */
const CELL_ALIGNMENT = 4096

/** Counts which bytes of a range are used for what. */
export class OccupancyCells<Kind extends string> {
  readonly #size: number
  readonly #cellBytes: number
  readonly #count: number
  readonly #used = new Map<Kind, Float64Array>()

  /**
   * @param size bytes of the range
   * @param cells that there are at most
   */
  constructor(size: number, cells: number) {
    this.#size = size
    this.#cellBytes = Math.max(1, Math.ceil(size / cells / CELL_ALIGNMENT)) * CELL_ALIGNMENT
    this.#count = Math.ceil(size / this.#cellBytes)
  }

  /** Bytes outside the range are not counted. */
  add(kind: Kind, start: number, length: number): void {
    let cells = this.#used.get(kind)
    if (cells === undefined) {
      cells = new Float64Array(this.#count)
      this.#used.set(kind, cells)
    }
    const end = Math.min(start + length, this.#size)
    for (let at = Math.max(0, start); at < end;) {
      const cell = Math.floor(at / this.#cellBytes)
      const next = Math.min(end, (cell + 1) * this.#cellBytes)
      cells[cell] += next - at
      at = next
    }
  }

  /** With the kinds in the order of `kinds`. */
  toOccupancy(kinds: readonly Kind[]): Occupancy<Kind> {
    const use: Partial<Record<Kind, string>> = {}
    for (const kind of kinds) {
      const cells = this.#used.get(kind)
      if (cells !== undefined) use[kind] = Array.from(cells, (bytes, i) => this.#digit(bytes, i)).join('')
    }
    return { cellBytes: this.#cellBytes, use }
  }

  #digit(bytes: number, cell: number): number {
    if (bytes === 0) return 0
    const size = Math.min(this.#cellBytes, this.#size - cell * this.#cellBytes)
    return Math.min(FULL, Math.max(1, Math.round((FULL * bytes) / size)))
  }
}
