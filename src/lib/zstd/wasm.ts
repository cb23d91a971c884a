/** libzstd as WebAssembly, for every place that has no faster one. */
import { inflateSync } from 'fflate'
import { MODULE_BASE64, MODULE_SIZE } from './wasm-module.ts'

/** The part of WebAssembly used here, which the types of Node lack. */
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: object } }>
}

/** Exports of the module, by the names that its build gave them. Addresses and sizes are in bytes. */
interface Exports {
  /** memory */
  f: { buffer: ArrayBuffer; grow(pages: number): number }
  /** Initialises the module. (__wasm_call_ctors) */
  g(): void
  /** ZSTD_isError */
  h(result: number): number
  /** ZSTD_createCCtx */
  j(): number
  /** ZSTD_compress_usingDict */
  l(
    cctx: number,
    target: number,
    capacity: number,
    source: number,
    size: number,
    dict: number,
    dictSize: number,
    level: number,
  ): number
  /** ZSTD_decompress */
  r(target: number, capacity: number, source: number, size: number): number
  /** malloc */
  s(size: number): number
  /** free */
  t(address: number): void
}

const PAGE_SIZE = 65536
/** (ZSTD_error_dstSize_tooSmall and others are negative numbers as a size_t) */
const errorCode = (result: number) => -(result | 0)

/** libzstd in a memory of its own, which grows with the largest piece that goes through it. */
export class WasmZstd {
  readonly #exports: Exports
  /** Memory for the source and for the result. */
  #source = { address: 0, size: 0 }
  #target = { address: 0, size: 0 }

  private constructor(exports: Exports) {
    this.#exports = exports
  }

  static async load(): Promise<WasmZstd> {
    const stored = Uint8Array.from(atob(MODULE_BASE64), (character) => character.charCodeAt(0))
    const module = inflateSync(stored, { out: new Uint8Array(MODULE_SIZE) })
    const abort = () => {
      throw new Error('zstd: the WebAssembly module aborted')
    }
    const resize = (size: number) => grow(exports.f, size >>> 0)
    // abort, the end of a program, its timers: none is called by compression and decompression.
    const imports = { a: { a: abort, b: abort, c: abort, d: abort, e: resize } }
    const { instance } = await WebAssembly.instantiate(module, imports)
    const exports = instance.exports as Exports
    exports.g()
    return new WasmZstd(exports)
  }

  /** A context that keeps its tables between the pieces it compresses; 0 when there is no memory for it. */
  createContext(): number {
    return this.#exports.j()
  }

  /**
   * Compresses into one frame, as ZSTD_compressCCtx does.
   *
   * @param capacity bytes that the frame may take
   * @returns a view that is valid until the next call
   * @throws Error with the code of libzstd
   */
  compress(context: number, source: Uint8Array, capacity: number, level: number): Uint8Array {
    return this.#run(source, capacity, (from, to) =>
      this.#exports.l(context, to, capacity, from, source.length, 0, 0, level),
    )
  }

  /**
   * Decompresses one frame of at most `capacity` bytes.
   *
   * @returns a view that is valid until the next call
   * @throws Error with the code of libzstd
   */
  decompress(source: Uint8Array, capacity: number): Uint8Array {
    return this.#run(source, capacity, (from, to) => this.#exports.r(to, capacity, from, source.length))
  }

  #run(source: Uint8Array, capacity: number, work: (from: number, to: number) => number): Uint8Array {
    this.#source = this.#reserve(this.#source, source.length)
    this.#target = this.#reserve(this.#target, capacity)
    const memory = this.#exports.f
    new Uint8Array(memory.buffer).set(source, this.#source.address)
    const result = work(this.#source.address, this.#target.address)
    if (this.#exports.h(result) !== 0) throw new Error(`zstd: error ${errorCode(result)}`)
    return new Uint8Array(memory.buffer, this.#target.address, result)
  }

  /** Makes an area of memory larger when it is too small. */
  #reserve(area: { address: number; size: number }, size: number): { address: number; size: number } {
    if (area.size >= size && area.address !== 0) return area
    if (area.address !== 0) this.#exports.t(area.address)
    area.address = 0
    const address = this.#exports.s(Math.max(1, size))
    if (address === 0) throw new RangeError(`zstd: no memory for ${size} bytes`)
    return { address, size }
  }
}

/** Called by malloc when its memory is full. */
function grow(memory: Exports['f'], size: number): number {
  const pages = Math.ceil((size - memory.buffer.byteLength) / PAGE_SIZE)
  try {
    memory.grow(Math.max(0, pages))
    return 1
  } catch {
    return 0
  }
}
