/** One value for each row of a long table, in memory that is a fraction of an array of objects'. */
export interface Column<T extends TypedArray = TypedArray> {
  readonly length: number
  push(value: number): void
  /** Pushes all of them. */
  append(more: T): void
  get(row: number): number
  set(row: number, value: number): void
  /** The values from `start` to before `end`; valid until the next `push`. */
  slice(start: number, end: number): T
}

type TypedArray = Float64Array | Uint32Array | Uint8Array

function column<T extends TypedArray>(make: (length: number) => T): Column<T> {
  let values = make(1024)
  let length = 0
  const makeRoom = (needed: number) => {
    if (needed <= values.length) return
    const larger = make(Math.max(needed, values.length * 2))
    larger.set(values)
    values = larger
  }
  return {
    get length() {
      return length
    },
    push(value) {
      makeRoom(length + 1)
      values[length++] = value
    },
    append(more) {
      makeRoom(length + more.length)
      values.set(more, length)
      length += more.length
    },
    get: (row) => values[row],
    set: (row, value) => {
      values[row] = value
    },
    slice: (start, end) => values.subarray(start, end) as T,
  }
}

/** Sizes and addresses, up to 2^53. */
export const columnOfSizes = (): Column => column((length) => new Float64Array(length))
export const columnOfU32 = (): Column<Uint32Array> => column((length) => new Uint32Array(length))
export const columnOfU8 = (): Column<Uint8Array> => column((length) => new Uint8Array(length))

/** The values of a column, with room for twice as many. */
export function grown<T extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(column: T): T {
  const larger = new (column.constructor as new (length: number) => T)(2 * column.length)
  larger.set(column)
  return larger
}
