/** libzstd as WebAssembly, for every place that has no faster one. */
import { inflateSync } from 'fflate'
import { MODULE_BASE64, MODULE_SIZE } from './wasm-module.ts'

/** The part of WebAssembly used here, which the types of Node lack. */
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: object } }>
}

/** Exports of the module (scripts/zstd-wasm.c). Addresses and sizes are in bytes; a result below 0 is an error. */
interface Exports {
  memory: { buffer: ArrayBuffer }
  /** 0 when there is no memory for it, as with `malloc`. */
  createCCtx(): number
  createDCtx(): number
  /** ZSTD_compressCCtx */
  compress(
    cctx: number,
    target: number,
    capacity: number,
    source: number,
    size: number,
    level: number,
  ): number
  /** ZSTD_decompressDCtx */
  decompress(dctx: number, target: number, capacity: number, source: number, size: number): number
  /** ZSTD_decompressStream; `done` is the address of the numbers of bytes written and read. 0 at the end of a frame. */
  decompressStream(
    dctx: number,
    target: number,
    capacity: number,
    source: number,
    size: number,
    done: number,
  ): number
  malloc(size: number): number
  free(address: number): void
}

/** libzstd in a memory of its own, which grows with the largest piece that goes through it. */
export class WasmZstd {
  readonly #exports: Exports
  readonly #cctx: number
  readonly #dctx: number
  /** Memory for the source and for the result. */
  #source = { address: 0, size: 0 }
  #target = { address: 0, size: 0 }
  /** Memory for two numbers. */
  #done = { address: 0, size: 0 }

  private constructor(exports: Exports) {
    this.#exports = exports
    this.#cctx = exports.createCCtx()
    this.#dctx = exports.createDCtx()
    if (this.#cctx === 0 || this.#dctx === 0) throw new RangeError('zstd: no memory for its contexts')
  }

  static async load(): Promise<WasmZstd> {
    const stored = Uint8Array.from(atob(MODULE_BASE64), (character) => character.charCodeAt(0))
    const module = inflateSync(stored, { out: new Uint8Array(MODULE_SIZE) })
    const { instance } = await WebAssembly.instantiate(module, {})
    return new WasmZstd(instance.exports as Exports)
  }

  /**
   * Compresses into one frame, as ZSTD_compressCCtx does.
   *
   * @param capacity bytes that the frame may take
   * @returns a view that is valid until the next call
   * @throws Error with the code of libzstd
   */
  compress(source: Uint8Array, capacity: number, level: number): Uint8Array {
    return this.#run(source, capacity, (from, to) =>
      this.#exports.compress(this.#cctx, to, capacity, from, source.length, level),
    )
  }

  /**
   * Decompresses one frame of at most `capacity` bytes.
   *
   * @returns a view that is valid until the next call
   * @throws Error with the code of libzstd
   */
  decompress(source: Uint8Array, capacity: number): Uint8Array {
    return this.#run(source, capacity, (from, to) =>
      this.#exports.decompress(this.#dctx, to, capacity, from, source.length),
    )
  }

  /**
   * Decompresses what comes next of a stream of frames. One stream at a time, and no `decompress` in between.
   *
   * @returns whether the frame goes on (0: it is whole), bytes written to `target`, bytes read of `source`
   * @throws Error with the code of libzstd
   */
  decompressPiece(target: Uint8Array, source: Uint8Array): [left: number, written: number, read: number] {
    this.#done = this.#reserve(this.#done, 8)
    let counts = new Uint32Array()
    let left = 0
    const written = this.#run(source, target.length, (from, to) => {
      left = this.#exports.decompressStream(
        this.#dctx,
        to,
        target.length,
        from,
        source.length,
        this.#done.address,
      )
      counts = new Uint32Array(this.#exports.memory.buffer, this.#done.address, 2)
      return left < 0 ? left : counts[0]
    })
    target.set(written)
    return [left, written.length, counts[1]]
  }

  #run(source: Uint8Array, capacity: number, work: (from: number, to: number) => number): Uint8Array {
    this.#source = this.#reserve(this.#source, source.length)
    this.#target = this.#reserve(this.#target, capacity)
    const { memory } = this.#exports
    new Uint8Array(memory.buffer).set(source, this.#source.address)
    const result = work(this.#source.address, this.#target.address)
    if (result < 0) throw new Error(`zstd: error ${-result}`)
    return new Uint8Array(memory.buffer, this.#target.address, result)
  }

  /** Makes an area of memory larger when it is too small. */
  #reserve(area: { address: number; size: number }, size: number): { address: number; size: number } {
    if (area.size >= size && area.address !== 0) return area
    if (area.address !== 0) this.#exports.free(area.address)
    area.address = 0
    const address = this.#exports.malloc(Math.max(1, size))
    if (address === 0) throw new RangeError(`zstd: no memory for ${size} bytes`)
    return { address, size }
  }
}
