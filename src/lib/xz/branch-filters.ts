/**
 * Filters for machine code: targets of branches are stored as absolute addresses, which repeat where relative ones do not.
 * (Branch/Call/Jump filters; section 5.3.2 of the .xz file format)
 *
 * Each makes the addresses of a piece relative again, in place.
 *
 * @param at address of the first byte
 * @returns how many bytes are done; the others may be the beginning of an instruction
 */
export type BranchFilter = (bytes: Uint8Array, at: number) => number

/** By the ids of the filters. Each call gives one for a new block. */
export const BRANCH_FILTERS: Readonly<Record<number, () => BranchFilter>> = {
  0x04: x86,
  0x05: () => powerPc,
  0x06: () => itanium,
  0x07: () => arm,
  0x08: () => armThumb,
  0x09: () => sparc,
  0x0a: () => arm64,
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  new DataView(buffer, byteOffset, byteLength)

/** Applies a change to each whole instruction of four bytes. */
function eachWord(
  bytes: Uint8Array,
  isLittleEndian: boolean,
  change: (instruction: number, offset: number) => number | undefined,
): number {
  const view = viewOf(bytes)
  const end = bytes.length & ~3
  for (let i = 0; i < end; i += 4) {
    const changed = change(view.getUint32(i, isLittleEndian), i)
    if (changed !== undefined) view.setUint32(i, changed, isLittleEndian)
  }
  return end
}

/** bl */
function powerPc(bytes: Uint8Array, at: number): number {
  return eachWord(bytes, false, (word, i) =>
    (word & 0xfc000003) >>> 0 === 0x48000001 ? 0x48000001 | ((word - at - i) & 0x03fffffc) : undefined,
  )
}

/** BL, always */
function arm(bytes: Uint8Array, at: number): number {
  return eachWord(bytes, true, (word, i) =>
    word >>> 24 === 0xeb ? 0xeb000000 | ((((word << 2) - at - i - 8) >>> 2) & 0xffffff) : undefined,
  )
}

/** Pairs of instructions of two bytes: BL. */
function armThumb(bytes: Uint8Array, at: number): number {
  const view = viewOf(bytes)
  let i = 0
  for (; i + 4 <= bytes.length; i += 2) {
    const [high, low] = [view.getUint16(i, true), view.getUint16(i + 2, true)]
    if ((high & 0xf800) !== 0xf000 || (low & 0xf800) !== 0xf800) continue
    const target = ((((high & 0x7ff) << 11) | (low & 0x7ff)) << 1) - at - i - 4
    view.setUint16(i, 0xf000 | ((target >>> 12) & 0x7ff), true)
    view.setUint16(i + 2, 0xf800 | ((target >>> 1) & 0x7ff), true)
    i += 2
  }
  return i
}

/** call, within 8 MiB */
function sparc(bytes: Uint8Array, at: number): number {
  return eachWord(bytes, false, (word, i) => {
    if (word >>> 22 !== 0x100 && word >>> 22 !== 0x1ff) return undefined
    const target = ((word << 2) - at - i) >>> 2
    return (0x40000000 - (target & 0x400000)) | 0x40000000 | (target & 0x3fffff)
  })
}

/** BL, and ADRP within 512 MiB */
function arm64(bytes: Uint8Array, at: number): number {
  return eachWord(bytes, true, (word, i) => {
    if (word >>> 26 === 0x25) return 0x94000000 | ((word - ((at + i) >>> 2)) & 0x03ffffff)
    if ((word & 0x9f000000) >>> 0 !== 0x90000000) return undefined
    const page = ((word >>> 29) & 3) | ((word >>> 3) & 0x1ffffc)
    if (((page + 0x020000) & 0x1c0000) !== 0) return undefined
    const target = page - ((at + i) >>> 12)
    const sign = (target & 0x020000) === 0 ? 0 : 0xe00000
    return (word & 0x9000001f) | ((target & 3) << 29) | ((target & 0x03fffc) << 3) | sign
  })
}

/** Slots of a bundle that may hold a branch, by its template. */
const ITANIUM_BRANCHES = [4, 4, 6, 6, 0, 0, 7, 7, 4, 4, 0, 0, 4, 4, 0, 0]
const ITANIUM_BUNDLE = 16
const ITANIUM_SLOT_BITS = 41

/** br.call with an address relative to the instruction */
function itanium(bytes: Uint8Array, at: number): number {
  const end = bytes.length - (bytes.length % ITANIUM_BUNDLE)
  for (let i = 0; i < end; i += ITANIUM_BUNDLE) {
    const template = bytes[i] & 0x1f
    const slots = template < 16 ? 0 : ITANIUM_BRANCHES[template - 16]
    for (let slot = 0; slot < 3; slot++) {
      if (((slots >> slot) & 1) === 0) continue
      const bit = 5 + slot * ITANIUM_SLOT_BITS
      changeItaniumSlot(bytes.subarray(i + (bit >> 3)), BigInt(bit & 7), at + i)
    }
  }
  return end
}

function changeItaniumSlot(bytes: Uint8Array, shift: bigint, address: number): void {
  let word = 0n
  for (let i = 5; i >= 0; i--) word = (word << 8n) | BigInt(bytes[i])
  const instruction = word >> shift
  if (((instruction >> 37n) & 0xfn) !== 5n || ((instruction >> 9n) & 7n) !== 0n) return
  const stored = Number((instruction >> 13n) & 0xfffffn) | (Number((instruction >> 36n) & 1n) << 20)
  const target = BigInt(((stored << 4) - address) >>> 4)
  const others = instruction & ~(0x8fffffn << 13n)
  const changed = others | ((target & 0xfffffn) << 13n) | (((target >> 20n) & 1n) << 36n)
  let out = (word & ((1n << shift) - 1n)) | (changed << shift)
  for (let i = 0; i < 6; i++, out >>= 8n) bytes[i] = Number(out & 0xffn)
}

/** By which of the three bytes before an opcode were opcodes, too: whether this one may be one, and which byte decides. */
const X86_IS_ALLOWED = [true, true, true, false, true, false, false, false]
const X86_BYTE = [0, 1, 2, 2, 3, 3, 3, 3]
/** Bytes of a call or jump. */
const X86_LENGTH = 5

/** CALL and JMP with 32-bit offsets, of which the highest byte is 0 or 0xff, where they do not look like parts of others. */
function x86(): BranchFilter {
  /** Bits for the last three bytes: whether an opcode was there that was not converted. */
  let mask = 0
  const isSign = (byte: number) => byte === 0 || byte === 0xff
  return (bytes, at) => {
    const view = viewOf(bytes)
    const end = bytes.length - (X86_LENGTH - 1)
    if (end <= 0) return 0
    let last = -1
    let i = 0
    for (; i < end; i++) {
      if ((bytes[i] & 0xfe) !== 0xe8) continue
      const distance = i - last
      last = i
      mask = distance > 3 ? 0 : (mask << (distance - 1)) & 7
      if (mask !== 0 && (!X86_IS_ALLOWED[mask] || isSign(bytes[i + 4 - X86_BYTE[mask]]))) {
        mask = (mask << 1) | 1
        continue
      }
      if (!isSign(bytes[i + 4])) {
        mask = (mask << 1) | 1
        continue
      }
      const base = at + i + X86_LENGTH
      let source = view.getUint32(i + 1, true)
      let target = (source - base) >>> 0
      while (mask !== 0) {
        const shift = X86_BYTE[mask] * 8
        if (!isSign((target >>> (24 - shift)) & 0xff)) break
        source = target ^ (2 ** (32 - shift) - 1)
        target = (source - base) >>> 0
      }
      const sign = (target & 0x01000000) === 0 ? 0 : 0xff000000
      view.setUint32(i + 1, (target & 0x00ffffff) | sign, true)
      i += X86_LENGTH - 1
    }
    const distance = i - last
    mask = distance > 3 ? 0 : mask << (distance - 1)
    return i
  }
}
