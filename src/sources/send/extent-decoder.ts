/** Decompresses the extents of a stream, and tells which of them a file system can hold as they are. */
import { SECTOR_SIZE } from '../../btrfs/format.ts'
import { decompressLzoExtent } from '../../btrfs/lzo-extent.ts'
import type { ContentExtent, StoredEncoding } from '../../btrfs/send/apply/file-content.ts'
import { InputError } from '../../lib/errors.ts'
import { decompressZlib } from '../../lib/zlib.ts'
import { loadZstd, type Zstd } from '../../lib/zstd/codec.ts'
import { readFrameHeader, readFrameSize } from '../../lib/zstd/format.ts'

/** The kernel decompresses with no larger window. (ZSTD_BTRFS_MAX_INPUT) */
const MAX_ZSTD_WINDOW = 128 * 1024

export interface DecodedExtent {
  stored: Uint8Array
  /** `ramBytes` bytes. */
  content: Uint8Array
  /** BTRFS can hold it as it is stored: the kernel will read the same content. */
  isWhole: boolean
}

export class ExtentDecoder {
  readonly #source: string
  readonly #zstd: Zstd
  /** The last one: files may have several parts of it. */
  #last: { extent: ContentExtent; content: Uint8Array; length: number } | undefined

  private constructor(source: string, zstd: Zstd) {
    this.#source = source
    this.#zstd = zstd
  }

  /** @param source name of the stream, for messages */
  static async load(source: string): Promise<ExtentDecoder> {
    return new ExtentDecoder(source, await loadZstd())
  }

  /** @throws InputError when it is damaged */
  async decode(extent: ContentExtent, encoding: StoredEncoding): Promise<DecodedExtent> {
    const stored = await extent.store.read(extent.position, encoding.storedLength)
    const needed = Math.min(encoding.ramBytes, extent.from + extent.length)
    try {
      const last = this.#last
      if (last?.extent.store !== extent.store || last.extent.position !== extent.position) {
        const decoded = this.#decompress(stored, encoding)
        const content = new Uint8Array(encoding.ramBytes)
        content.set(decoded.subarray(0, content.length))
        this.#last = { extent, content, length: decoded.length }
      }
      const { content, length } = this.#last!
      return { stored, content, isWhole: length >= needed && isReadByKernel(stored, encoding) }
    } catch (error) {
      throw new InputError(
        `the content that is compressed with ${encoding.algorithm} is damaged: ${(error as Error).message}`,
        { source: this.#source, offset: extent.command },
        { cause: error },
      )
    }
  }

  #decompress(stored: Uint8Array, { algorithm, ramBytes, sectorSize }: StoredEncoding): Uint8Array {
    if (algorithm === 'zlib') return decompressZlib(stored, ramBytes)
    if (algorithm === 'lzo') return decompressLzoExtent(stored, ramBytes, sectorSize)
    return this.#zstd.decompress(stored.subarray(0, readFrameSize(stored)), MAX_ZSTD_WINDOW)
  }
}

function isReadByKernel(stored: Uint8Array, { algorithm, sectorSize }: StoredEncoding): boolean {
  if (algorithm === 'lzo') return sectorSize === SECTOR_SIZE
  return algorithm === 'zlib' || readFrameHeader(stored).windowSize <= MAX_ZSTD_WINDOW
}
