/** Images on the web, read in parts. */
import type { ByteSource } from '../lib/byte-source.ts'
import { InputError } from '../lib/errors.ts'
import { LruCache } from '../lib/lru-cache.ts'
import { ABORT_SIGNAL, checkOptions, FUNCTION, type OptionTable } from '../lib/options.ts'

export interface UrlSourceOptions {
  /** Fetches what the source asks for; default: the global `fetch`. */
  fetch?: typeof fetch | undefined
  /** Ends all reading. */
  signal?: AbortSignal | undefined
}

const OPTIONS: OptionTable<UrlSourceOptions> = { fetch: FUNCTION, signal: ABORT_SIGNAL }

/** Bytes that are asked for at least. */
const BLOCK_SIZE = 128 << 10
/** Bytes that are asked for at once: when reading goes on where it was, twice as many each time. */
const MAX_REQUEST = 4 << 20
const CACHE_BYTES = 64 << 20

/**
 * An image at an address whose server answers range requests (RFC 9110, 14), for `openImage`. Only the parts that are needed
 * are fetched. A server of another origin must allow it (CORS), and let Content-Range be seen.
 *
 * @throws InputError when there is nothing, or the server does not answer range requests
 * @throws TypeError when there is an option that is unknown or of the wrong type
 * @example
 * const image = await openImage(await urlSource('https://example.org/disk.img.zst'))
 */
export async function urlSource(url: string | URL, options: UrlSourceOptions = {}): Promise<ByteSource> {
  checkOptions('urlSource', options, OPTIONS)
  const image = new RangeReader(String(url), options)
  const size = await image.open()
  return { size, read: (offset, length) => image.read(offset, length) }
}

class RangeReader {
  readonly #url: string
  readonly #fetch: typeof fetch
  readonly #signal: AbortSignal | undefined
  /** Blocks by their numbers; those on their way are promises. */
  readonly #blocks = new LruCache<number, Promise<Uint8Array>>(CACHE_BYTES / BLOCK_SIZE)
  #size = 0
  /** What tells one version of the image from another. */
  #version: string | undefined
  /** The block behind those that were asked for last, and how many that were. */
  #next = 0
  #ahead = 1

  constructor(url: string, { fetch: fetchGiven = fetch, signal }: UrlSourceOptions) {
    this.#url = url
    this.#fetch = (input, init) => fetchGiven(input, init)
    this.#signal = signal
  }

  /** @returns the size in bytes */
  async open(): Promise<number> {
    const response = await this.#request(0, BLOCK_SIZE - 1)
    if (response.status === 416) return (this.#size = 0)
    const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1]
    this.#size = total === undefined ? await this.#sizeByHead() : Number(total)
    this.#version = versionOf(response)
    this.#blocks.set(0, Promise.resolve(new Uint8Array(await response.arrayBuffer())))
    this.#next = 1
    return this.#size
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(offset + length, this.#size)
    const bytes = new Uint8Array(Math.max(0, end - offset))
    for (let at = offset; at < end;) {
      const number = Math.floor(at / BLOCK_SIZE)
      const lastWanted = Math.floor((end - 1) / BLOCK_SIZE)
      const block = await (this.#blocks.get(number) ?? this.#fetchBlocks(number, lastWanted))
      const part = block.subarray(at - number * BLOCK_SIZE, end - number * BLOCK_SIZE)
      if (part.length === 0) throw this.#error(`expected ${this.#size} bytes, found ${at}`)
      bytes.set(part, at - offset)
      at += part.length
    }
    return bytes
  }

  /** Asks for blocks from `first` on, as far as they are not there. @returns the first one */
  #fetchBlocks(first: number, lastWanted: number): Promise<Uint8Array> {
    this.#ahead = first === this.#next ? Math.min(2 * this.#ahead, MAX_REQUEST / BLOCK_SIZE) : 1
    const most = Math.min(
      Math.max(this.#ahead, lastWanted - first + 1),
      MAX_REQUEST / BLOCK_SIZE,
      Math.ceil(this.#size / BLOCK_SIZE) - first,
    )
    let count = 1
    while (count < most && !this.#blocks.has(first + count)) count++
    this.#next = first + count
    const all = this.#fetchRange(first * BLOCK_SIZE, Math.min((first + count) * BLOCK_SIZE, this.#size))
    for (let i = 0; i < count; i++) {
      const block = all.then((bytes) => bytes.slice(i * BLOCK_SIZE, (i + 1) * BLOCK_SIZE))
      // Whoever reads it learns of a failure; the next one tries again.
      block.catch(() => this.#blocks.delete(first + i))
      this.#blocks.set(first + i, block)
    }
    return this.#blocks.get(first)!
  }

  async #fetchRange(start: number, end: number): Promise<Uint8Array> {
    const response = await this.#request(start, end - 1)
    if (response.status === 416 || versionOf(response) !== this.#version) {
      throw this.#error('the image changed while it was read')
    }
    return new Uint8Array(await response.arrayBuffer())
  }

  async #request(first: number, last: number): Promise<Response> {
    let response: Response
    try {
      response = await this.#fetch(this.#url, {
        headers: { range: `bytes=${first}-${last}` },
        ...(this.#signal && { signal: this.#signal }),
      })
    } catch (error) {
      this.#signal?.throwIfAborted()
      throw this.#error(
        `cannot be fetched: ${(error as Error).message}; a server of another origin has to allow it (CORS)`,
        error,
      )
    }
    if (response.status === 206 || response.status === 416) return response
    await response.body?.cancel()
    throw this.#error(
      response.ok
        ? `the server does not answer range requests: expected status 206, found ${response.status}`
        : `the server answers ${response.status} ${response.statusText}`.trim(),
    )
  }

  /** The size where the server does not let Content-Range be seen. */
  async #sizeByHead(): Promise<number> {
    const response = await this.#fetch(this.#url, { method: 'HEAD' })
    const length = response.headers.get('content-length')
    if (response.ok && length !== null) return Number(length)
    throw this.#error('the server does not tell the size: expected Content-Range, which CORS may hide')
  }

  #error(message: string, cause?: unknown): InputError {
    return new InputError(message, { source: this.#url }, { cause })
  }
}

function versionOf({ headers }: Response): string | undefined {
  return headers.get('etag') ?? headers.get('last-modified') ?? undefined
}
