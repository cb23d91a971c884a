/** Filters that come after LZMA2 when a block is decoded. (section 5.3 of the .xz file format) */
import { BRANCH_FILTERS } from './branch-filters.ts'
import { XzProblem } from './decoder.ts'

const DELTA = 0x03
const NOTHING = new Uint8Array(0)

/** A filter as the header of a block has it. */
export interface FilterFlags {
  id: number
  properties: Uint8Array
}

/** Gives what it makes of all bytes up to now and has not given yet; at the end all that is left. */
export type XzFilter = (piece: Uint8Array, isLast: boolean) => Uint8Array

/** @throws XzProblem when it is not known, or has other properties */
export function openFilter({ id, properties }: FilterFlags): XzFilter {
  if (id === DELTA && properties.length === 1) return delta(properties[0] + 1)
  if (!Object.hasOwn(BRANCH_FILTERS, id)) {
    const expected = 'expected LZMA2, delta, or one for x86, ARM, ARM64, PowerPC, SPARC or Itanium'
    throw new XzProblem(`a filter that is not supported (0x${id.toString(16)}): ${expected}`, false)
  }
  const { length } = properties
  if (length !== 0 && length !== 4) throw new XzProblem('the properties of a filter have another size', false)
  const start = length === 0 ? 0 : new DataView(properties.buffer, properties.byteOffset).getUint32(0, true)
  const convert = BRANCH_FILTERS[id]()
  let at = start
  let left: Uint8Array = NOTHING
  return (piece, isLast) => {
    const bytes = new Uint8Array(left.length + piece.length)
    bytes.set(left)
    bytes.set(piece, left.length)
    const done = convert(bytes, at)
    at = (at + done) >>> 0
    left = isLast ? NOTHING : bytes.slice(done)
    return isLast ? bytes : bytes.subarray(0, done)
  }
}

/** Each byte is stored as the difference to the one so many bytes before. */
function delta(distance: number): XzFilter {
  const history = new Uint8Array(distance)
  let at = 0
  return (piece) => {
    const bytes = new Uint8Array(piece.length)
    for (let i = 0; i < piece.length; i++) {
      bytes[i] = history[at] = piece[i] + history[at]
      at = at + 1 === distance ? 0 : at + 1
    }
    return bytes
  }
}
