/** XZ Embedded as WebAssembly: decodes .xz streams piece by piece. */
import { MODULE_BASE64 } from './wasm-module.ts'

/** The part of WebAssembly used here, which the types of Node lack. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>
  instantiate(module: object, imports: object): Promise<{ exports: object }>
}

/** Exports of the module. Addresses and sizes are in bytes. */
interface Exports {
  memory: { buffer: ArrayBuffer }
  /** @returns the address of a context: a `struct xz_buf` behind the size of its two buffers */
  create_context(): number
  supply_input(context: number, length: number): void
  /** xz_dec_catrun: no input means the end of it. @returns an `enum xz_ret` */
  get_next_output(context: number): number
}

/** Words of a context: the size of each buffer, then struct xz_buf (linux/xz.h). */
const SIZE = 0
const IN = 1
const IN_POS = 2
const IN_SIZE = 3
const OUT = 4
const OUT_POS = 5
const WORDS = 7

const XZ_OK = 0
const XZ_STREAM_END = 1
const XZ_BUF_ERROR = 8

/** enum xz_ret (linux/xz.h) */
const REASONS: Record<number, string> = {
  3: 'not enough memory',
  4: 'it needs a dictionary of more than 64 MiB',
  5: 'expected the header of a stream, found something else',
  6: 'properties of LZMA2 that are not known',
  7: 'the data are corrupt',
}

let compiled: Promise<object> | undefined

/** Decodes any number of streams, one after the other, with padding between them. */
export class XzDecoder {
  readonly #exports: Exports
  readonly #context: number
  readonly #size: number

  private constructor(exports: Exports) {
    this.#exports = exports
    this.#context = exports.create_context()
    this.#size = this.#words[SIZE]
  }

  /** A decoder in a memory of its own, of the size of the dictionary, which is at most 64 MiB. */
  static async load(): Promise<XzDecoder> {
    compiled ??= WebAssembly.compile(Uint8Array.from(atob(MODULE_BASE64), (digit) => digit.charCodeAt(0)))
    const { exports } = await WebAssembly.instantiate(await compiled, {})
    return new XzDecoder(exports as Exports)
  }

  /**
   * Decodes the next piece of input, or with an empty one what is left.
   *
   * @returns the content in pieces, each valid until the next
   * @throws XzProblem when the streams are damaged or not supported
   */
  *decode(input: Uint8Array): Generator<Uint8Array, void, undefined> {
    let at = 0
    do {
      const step = input.subarray(at, at + this.#size)
      new Uint8Array(this.#exports.memory.buffer).set(step, this.#words[IN])
      this.#exports.supply_input(this.#context, step.length)
      at += step.length
      for (let more = true; more;) {
        const result = this.#exports.get_next_output(this.#context)
        const words = this.#words
        const length = words[OUT_POS]
        if (length > 0) yield new Uint8Array(this.#exports.memory.buffer, words[OUT], length)
        this.#words[OUT_POS] = 0
        if (result === XZ_STREAM_END) return
        if (result !== XZ_OK) {
          throw new XzProblem(REASONS[result] ?? `error ${result}`, result === XZ_BUF_ERROR)
        }
        more = words[IN_POS] < words[IN_SIZE] || length === this.#size || input.length === 0
      }
    } while (at < input.length)
  }

  get #words(): Uint32Array {
    return new Uint32Array(this.#exports.memory.buffer, this.#context, WORDS)
  }
}

/** Streams that cannot be decoded. */
export class XzProblem extends Error {
  /** Input is missing. */
  readonly isTruncated: boolean

  constructor(message: string, isTruncated: boolean) {
    super(message)
    this.isTruncated = isTruncated
  }
}
